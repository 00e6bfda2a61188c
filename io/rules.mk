# SPDX-License-Identifier: BSD-2-Clause
# The PDs of the device framework. PROGRAM_pd.c is a PD's shell; what stands beside it runs on the host
# too.
serial_driver_pl011_SRCS := $(addprefix io/drivers/serial/pl011/,pl011.c pl011_pd.c)
serial_virt_tx_SRCS := $(addprefix io/virt/serial_tx/,serial_tx_core.c serial_tx_pd.c)
serial_virt_rx_SRCS := $(addprefix io/virt/serial_rx/,switch_keys.c serial_rx_core.c serial_rx_pd.c)
timer_driver_SRCS := $(addprefix io/drivers/timer/,timer_core.c timer_pd.c)
VIRTIO_MMIO_SRCS := $(addprefix io/drivers/virtio_mmio/,transport.c ring.c registers.c)
blk_driver_virtio_mmio_SRCS := $(addprefix io/drivers/blk/virtio_mmio/,slot.c vblk.c vblk_pd.c) \
    $(VIRTIO_MMIO_SRCS)
blk_virt_SRCS := $(addprefix io/virt/blk/,partition.c gpt.c blk_virt_start.c blk_virt_core.c blk_virt_pd.c)
SWITCH_SRCS := $(addprefix io/virt/switch/,pieces.c member.c mac.c offload.c switch_uplink.c \
    switch_net.c switch_vsock.c switch_core.c)
switch_SRCS := $(SWITCH_SRCS) io/virt/switch/switch_pd.c
net_driver_virtio_mmio_SRCS := $(addprefix io/drivers/net/virtio_mmio/,vnet.c vnet_pd.c) \
    $(VIRTIO_MMIO_SRCS)
net_virt_rx_SRCS := $(addprefix io/virt/net_rx/,net_rx_core.c net_rx_pd.c)
net_virt_tx_SRCS := $(addprefix io/virt/net_tx/,net_tx_core.c net_tx_pd.c)

IO_PROGRAMS := serial_driver_pl011 serial_virt_tx serial_virt_rx timer_driver blk_driver_virtio_mmio \
    blk_virt switch net_driver_virtio_mmio net_virt_rx net_virt_tx
PROGRAMS += $(IO_PROGRAMS)
$(foreach program,$(IO_PROGRAMS),$(eval $(program)_SRCS += $(RESTART_SRCS)))
