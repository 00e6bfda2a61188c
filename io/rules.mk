# SPDX-License-Identifier: BSD-2-Clause
PROGRAMS += serial_driver_pl011 serial_virt_tx serial_virt_rx timer_driver entropy

serial_driver_pl011_SRCS := io/drivers/serial/pl011/pl011.c io/drivers/serial/pl011/driver.c
serial_virt_tx_SRCS := io/virt/serial_tx/tx_core.c io/virt/serial_tx/virt_tx.c
serial_virt_rx_SRCS := io/virt/serial_rx/switch_keys.c io/virt/serial_rx/rx_core.c \
    io/virt/serial_rx/virt_rx.c
timer_driver_SRCS := io/drivers/timer/timer_core.c io/drivers/timer/timer.c
ENTROPY_CORE_SRCS := $(addprefix io/drivers/entropy/, sha256.c chacha20.c health.c entropy_core.c)
entropy_SRCS := $(ENTROPY_CORE_SRCS) io/drivers/entropy/entropy.c

PROGRAMS += counters
counters_SRCS := $(addprefix io/counters/, counters_core.c counters.c)

PROGRAMS += blk_driver_virtio_mmio

VIRTIO_MMIO_SRCS := $(addprefix io/drivers/virtio_mmio/, transport.c ring.c)
blk_driver_virtio_mmio_SRCS := $(addprefix io/drivers/blk/virtio_mmio/, slot.c vblk.c driver.c) \
    $(VIRTIO_MMIO_SRCS) io/drivers/virtio_mmio/mmio.c

PROGRAMS += blk_virt
blk_virt_SRCS := $(addprefix io/virt/blk/, partition.c gpt.c virt_start.c virt_core.c virt.c)

PROGRAMS += switch
SWITCH_SRCS := $(addprefix io/virt/switch/, pieces.c member.c mac.c offload.c uplink.c net.c \
    vsock.c switch_core.c)
switch_SRCS := $(SWITCH_SRCS) io/virt/switch/switch.c

PROGRAMS += net_driver_virtio_mmio net_virt_rx net_virt_tx
net_driver_virtio_mmio_SRCS := $(addprefix io/drivers/net/virtio_mmio/, vnet.c driver.c) \
    $(VIRTIO_MMIO_SRCS) io/drivers/virtio_mmio/mmio.c
net_virt_rx_SRCS := $(addprefix io/virt/net_rx/, rx_core.c virt_rx.c)
net_virt_tx_SRCS := $(addprefix io/virt/net_tx/, tx_core.c virt_tx.c)

# Every PD but the supervisor can be started again by it.
PROGRAMS += supervisor
supervisor_SRCS := $(addprefix io/supervisor/, clock.c reason.c supervisor.c)
RESTART_SRCS := io/supervisor/restart.c
$(foreach program,$(filter-out supervisor,$(PROGRAMS)),$(eval $(program)_SRCS += $(RESTART_SRCS)))
