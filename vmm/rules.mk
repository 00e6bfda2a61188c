# SPDX-License-Identifier: BSD-2-Clause
# One VMM for all guests. vmm_contract is the same program with no other way to the vCPUs' registers
# than seL4's; on an SDK that does not map them, `vmm` is equal to it.
VMM_CORE_SRCS := $(addprefix vmm/, main.c log.c count.c devices.c \
    arch/aarch64/vgic.c arch/aarch64/vgic_dist.c arch/aarch64/psci.c arch/aarch64/esr.c \
    arch/aarch64/sysreg.c arch/aarch64/exception.c arch/aarch64/fault.c arch/aarch64/vcpu.c arch/aarch64/cache.c \
    guest/image.c guest/lifecycle.c \
    driver_vm/driver_vm.c driver_vm/blk_link.c driver_vm/blk_link_move.c serial_port.c pl011.c virtio/queue.c virtio/mmio.c virtio/console.c \
    virtio/block.c virtio/block_request.c virtio/block_run.c virtio/block_op.c \
    virtio/port.c virtio/net.c virtio/net_tx.c virtio/net_rx.c virtio/net_ctrl.c \
    virtio/vsock.c virtio/vsock_tx.c virtio/vsock_rx.c virtio/vsock_table.c virtio/rng.c)

PROGRAMS += vmm vmm_contract
vmm_SRCS := $(VMM_CORE_SRCS) $(RESTART_SRCS) vmm/arch/aarch64/vcpu_regs_frame.c
vmm_contract_SRCS := $(VMM_CORE_SRCS) $(RESTART_SRCS) vmm/arch/aarch64/vcpu_regs_contract.c
