# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_serial_queue test_serial_tx test_serial_rx test_serial_rx_stopped test_serial_pl011 test_timer_core test_supervisor test_entropy

test_serial_queue_SRCS := tests/unit/test_serial_queue.c
test_serial_queue_LIBS := -lpthread
test_serial_tx_SRCS := tests/unit/test_serial_tx.c io/virt/serial_tx/tx_core.c
test_serial_rx_SRCS := tests/unit/test_serial_rx.c io/virt/serial_rx/rx_core.c \
    io/virt/serial_rx/switch_keys.c sdk/libc/format.c
test_serial_rx_stopped_SRCS := tests/unit/test_serial_rx_stopped.c io/virt/serial_rx/rx_core.c \
    io/virt/serial_rx/switch_keys.c sdk/libc/format.c
test_serial_pl011_SRCS := tests/unit/test_serial_pl011.c io/drivers/serial/pl011/pl011.c
test_timer_core_SRCS := tests/unit/test_timer_core.c io/drivers/timer/timer_core.c
test_supervisor_SRCS := tests/unit/test_supervisor.c io/supervisor/reason.c sdk/libc/format.c

UNIT_TESTS += test_counters
test_counters_SRCS := tests/unit/test_counters.c io/counters/counters_core.c sdk/libc/format.c
test_entropy_SRCS := tests/unit/test_entropy.c $(ENTROPY_CORE_SRCS)
