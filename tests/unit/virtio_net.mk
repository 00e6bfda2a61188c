# SPDX-License-Identifier: BSD-2-Clause
NET_TESTS := $(addprefix test_virtio_net,_frames _control _bad _reset _switch _model) \
    test_virtio_net
UNIT_TESTS += $(NET_TESTS)

virtio_NET_SRCS = tests/unit/virtio_net_rig.c tests/unit/port_rig.c sdk/libc/format.c \
    $(virtio_MMIO_SRCS) $(addprefix vmm/virtio/,port.c net.c net_tx.c net_rx.c net_ctrl.c)
$(foreach test,$(NET_TESTS),$(eval $(test)_SRCS = tests/unit/$(test).c $$(virtio_NET_SRCS)))

UNIT_TESTS += test_virtio_net_joined
test_virtio_net_joined_SRCS = tests/unit/test_virtio_net_joined.c $(SWITCH_SRCS) sdk/libc/format.c \
    $(virtio_MMIO_SRCS) $(addprefix vmm/virtio/,port.c net.c net_tx.c net_rx.c net_ctrl.c)
