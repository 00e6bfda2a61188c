# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_virtio_queue test_virtio_desc test_virtio_indirect test_virtio_mmio \
    test_virtio_status test_virtio_console test_virtio_console_bad test_serial_port test_pl011

virtio_QUEUE_SRCS := tests/unit/guest_driver.c vmm/count.c tests/unit/virtio_queue_raced.c
virtio_MMIO_SRCS := vmm/virtio/mmio.c $(virtio_QUEUE_SRCS)
virtio_CONSOLE_SRCS := vmm/virtio/console.c vmm/serial_port.c $(virtio_MMIO_SRCS)

test_virtio_queue_SRCS := tests/unit/test_virtio_queue.c $(virtio_QUEUE_SRCS)
test_virtio_desc_SRCS := tests/unit/test_virtio_desc.c $(virtio_QUEUE_SRCS)
test_virtio_indirect_SRCS := tests/unit/test_virtio_indirect.c $(virtio_QUEUE_SRCS)
test_virtio_mmio_SRCS := tests/unit/test_virtio_mmio.c $(virtio_MMIO_SRCS)
test_virtio_status_SRCS := tests/unit/test_virtio_status.c $(virtio_MMIO_SRCS)
test_virtio_console_SRCS := tests/unit/test_virtio_console.c $(virtio_CONSOLE_SRCS)
test_virtio_console_bad_SRCS := tests/unit/test_virtio_console_bad.c $(virtio_CONSOLE_SRCS)
test_serial_port_SRCS := tests/unit/test_serial_port.c vmm/serial_port.c
test_pl011_SRCS := tests/unit/test_pl011.c vmm/pl011.c vmm/serial_port.c
