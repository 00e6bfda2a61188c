# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_virtio_queue test_virtio_desc test_virtio_mmio test_virtio_status \
    test_serial_port test_pl011

virtio_TEST_SRCS := tests/unit/guest_driver.c tests/unit/virtio_queue_raced.c
test_virtio_queue_SRCS := tests/unit/test_virtio_queue.c $(virtio_TEST_SRCS)
test_virtio_desc_SRCS := tests/unit/test_virtio_desc.c $(virtio_TEST_SRCS)
test_virtio_mmio_SRCS := tests/unit/test_virtio_mmio.c vmm/virtio/mmio.c $(virtio_TEST_SRCS)
test_virtio_status_SRCS := tests/unit/test_virtio_status.c vmm/virtio/mmio.c $(virtio_TEST_SRCS)
test_virtio_console_SRCS := tests/unit/test_virtio_console.c vmm/virtio/console.c \
    vmm/virtio/mmio.c vmm/serial_port.c $(virtio_TEST_SRCS)
test_serial_port_SRCS := tests/unit/test_serial_port.c vmm/serial_port.c
test_pl011_SRCS := tests/unit/test_pl011.c vmm/pl011.c vmm/serial_port.c
