/* SPDX-License-Identifier: BSD-2-Clause */
/* The network driver's shell, on the model of the device. */
#include "tests/unit/io/virt/pd_rig.h"

#include "tests/unit/io/drivers/net_device_model.h"

#define card pd_card /* the model's driver is another */
#include "io/drivers/net/virtio_mmio/vnet_pd.c"

#define IRQ 4

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record("its configuration sections are not filled in");
}

static void configure(void)
{
    fresh_model();
    start(); /* makes the record, and fills the rings */
    fresh_model();
    memset(&pd_card, 0, sizeof(pd_card));
    error_told = NULL;
    device_resources = (struct sddf_device_resources){ .magic = PD_MAGIC(SDDF_DEVICE),
                                                       .num_regions = 2,
                                                       .num_irqs = 1 };
    device_resources.regions[0] =
        (struct sddf_device_region){ { MODEL_BASE & ~0xfffull, 0x1000 }, MODEL_BASE };
    device_resources.regions[1] =
        (struct sddf_device_region){ { (uintptr_t)&model.dma, sizeof(model.dma) }, MODEL_DMA };
    device_resources.irqs[0].channel = IRQ;
    driver_config = record;
    driver_config.magic = (struct sddf_magic)PD_MAGIC(SDDF_NET);
    pd_reset();
}

/* Frames go both ways, each virtualiser is told, the link's state is said, interrupts go on. */
static void it_is_wired(void **state)
{
    uint8_t frame[NET_BUFFER_SIZE] = { 1, 2, 3 };
    struct net_buff_desc desc;
    (void)state;
    configure();
    init();
    assert_string_equal(pd_said, "network driver: 52:54:00:12:34:56, link up\n");
    assert_int_equal(pd_acked[IRQ], 1);
    assert_true(model_receive(frame, 60));
    notified(IRQ);
    assert_int_equal(pd_acked[IRQ], 2);
    assert_int_equal(pd_notified[driver_config.rx.channel], 1);
    assert_true(net_dequeue(&rx_active, &desc));
    desc = (struct net_buff_desc){ tx_buffer(0), 60, 0 };
    assert_true(net_enqueue(&tx_active, &desc));
    notified(driver_config.tx.channel);
    assert_int_equal(model_send(frame), 60);
    model_interrupt(VIRTIO_MMIO_INT_VRING);
    notified(IRQ);
    assert_true(net_dequeue(&tx_free, &desc));
    pd_said[0] = '\0';
    model.config.status = 0;
    model_interrupt(VIRTIO_MMIO_INT_CONFIG);
    notified(IRQ);
    assert_string_equal(pd_said, "network driver: 52:54:00:12:34:56, link down\n");
}

static void what_is_wrong_is_said_once(void **state)
{
    (void)state;
    configure();
    model.device_id = 2;
    init();
    assert_non_null(strstr(pd_said, "network driver: "));
    pd_said[0] = '\0';
    notified(driver_config.rx.channel);
    assert_string_equal(pd_said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
        cmocka_unit_test(what_is_wrong_is_said_once),
    };
    (void)interrupts;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
