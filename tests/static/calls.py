# SPDX-License-Identifier: BSD-2-Clause
"""Who is called through a pointer: what a disassembler cannot see, for stack.py.

file:function of the callers (patterns), those of whom they may call (patterns), why. The first row
that a caller fits is its own. Only functions whose address is taken in the same program count."""

CALLS = (
    ("sdk/libmicrokit/main.c:microkit_main", "", "constructors; C has none"),
    ("sdk/kernel/aarch64/vhe/vectors.S:save", "sdk/kernel/aarch64/vhe/exception.c:trap_*", "a vector names its handler"),
    ("sdk/kernel/core/syscall.c:syscall_dispatch",
     "sdk/kernel/core/syscall.c:sys_* sdk/kernel/core/syscall.c:*_by_*", "its table, by number"),

    ("*/switch_core.c:settle */switch_core.c:serve */switch_core.c:switch_core_init"
     " */switch_core.c:switch_core_timeout", "io/virt/switch/switch_net.c:* io/virt/switch/switch_vsock.c:*",
     "what a kind of switch does"),
    ("services/entropy/*", "services/entropy/entropy_pd.c:walk", "where its noise is from"),
    ("io/* services/*", "io/*:op_* io/*:pd_* io/*:net_pd_* services/*:op_* lib/pd/pd.h:pd_*"
     " sdk/libmicrokit/calls.c:microkit_dbg_puts", "what a core needs from its PD"),

    ("vmm/core/vmm_pd.c:fault", "vmm/core/vmm_pd.c:*", "its table, by the fault's label"),
    ("vmm/arch/aarch64/guest_fault.c:fault_instruction", "vmm/arch/aarch64/guest_fault.c:*",
     "its table, by the exception's class"),
    ("vmm/arch/aarch64/guest_fault.c:emulate", "vmm/*:region_* vmm/arch/aarch64/vgic_dist.c:vgic_*"
     " vmm/devices/driver_vm/driver_vm.c:*_register", "the region that was hit"),
    ("vmm/arch/aarch64/psci.c:psci_call", "vmm/arch/aarch64/psci.c:*", "its table, by function id"),
    ("vmm/arch/aarch64/psci.c:*", "vmm/core/lifecycle.c:*", "what a call does to the guest"),
    ("vmm/arch/aarch64/vgic.c:*", "vmm/core/vmm_pd.c:inject vmm/core/vmm_pd.c:ack", "to the hardware's GIC"),
    ("vmm/arch/aarch64/vgic_dist.c:*", "vmm/arch/aarch64/vgic_dist.c:read_*"
     " vmm/arch/aarch64/vgic_dist.c:write_* vmm/arch/aarch64/vgic_dist.c:set_*"
     " vmm/arch/aarch64/vgic_dist.c:clear_*", "its table, by offset"),
    ("vmm/core/mmio_bus.h:irq_line_set", "vmm/arch/aarch64/vgic.c:vgic_set_line", "a device's interrupt"),
    ("vmm/devices/devices.c:devices_init", "vmm/devices/devices.c:init_*", "its table, by kind"),
    ("vmm/virtio/virtio_mmio.c:*", "vmm/devices/*reset vmm/devices/*notify vmm/devices/*start"
     " vmm/devices/*stop_queue vmm/devices/*features_ok vmm/devices/*config_write"
     " vmm/devices/virtio_rng.c:serve",
     "the device behind the transport"),
    ("vmm/devices/driver_vm/blk_link.c:blk_link_write", "vmm/devices/driver_vm/blk_link.c:*", "its registers"),
    ("vmm/*", "vmm/core/vmm_pd.c:notify vmm/core/vmm_pd.c:set_timeout vmm/arch/aarch64/cache.c:*",
     "what a device needs from the program"),
)
# Where programs and the processor enter, and strings among assembler.
ENTRIES = ("vectors", "high", "no_vhe", "not_el2")
# Assembler that sets sp to the top of the kernel's stack, or to the frame of whom it returns to.
MOVES_SP = ("high", "save", "resume_thread", "in_kernel")
