# SPDX-License-Identifier: BSD-2-Clause
VSOCK_TESTS := test_virtio_vsock test_virtio_vsock_reset
UNIT_TESTS += $(VSOCK_TESTS)

VSOCK_SRCS := $(addprefix vmm/virtio/,port.c vsock.c vsock_tx.c vsock_rx.c vsock_table.c)
virtio_VSOCK_SRCS = tests/unit/virtio_vsock_rig.c tests/unit/port_rig.c $(virtio_MMIO_SRCS) \
    $(VSOCK_SRCS)
$(foreach test,$(VSOCK_TESTS),$(eval $(test)_SRCS = tests/unit/$(test).c $$(virtio_VSOCK_SRCS)))

UNIT_TESTS += test_virtio_vsock_joined
test_virtio_vsock_joined_SRCS = tests/unit/test_virtio_vsock_joined.c $(SWITCH_SRCS) \
    $(virtio_MMIO_SRCS) $(VSOCK_SRCS)
