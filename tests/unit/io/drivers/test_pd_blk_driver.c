/* SPDX-License-Identifier: BSD-2-Clause */
/* The block driver's shell, on the model of the device. */
#include "tests/unit/io/virt/pd_rig.h"

#include "tests/unit/io/drivers/blk_device_model.h"

#define disk pd_disk /* the model's driver is another */
#include "io/drivers/blk/virtio_mmio/vblk_pd.c"

#define IRQ  4
#define VIRT 9

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record("its configuration sections are not filled in");
}

static void configure(void)
{
    fresh_model();
    memset(req_memory, 0, sizeof(req_memory));
    memset(resp_memory, 0, sizeof(resp_memory));
    memset(&pd_disk, 0, sizeof(pd_disk));
    memset(&info, 0, sizeof(info));
    error_told = false;
    device_resources = (struct sddf_device_resources){ .magic = PD_MAGIC(SDDF_DEVICE),
                                                       .num_regions = 2,
                                                       .num_irqs = 1 };
    device_resources.regions[0] =
        (struct sddf_device_region){ { MODEL_BASE & ~0xfffull, 0x1000 }, MODEL_BASE };
    device_resources.regions[1] =
        (struct sddf_device_region){ { (uintptr_t)&model.dma, sizeof(model.dma) }, MODEL_DMA };
    device_resources.irqs[0].channel = IRQ;
    driver_config.magic = (struct sddf_magic)PD_MAGIC(SDDF_BLOCK);
    driver_config.virt = (struct sddf_blk_connection){
        .storage_info = { (uintptr_t)&info, sizeof(info) },
        .req = { (uintptr_t)req_memory, sizeof(req_memory) },
        .resp = { (uintptr_t)resp_memory, sizeof(resp_memory) },
        .num_buffers = CAPACITY,
        .channel = VIRT,
    };
    virt = blk_queue_connect_client(&driver_config.virt);
    pd_reset();
}

/* The disk is told when its interrupt comes, requests are moved, interrupts are acknowledged. */
static void it_is_wired(void **state)
{
    (void)state;
    configure();
    init();
    assert_int_equal(pd_acked[IRQ], 1);
    assert_int_equal(model_work(10), 1); /* its serial number */
    notified(IRQ);
    assert_int_equal(pd_acked[IRQ], 2);
    assert_int_equal(pd_notified[VIRT], 1);
    assert_true(blk_storage_ready(&info));
    struct blk_req req = { BLK_REQ_READ, MODEL_RAM, 3, 1, 7 };
    struct blk_resp resp;
    assert_true(blk_client_send(&virt, &req));
    notified(VIRT);
    assert_int_equal(model_work(10), 1);
    notified(IRQ);
    assert_true(blk_client_receive(&virt, &resp));
    assert_int_equal(resp.status, BLK_RESP_OK);
    assert_string_equal(pd_said, "");
}

static void what_is_wrong_is_said_once(void **state)
{
    (void)state;
    configure();
    model.device_id = 1;
    init();
    assert_non_null(strstr(pd_said, "block driver: "));
    pd_said[0] = '\0';
    notified(VIRT);
    assert_string_equal(pd_said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
        cmocka_unit_test(what_is_wrong_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
