/* SPDX-License-Identifier: BSD-2-Clause */
/* The receive virtualiser's shell. */
#include "tests/unit/io/virt/pd_rig.h"

#include "io/virt/serial_rx/serial_rx_pd.c"

#include "tests/unit/io/virt/io_rig.h"

#include <cloister/guest_state.h>

#define DRIVER 9
#define LOG    10

static struct rig_queue client_queue, driver_queue, log_queue;

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".serial_virt_rx_config is not filled in");
}

/* Input goes on at the driver's notification; the timer's drops it, or ends the machine. */
static void it_is_wired(void **state)
{
    char text[64] = "";
    (void)state;
    config = (struct serial_virt_rx_config){ .magic = PD_MAGIC(SDDF_SERIAL),
                                             .num_clients = 1,
                                             .timer_channel = PD_TIMER,
                                             .can_power_off = true,
                                             .supervisor_channel = PD_SUPERVISOR,
                                             .driver = rig_connect(&driver_queue, 64, DRIVER),
                                             .log = rig_connect(&log_queue, 1024, LOG) };
    config.clients[0].conn = rig_connect(&client_queue, 4, 0);
    strcpy(config.clients[0].name, "guest0");
    struct serial_producer driver = serial_queue_connect_producer(&config.driver);
    struct serial_consumer client = serial_queue_connect_consumer(&config.clients[0].conn);
    init();
    assert_int_equal(pd_restarts, 1);
    assert_int_equal(pd_notified[LOG], 1); /* where the input goes */
    serial_queue_enqueue(&driver, "typed", 5);
    notified(DRIVER);
    assert_int_equal(pd_notified[0], 1);
    assert_int_equal(serial_queue_dequeue(&client, text, sizeof(text)), 4);
    assert_memory_equal(text, "type", 4);
    notified(0);
    assert_int_equal(serial_queue_dequeue(&client, text, sizeof(text)), 1);
    serial_queue_enqueue(&driver, "fills + rest", 12);
    notified(DRIVER);
    assert_int_equal(pd_timeout, RX_STUCK_NS);
    pd_time += RX_STUCK_NS;
    notified(PD_TIMER);
    assert_int_equal(core.clients[0].dropped, 8);
    assert_int_equal(pd_notified[LOG], 2); /* that it does not read */
    guest_publish_state(&client, GUEST_OFF);
    notified(0);
    pd_time += RX_SETTLE_NS;
    notified(PD_TIMER);
    assert_int_equal(pd_notified[LOG], 3); /* that it was the last */
    assert_int_equal(pd_powers_off, 0);
    pd_time += RX_OFF_NS;
    notified(PD_TIMER);
    assert_int_equal(pd_powers_off, 1);
    rig_free(&client_queue);
    rig_free(&driver_queue);
    rig_free(&log_queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
    };
    (void)rig_ops;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
