/* SPDX-License-Identifier: BSD-2-Clause */
/* The PL011 driver's shell; memory stands for the registers. */
#include "tests/unit/io/virt/pd_rig.h"

#include "io/drivers/serial/pl011/pl011_pd.c"

#include "tests/unit/io/virt/io_rig.h"

#define IRQ 3
#define RX  4
#define TX  5

static uint32_t registers[0x400];
static struct rig_queue rx_queue, tx_queue;

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record("its configuration sections are not filled in");
}

static void configure(void)
{
    pd_reset();
    device_resources = (struct sddf_device_resources){ .magic = PD_MAGIC(SDDF_DEVICE),
                                                       .num_regions = 1,
                                                       .num_irqs = 1 };
    device_resources.regions[0].region =
        (struct sddf_region){ (uintptr_t)registers, sizeof(registers) };
    device_resources.irqs[0].channel = IRQ;
    driver_config = (struct sddf_serial_driver_config){ .magic = PD_MAGIC(SDDF_SERIAL),
                                                        .rx = rig_connect(&rx_queue, 8, RX),
                                                        .tx = rig_connect(&tx_queue, 8, TX),
                                                        .rx_enabled = true };
}

/* Output goes to DR, input comes from it until its queue is full; each tells its virtualiser. */
static void it_is_wired(void **state)
{
    char text[8];
    (void)state;
    configure();
    struct serial_consumer rx = serial_queue_connect_consumer(&driver_config.rx);
    struct serial_producer tx = serial_queue_connect_producer(&driver_config.tx);
    registers[PL011_FR / 4] = FR_RXFE;
    init();
    assert_int_equal(pd_restarts, 1);
    assert_int_equal(pd_acked[IRQ], 1);
    assert_int_equal(pd_notified[RX], 0);
    serial_queue_enqueue(&tx, "o", 1);
    serial_queue_request_signal(&tx);
    notified(TX);
    assert_int_equal(registers[PL011_DR / 4], 'o');
    assert_int_equal(pd_notified[TX], 1);
    assert_int_equal(pd_acked[IRQ], 1);
    registers[PL011_FR / 4] = 0;
    registers[PL011_DR / 4] = 'i' | DR_OVERRUN;
    notified(IRQ);
    assert_int_equal(pd_notified[RX], 1);
    assert_int_equal(pd_acked[IRQ], 2);
    assert_int_equal(serial_queue_dequeue(&rx, text, 8), 8);
    assert_memory_equal(text, "iiiiiiii", 8);
    assert_non_null(strstr(pd_said, "input overrun"));
    pd_said[0] = '\0';
    notified(RX);
    assert_string_equal(pd_said, ""); /* once */
    rig_free(&rx_queue);
    rig_free(&tx_queue);
}

/* What was typed before the start is input. */
static void input_at_the_start(void **state)
{
    (void)state;
    configure();
    registers[PL011_FR / 4] = 0;
    init();
    assert_true(pd_notified[RX] > 0);
    rig_free(&rx_queue);
    rig_free(&tx_queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
        cmocka_unit_test(input_at_the_start),
    };
    (void)rig_ops;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
