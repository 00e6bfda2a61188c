# SPDX-License-Identifier: BSD-2-Clause
# The PDs of the device framework: NAME_PD_FOLDERS are those of program NAME. FILE_pd.c is the shell of a
# PD; the other files run on the host too.
VIRTIO_MMIO := io/drivers/virtio_mmio
serial_driver_pl011_PD_FOLDERS := io/drivers/serial/pl011
timer_driver_PD_FOLDERS := io/drivers/timer
blk_driver_virtio_mmio_PD_FOLDERS := io/drivers/blk/virtio_mmio $(VIRTIO_MMIO)
net_driver_virtio_mmio_PD_FOLDERS := io/drivers/net/virtio_mmio $(VIRTIO_MMIO)
serial_virt_tx_PD_FOLDERS := io/virt/serial_tx
serial_virt_rx_PD_FOLDERS := io/virt/serial_rx
blk_virt_PD_FOLDERS := io/virt/blk
net_virt_rx_PD_FOLDERS := io/virt/net_rx
net_virt_tx_PD_FOLDERS := io/virt/net_tx
switch_PD_FOLDERS := io/virt/switch

IO_PROGRAMS := $(patsubst %_PD_FOLDERS,%,$(filter %_PD_FOLDERS,$(.VARIABLES)))
PROGRAMS += $(sort $(IO_PROGRAMS))
$(foreach program,$(IO_PROGRAMS),$(eval $(program)_SRCS := $(call sources_in,$($(program)_PD_FOLDERS)) $(RESTART_SRCS)))
