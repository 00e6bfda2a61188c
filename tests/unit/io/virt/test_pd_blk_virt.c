/* SPDX-License-Identifier: BSD-2-Clause */
/* The block virtualiser's shell. */
#include "tests/unit/io/virt/pd_rig.h"

#include "io/virt/blk/blk_virt_pd.c"

#define DRIVER   9
#define CAPACITY 8u

struct ends {
    uint64_t req[(16 + CAPACITY * 32) / 8];
    uint64_t resp[(8 + CAPACITY * 12 + 7) / 8];
    struct blk_storage_info info;
};

static struct ends driver_ends, client_ends;
static uint8_t data[VIRT_DATA_SIZE];

static struct sddf_blk_connection connect_ends(struct ends *ends, uint8_t channel)
{
    return (struct sddf_blk_connection){
        .storage_info = { (uintptr_t)&ends->info, sizeof(ends->info) },
        .req = { (uintptr_t)ends->req, sizeof(ends->req) },
        .resp = { (uintptr_t)ends->resp, sizeof(ends->resp) },
        .num_buffers = CAPACITY,
        .channel = channel,
    };
}

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".blk_virt_config is not filled in");
    config.magic = (struct sddf_magic)PD_MAGIC(SDDF_BLOCK); /* and no region for the table */
    pd_without_record(".blk_virt_config is not filled in");
}

/* A disk that becomes ready is told to its client; a request goes to the driver and back. */
static void it_is_wired(void **state)
{
    (void)state;
    config = (struct blk_virt_config){ .magic = PD_MAGIC(SDDF_BLOCK),
                                       .num_clients = 1,
                                       .driver = connect_ends(&driver_ends, DRIVER),
                                       .data = { { (uintptr_t)data, sizeof(data) }, 0x1000 } };
    config.clients[0] = (struct blk_virt_client){ .conn = connect_ends(&client_ends, 1),
                                                  .data = { { 0, 4096 }, 0x10000 },
                                                  .partition = BLK_WHOLE_DISK };
    struct blk_server driver = blk_queue_connect_server(&config.driver);
    struct blk_client client = blk_queue_connect_client(&config.clients[0].conn);
    struct blk_req req = { .code = BLK_REQ_READ, .count = 1, .id = 5 };
    struct blk_resp resp;
    init();
    driver_ends.info.capacity = 100;
    blk_storage_set_ready(&driver_ends.info);
    notified(DRIVER);
    assert_int_equal(pd_notified[1], 1);
    assert_int_equal(client_ends.info.capacity, 100);
    assert_true(blk_client_send(&client, &req));
    notified(1);
    assert_int_equal(pd_notified[DRIVER], 1);
    assert_true(blk_server_receive(&driver, &req));
    assert_int_equal(req.io_or_offset, 0x10000);
    resp = (struct blk_resp){ BLK_RESP_OK, 1, req.id };
    assert_true(blk_server_respond(&driver, &resp));
    notified(DRIVER);
    assert_int_equal(pd_notified[1], 2);
    assert_true(blk_client_receive(&client, &resp));
    assert_int_equal(resp.id, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
