# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_vgic test_vgic_passed test_vgic_model test_psci test_fault test_guest_image test_guest_lifecycle \
    test_guest_start test_devices

VGIC_SRCS := vmm/arch/aarch64/vgic.c vmm/arch/aarch64/vgic_dist.c
test_vgic_SRCS := tests/unit/test_vgic.c $(VGIC_SRCS)
test_vgic_passed_SRCS := tests/unit/test_vgic_passed.c $(VGIC_SRCS)
test_vgic_model_SRCS := tests/unit/test_vgic_model.c $(VGIC_SRCS)
test_psci_SRCS := tests/unit/test_psci.c vmm/arch/aarch64/psci.c
test_fault_SRCS := tests/unit/test_fault.c sdk/libc/format.c vmm/count.c $(addprefix vmm/arch/aarch64/, \
    fault.c exception.c sysreg.c esr.c psci.c)
test_guest_image_SRCS := tests/unit/test_guest_image.c vmm/guest/image.c sdk/libc/format.c
LIFECYCLE_SRCS := vmm/guest/lifecycle.c vmm/serial_port.c vmm/arch/aarch64/psci.c vmm/arch/aarch64/esr.c \
    $(VGIC_SRCS) sdk/libc/format.c
test_guest_lifecycle_SRCS := tests/unit/test_guest_lifecycle.c $(LIFECYCLE_SRCS)
test_guest_start_SRCS := tests/unit/test_guest_start.c $(LIFECYCLE_SRCS)
test_devices_SRCS := tests/unit/test_devices.c $(VGIC_SRCS) sdk/libc/format.c $(addprefix vmm/, \
    devices.c count.c pl011.c serial_port.c driver_vm/driver_vm.c driver_vm/blk_link.c driver_vm/blk_link_move.c) $(addprefix vmm/virtio/, queue.c mmio.c console.c block.c \
    block_request.c block_run.c block_op.c port.c net.c net_tx.c net_rx.c net_ctrl.c \
    vsock.c vsock_tx.c vsock_rx.c vsock_table.c rng.c)

UNIT_TESTS += test_driver_vm test_driver_vm_bad
DRIVER_VM_SRCS := tests/unit/driver_vm_rig.c $(addprefix vmm/driver_vm/,driver_vm.c blk_link.c blk_link_move.c)
test_driver_vm_SRCS := tests/unit/test_driver_vm.c sdk/libc/format.c $(DRIVER_VM_SRCS)
test_driver_vm_bad_SRCS := tests/unit/test_driver_vm_bad.c sdk/libc/format.c $(DRIVER_VM_SRCS)
