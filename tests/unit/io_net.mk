# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_net_queue test_net_driver test_net_rx test_net_tx

NET_DRIVER_SRCS := io/drivers/net/virtio_mmio/vnet.c $(VIRTIO_MMIO_SRCS)

test_net_queue_SRCS := tests/unit/test_net_queue.c
test_net_queue_LIBS := -lpthread
test_net_driver_SRCS := tests/unit/test_net_driver.c $(NET_DRIVER_SRCS)
test_net_rx_SRCS := tests/unit/test_net_rx.c io/virt/net_rx/rx_core.c
test_net_tx_SRCS := tests/unit/test_net_tx.c io/virt/net_tx/tx_core.c
test_net_rx_LIBS := -lpthread
test_net_tx_LIBS := -lpthread
