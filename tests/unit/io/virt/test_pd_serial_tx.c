/* SPDX-License-Identifier: BSD-2-Clause */
/* The transmit virtualiser's shell. */
#include "tests/unit/io/virt/pd_rig.h"

#include "io/virt/serial_tx/serial_tx_pd.c"

#include "tests/unit/io/virt/io_rig.h"

#define DRIVER 9

static struct rig_queue queues[2], driver_queue;

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".serial_virt_tx_config is not filled in");
}

/* Output of a client goes on at its notification; a silent line ends at the timer's. */
static void it_is_wired(void **state)
{
    char text[64] = "";
    (void)state;
    config = (struct serial_virt_tx_config){ .magic = PD_MAGIC(SDDF_SERIAL),
                                             .num_clients = 2,
                                             .timer_channel = PD_TIMER,
                                             .driver = rig_connect(&driver_queue, 256, DRIVER) };
    for (uint8_t i = 0; i < 2; i++) {
        config.clients[i].conn = rig_connect(&queues[i], 64, i);
    }
    struct serial_producer clients[] = { serial_queue_connect_producer(&config.clients[0].conn),
                                         serial_queue_connect_producer(&config.clients[1].conn) };
    struct serial_consumer driver = serial_queue_connect_consumer(&config.driver);
    init();
    assert_int_equal(pd_restarts, 1);
    serial_queue_enqueue(&clients[0], "half", 4);
    notified(0);
    assert_int_equal(pd_notified[DRIVER], 1);
    serial_queue_enqueue(&clients[1], "other\n", 6);
    notified(1);
    assert_int_equal(pd_timeout, TX_POLL_NS);
    pd_time += TX_QUIET_NS;
    notified(PD_TIMER);
    (void)serial_queue_dequeue(&driver, text, sizeof(text) - 1);
    assert_string_equal(text, "half\r\nother\n");
    assert_int_equal(pd_notified[DRIVER], 2);
    rig_free(&driver_queue);
    for (unsigned i = 0; i < 2; i++) {
        rig_free(&queues[i]);
    }
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
