/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a client, and a guest with its server, do with a link: mostly requests and
 * answers that make sense, now and then anything in what they share. While the client keeps its
 * queues in order each of its requests is answered once; at the end the neighbour's link works.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "tests/unit/vmm/devices/driver_vm/driver_vm_rig.h"

static bool client_lies;
static bool awaited[256];

static void client_sends(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    uint32_t id = (uint32_t)take(in, 1);
    struct blk_req req = { how % 6, (how / 8u % 4) * 4096, take(in, 2), (uint16_t)take(in, 1), id };
    if (how == 0xff) {
        req.io_or_offset = take(in, 8);
    }
    if (how == 0xfe) {
        req.code = (uint32_t)take(in, 4);
    }
    if (!awaited[id] && blk_client_send(&clients[0].queue, &req)) {
        awaited[id] = true;
    }
}

static void client_receives(void)
{
    struct blk_resp resp;
    for (uint32_t i = 0; i < CAPACITY && blk_client_receive(&clients[0].queue, &resp); i++) {
        if (!client_lies) {
            assert_true(resp.id < 256 && awaited[resp.id]);
            awaited[resp.id] = false;
        }
        if (resp.id < 256) {
            awaited[resp.id] = false;
        }
    }
}

static void server_works(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    struct blk_req req = { 0 };
    if (!blk_server_receive(&servers[0].queue, &req) && how % 4 != 0) {
        return;
    }
    struct blk_resp resp = { BLK_RESP_OK, req.count, req.id };
    if (how >= 0xf0) {
        resp = (struct blk_resp){ (uint32_t)take(in, 1), (uint16_t)take(in, 2),
                                  (uint32_t)take(in, 4) };
    }
    (void)blk_server_respond(&servers[0].queue, &resp);
    if (how & 1) {
        rig_kick(0);
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 16) {
    case 0:
        servers[0].rings[take(in, 2) % UIO_BLK_RINGS_BYTES] = (uint8_t)take(in, 1);
        break;
    case 1:
        client_lies = true;
        if (what & 0x10) {
            ((uint8_t *)clients[0].req_queue)[take(in, 2) % 16] = (uint8_t)take(in, 1);
        } else {
            ((uint8_t *)clients[0].resp_queue)[take(in, 2) % 8] = (uint8_t)take(in, 1);
        }
        break;
    case 2:
        rig_write(0, take(in, 2) % 0x1000, what & 0x10 ? servers[0].life : (uint32_t)take(in, 4));
        break;
    case 3:
        rig_serve(0, take(in, 2));
        break;
    case 4:
        rig_second();
        break;
    case 5:
        if (what == 0xf5) {
            driver_vm_stop(&driver_vm);
            rig_serve(1, BLOCKS);
        }
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        server_works(in);
        break;
    default:
        client_sends(in);
        break;
    }
    if (what & 0x80) {
        driver_vm_notified(&driver_vm, FIRST_CHANNEL);
        driver_vm_end_event(&driver_vm);
    }
    client_receives();
}

/* Whatever has been: the server goes, and all is answered. */
static void expect_all_answered(void)
{
    driver_vm_stop(&driver_vm);
    client_receives();
    for (uint32_t id = 0; id < 256 && !client_lies; id++) {
        assert_false(awaited[id]);
    }
    assert_int_equal(driver_vm.links[0].in_flight, 0);
    assert_int_equal(driver_vm.links[0].num_free, UIO_BLK_ENTRIES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    memset(awaited, 0, sizeof(awaited));
    client_lies = false;
    logged[0] = '\0';
    rig_start();
    rig_serve(0, BLOCKS);
    rig_serve(1, BLOCKS);
    while (in.left > 0) {
        step(&in);
    }
    rig_send(1, BLK_REQ_READ, 0, 1, 0, 5);
    struct blk_req req = rig_take(1);
    rig_reply(1, &req, BLK_RESP_OK, 1);
    rig_kick(1);
    rig_expect(1, 5, BLK_RESP_OK, 1);
    rig_expect_nothing(1);
    expect_all_answered();
    return 0;
}
