# SPDX-License-Identifier: BSD-2-Clause
# One VMM for all guests. vmm_contract is the same program with no other way to the vCPUs' registers
# than seL4's; on an SDK that does not map them, `vmm` is equal to it.
VMM_CORE_SRCS := $(addprefix vmm/, core/vmm_pd.c core/vmm_log.c core/vmm_count.c devices/devices.c \
    arch/aarch64/vgic.c arch/aarch64/vgic_dist.c arch/aarch64/psci.c arch/aarch64/esr.c \
    arch/aarch64/sysreg.c arch/aarch64/guest_exception.c arch/aarch64/guest_fault.c \
    arch/aarch64/vcpu_control.c arch/aarch64/cache.c core/guest_image.c core/lifecycle.c \
    devices/driver_vm/driver_vm.c devices/driver_vm/blk_link.c devices/driver_vm/blk_link_move.c \
    core/serial_port.c devices/emulated_pl011.c virtio/queue.c virtio/virtio_mmio.c \
    devices/virtio_console.c devices/block/virtio_block.c devices/block/block_request.c \
    devices/block/block_run.c devices/block/block_op.c virtio/port_client.c \
    devices/net/virtio_net.c devices/net/net_tx.c devices/net/net_rx.c devices/net/net_ctrl.c \
    devices/vsock/virtio_vsock.c devices/vsock/vsock_tx.c devices/vsock/vsock_rx.c \
    devices/vsock/vsock_table.c devices/virtio_rng.c)

PROGRAMS += vmm vmm_contract
vmm_SRCS := $(VMM_CORE_SRCS) $(RESTART_SRCS) vmm/arch/aarch64/vcpu_regs_frame.c
vmm_contract_SRCS := $(VMM_CORE_SRCS) $(RESTART_SRCS) vmm/arch/aarch64/vcpu_regs_contract.c
