# SPDX-License-Identifier: BSD-2-Clause
# Shells of PDs: each test includes one, so that init() and notified() are those of its program.
PD_TESTS := $(addprefix test_pd_,serial_tx serial_rx pl011 blk_virt blk_driver net_driver net_rx \
    net_tx switch counters supervisor)
UNIT_TESTS += $(PD_TESTS)

test_pd_serial_tx_SRCS := tests/unit/test_pd_serial_tx.c io/virt/serial_tx/tx_core.c
test_pd_serial_rx_SRCS := tests/unit/test_pd_serial_rx.c io/virt/serial_rx/rx_core.c \
    io/virt/serial_rx/switch_keys.c sdk/libc/format.c
test_pd_pl011_SRCS := tests/unit/test_pd_pl011.c io/drivers/serial/pl011/pl011.c
test_pd_blk_virt_SRCS := tests/unit/test_pd_blk_virt.c $(BLK_PARTITION_SRCS) \
    $(addprefix io/virt/blk/, virt_start.c virt_core.c) sdk/libc/format.c
test_pd_blk_driver_SRCS := tests/unit/test_pd_blk_driver.c $(BLK_DRIVER_SRCS)
test_pd_net_driver_SRCS := tests/unit/test_pd_net_driver.c $(NET_DRIVER_SRCS) sdk/libc/format.c
test_pd_net_rx_SRCS := tests/unit/test_pd_net_rx.c io/virt/net_rx/rx_core.c
test_pd_net_tx_SRCS := tests/unit/test_pd_net_tx.c io/virt/net_tx/tx_core.c
test_pd_counters_SRCS := tests/unit/test_pd_counters.c io/counters/counters_core.c \
    sdk/libc/format.c
test_pd_switch_SRCS := tests/unit/test_pd_switch.c $(SWITCH_SRCS)
test_pd_supervisor_SRCS := tests/unit/test_pd_supervisor.c io/supervisor/reason.c sdk/libc/format.c
