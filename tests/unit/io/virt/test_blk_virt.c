/* SPDX-License-Identifier: BSD-2-Clause */
/* The test is the driver and all the clients; the disk is a map of who wrote a block last. */
#include "io/virt/blk/blk_virt_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS        3u
#define CAPACITY       64u
#define DRIVER_QUEUE   64u
#define DRIVER_CHANNEL 50
#define DISK_BLOCKS    4096u
#define DATA_BYTES     (64u * 4096u)
#define OWN_IO         0x90000000ull
#define CLIENT_IO(i)   (0x100000000ull + (i)*0x10000000ull)
#define FIRST(i)       (256u + (i)*1024u) /* of the partitions */
#define LENGTH         1024u

struct ends {
    uint64_t req[(16 + CAPACITY * 32) / 8];
    uint64_t resp[(8 + CAPACITY * 12 + 7) / 8];
    struct blk_storage_info info;
};

static struct blk_virt_config config;
static struct virt_core core;
static struct ends driver_ends, client_ends[CLIENTS];
static struct blk_server driver;
static struct blk_client clients[CLIENTS];
static uint8_t own_data[VIRT_DATA_SIZE];
static uint8_t first_sector[4096];
static unsigned int signals[256];
static char said[4096];
static uint32_t read_status;

static void notify(uint8_t channel)
{
    signals[channel]++;
}

static void report(const char *text)
{
    strncat(said, text, sizeof(said) - strlen(said) - 1);
}

static const struct virt_ops ops = { notify, report };

static struct sddf_blk_connection connect_ends(struct ends *ends, uint8_t channel)
{
    memset(ends, 0, sizeof(*ends));
    return (struct sddf_blk_connection){
        .storage_info = { (uintptr_t)&ends->info, sizeof(ends->info) },
        .req = { (uintptr_t)ends->req, sizeof(ends->req) },
        .resp = { (uintptr_t)ends->resp, sizeof(ends->resp) },
        .num_buffers = CAPACITY,
        .channel = channel,
    };
}

static void put_partition(uint32_t index, uint32_t first_block, uint32_t blocks)
{
    uint32_t lba[2] = { first_block * 8, blocks * 8 };
    first_sector[446 + index * 16 + 4] = 0x83;
    memcpy(first_sector + 446 + index * 16 + 8, lba, 8);
}

static void configure(void)
{
    memset(&config, 0, sizeof(config));
    memset(signals, 0, sizeof(signals));
    memset(first_sector, 0, sizeof(first_sector));
    said[0] = '\0';
    read_status = BLK_RESP_OK;
    config.num_clients = CLIENTS;
    config.driver = connect_ends(&driver_ends, DRIVER_CHANNEL);
    config.data = (struct sddf_device_region){ { (uintptr_t)own_data, sizeof(own_data) }, OWN_IO };
    driver = blk_queue_connect_server(&config.driver);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        config.clients[i].conn = connect_ends(&client_ends[i], i);
        config.clients[i].data = (struct sddf_device_region){ { 0, DATA_BYTES }, CLIENT_IO(i) };
        config.clients[i].partition = i;
        memcpy(config.clients[i].name, "guest0", 7);
        config.clients[i].name[5] = (char)('0' + i);
        clients[i] = blk_queue_connect_client(&config.clients[i].conn);
        put_partition(i, FIRST(i), LENGTH);
    }
    first_sector[510] = 0x55;
    first_sector[511] = 0xaa;
    driver_ends.info.capacity = DISK_BLOCKS;
    driver_ends.info.sector_size = 512;
    driver_ends.info.extensions = 0xff03;
    memcpy(driver_ends.info.serial, "disk", 5);
}

/* The driver gets its next request. */
static struct blk_req take(void)
{
    struct blk_req req;
    assert_true(blk_server_receive(&driver, &req));
    return req;
}

static void reply(const struct blk_req *req, uint32_t status)
{
    struct blk_resp resp = { status, status == BLK_RESP_OK ? req->count : 0, req->id };
    assert_true(blk_server_respond(&driver, &resp));
}

/* Starts with the disk that is configured, and lets the table be read. */
static void start(void)
{
    virt_core_init(&core, &config, &ops);
    virt_core_run(&core);
    assert_int_equal(core.state, VIRT_WAITS_FOR_DRIVER);
    blk_storage_set_ready(&driver_ends.info);
    virt_core_run(&core);
    while (core.state == VIRT_READS_TABLE) {
        struct blk_req req = take();
        assert_int_equal(req.code, BLK_REQ_READ);
        assert_in_range(req.io_or_offset, OWN_IO, OWN_IO + sizeof(own_data) - req.count * 4096);
        if (req.block_number == 0 && req.io_or_offset == OWN_IO) {
            memcpy(own_data, first_sector, sizeof(first_sector));
        }
        reply(&req, read_status);
        virt_core_run(&core);
    }
    assert_int_equal(core.state, VIRT_RUNS);
}

static int setup(void **state)
{
    (void)state;
    configure();
    start();
    assert_string_equal(said, "");
    memset(signals, 0, sizeof(signals));
    return 0;
}

static void send(uint32_t i, uint32_t code, uint64_t block, uint16_t count, uint64_t offset,
                 uint32_t id)
{
    struct blk_req req = { code, offset, block, count, id };
    assert_true(blk_client_send(&clients[i], &req));
}

static void expect(uint32_t i, uint32_t id, uint32_t status, uint16_t count)
{
    struct blk_resp resp;
    assert_true(blk_client_receive(&clients[i], &resp));
    assert_int_equal(resp.id, id);
    assert_int_equal(resp.status, status);
    assert_int_equal(resp.success_count, count);
}

static void expect_nothing(uint32_t i)
{
    struct blk_resp resp;
    assert_false(blk_client_receive(&clients[i], &resp));
}

static void clients_learn_their_disks(void **state)
{
    (void)state;
    configure();
    config.clients[1].read_only = true;
    start();
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const struct blk_storage_info *info = &client_ends[i].info;
        assert_true(blk_storage_ready(info));
        assert_int_equal(info->capacity, LENGTH);
        assert_int_equal(info->read_only, i == 1);
        assert_int_equal(info->extensions, i == 1 ? 0 : 3);
        assert_int_equal(info->queue_depth, DRIVER_QUEUE / CLIENTS);
        assert_string_equal(info->serial, "disk");
        assert_int_equal(signals[i], 1);
    }
}

static void translation(void **state)
{
    (void)state;
    send(1, BLK_REQ_READ, 5, 3, 4096, 0xdeadbeef);
    send(2, BLK_REQ_WRITE, LENGTH - 1, 1, DATA_BYTES - 4096, 7);
    send(0, BLK_REQ_DISCARD, 0, LENGTH, UINT64_MAX, 8);
    virt_core_run(&core);
    assert_int_equal(signals[DRIVER_CHANNEL], 1);
    struct blk_req a = take(), b = take(), c = take();
    assert_int_equal(a.code, BLK_REQ_DISCARD);
    assert_int_equal(a.block_number, FIRST(0));
    assert_int_equal(a.count, LENGTH);
    assert_int_equal(a.io_or_offset, 0);
    assert_int_equal(b.block_number, FIRST(1) + 5);
    assert_int_equal(b.count, 3);
    assert_int_equal(b.io_or_offset, CLIENT_IO(1) + 4096);
    assert_int_equal(c.block_number, FIRST(2) + LENGTH - 1);
    assert_int_equal(c.io_or_offset, CLIENT_IO(2) + DATA_BYTES - 4096);
    reply(&c, BLK_RESP_ERR_IO); /* in any order */
    reply(&b, BLK_RESP_OK);
    reply(&a, BLK_RESP_OK);
    virt_core_run(&core);
    expect(0, 8, BLK_RESP_OK, LENGTH);
    expect(1, 0xdeadbeef, BLK_RESP_OK, 3);
    expect(2, 7, BLK_RESP_ERR_IO, 0);
    assert_int_equal(signals[0] + signals[1] + signals[2], 3);
}

/* S7: each bad field is refused, and never seen by the driver. */
static void bad_requests(void **state)
{
    (void)state;
    static const struct blk_req bad[] = {
        { 4, 0, 0, 1, 0 },
        { 0xff, 0, 0, 1, 0 },
        { 0x102, 0, 0, 1, 0 },
        { UINT32_MAX, 0, 0, 1, 0 },
        { BLK_REQ_READ, 0, 0, 0, 0 },
        { BLK_REQ_READ, 0, LENGTH, 1, 0 },
        { BLK_REQ_READ, 0, LENGTH - 1, 2, 0 },
        { BLK_REQ_READ, 0, UINT64_MAX, 1, 0 },
        { BLK_REQ_READ, 0, UINT64_MAX, 2, 0 },
        { BLK_REQ_WRITE, 0, UINT64_MAX - FIRST(0) + 1, 1, 0 }, /* block 0 of the disk */
        { BLK_REQ_WRITE, 0, 0ull - 256, 1, 0 },
        { BLK_REQ_DISCARD, 0, 1, LENGTH, 0 },
        { BLK_REQ_WRITE_ZEROES, 0, LENGTH, 1, 0 },
        { BLK_REQ_READ, 1, 0, 1, 0 },
        { BLK_REQ_READ, 512, 0, 1, 0 },
        { BLK_REQ_READ, DATA_BYTES, 0, 1, 0 },
        { BLK_REQ_READ, DATA_BYTES - 4096, 0, 2, 0 },
        { BLK_REQ_WRITE, UINT64_MAX - 4095, 0, 1, 0 },
        { BLK_REQ_WRITE, UINT64_MAX - 4095, 0, 2, 0 },
        { BLK_REQ_WRITE, 0ull - 0x100000000ull, 0, 1, 0 },
        { BLK_REQ_WRITE, 0, 0, UINT16_MAX, 0 },
    };
    struct blk_req none;
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(blk_client_send(&clients[0], &bad[i]));
        virt_core_run(&core);
        assert_false(blk_server_receive(&driver, &none));
        expect(0, 0, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    assert_string_equal(said, "block: guest0 asks for what it may not have: refused (said once)\n");
}

static void a_read_only_partition(void **state)
{
    (void)state;
    configure();
    config.clients[0].read_only = true;
    start();
    send(0, BLK_REQ_WRITE, 0, 1, 0, 1);
    send(0, BLK_REQ_DISCARD, 0, 1, 0, 2);
    send(0, BLK_REQ_WRITE_ZEROES, 0, 1, 0, 3);
    send(0, BLK_REQ_READ, 0, 1, 0, 4);
    virt_core_run(&core);
    for (uint32_t id = 1; id <= 3; id++) {
        expect(0, id, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    assert_int_equal(take().code, BLK_REQ_READ);
    configure();
    driver_ends.info.read_only = 0x80; /* the whole disk is */
    start();
    send(2, BLK_REQ_WRITE, 0, 1, 0, 1);
    virt_core_run(&core);
    expect(2, 1, BLK_RESP_ERR_INVALID_PARAM, 0);
}

static void no_extensions_upstream(void **state)
{
    (void)state;
    configure();
    driver_ends.info.extensions = 0;
    start();
    assert_int_equal(client_ends[0].info.extensions, 0);
    send(0, BLK_REQ_DISCARD, 0, 1, 0, 1);
    send(0, BLK_REQ_WRITE_ZEROES, 0, 1, 0, 2);
    virt_core_run(&core);
    expect(0, 1, BLK_RESP_ERR_INVALID_PARAM, 0);
    expect(0, 2, BLK_RESP_ERR_INVALID_PARAM, 0);
}

static void expect_no_disk(uint32_t i)
{
    assert_true(blk_storage_ready(&client_ends[i].info));
    assert_int_equal(client_ends[i].info.capacity, 0);
    send(i, BLK_REQ_READ, 0, 1, 0, 1);
    send(i, BLK_REQ_FLUSH, 0, 0, 0, 2);
    send(i, 99, 0, 0, 0, 3);
    virt_core_run(&core);
    for (uint32_t id = 1; id <= 3; id++) {
        expect(i, id, BLK_RESP_ERR_NO_DEVICE, 0);
    }
}

static void a_bad_partition_hurts_its_client_only(void **state)
{
    (void)state;
    configure();
    put_partition(1, 5000, 10);
    config.clients[2].partition = 9;
    start();
    assert_string_equal(
        said,
        "block: guest1 has no disk: partition 1 (from 0): it ends behind the end of the disk\n"
        "block: guest2 has no disk: partition 9 (from 0): it is not in the table\n");
    expect_no_disk(1);
    expect_no_disk(2);
    assert_int_equal(client_ends[0].info.capacity, LENGTH);
}

static void no_disk_and_no_table(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 4; round++) {
        configure();
        config.clients[2].partition = BLK_WHOLE_DISK;
        if (round == 0) {
            driver_ends.info.capacity = 0;
        } else if (round == 1) {
            driver_ends.info.capacity = UINT64_MAX;
        } else if (round == 2) {
            read_status = BLK_RESP_ERR_IO;
        } else {
            first_sector[510] = 0;
        }
        start();
        expect_no_disk(0);
        expect_no_disk(1);
        if (round < 2) {
            expect_no_disk(2);
        } else {
            assert_int_equal(client_ends[2].info.capacity, DISK_BLOCKS);
        }
        assert_non_null(strstr(said, "block: guest0 has no disk: "));
    }
}

static void one_partition_has_one_writer(void **state)
{
    (void)state;
    configure();
    config.clients[1].partition = 0;
    config.clients[2].partition = BLK_WHOLE_DISK;
    config.clients[2].read_only = true;
    start();
    assert_int_equal(client_ends[0].info.capacity, LENGTH);
    expect_no_disk(1);
    expect_no_disk(2);
    configure();
    config.clients[0].read_only = config.clients[1].read_only = true;
    config.clients[1].partition = 0;
    start();
    assert_int_equal(client_ends[1].info.capacity, LENGTH);
}

static void flush_waits_for_writes(void **state)
{
    (void)state;
    send(0, BLK_REQ_WRITE, 0, 1, 0, 1);
    send(0, BLK_REQ_READ, 4, 1, 0, 2);
    send(0, BLK_REQ_FLUSH, 77, 5, 1, 3);
    send(0, BLK_REQ_WRITE, 1, 1, 0, 4);
    send(1, BLK_REQ_WRITE, 0, 1, 0, 5);
    virt_core_run(&core);
    struct blk_req w = take(), r = take(), other = take(), none;
    assert_int_equal(w.code, BLK_REQ_WRITE);
    assert_int_equal(r.code, BLK_REQ_READ);
    assert_int_equal(other.block_number, FIRST(1)); /* no other client waits */
    assert_false(blk_server_receive(&driver, &none));
    reply(&w, BLK_RESP_OK);
    virt_core_run(&core);
    struct blk_req f = take(), later = take();
    assert_int_equal(f.code, BLK_REQ_FLUSH);
    assert_int_equal(later.code, BLK_REQ_WRITE);
    expect(0, 1, BLK_RESP_OK, 1);
    expect_nothing(0); /* not before it is on the disk */
    reply(&f, BLK_RESP_OK);
    virt_core_run(&core);
    expect(0, 3, BLK_RESP_OK, 0);
}

static void a_barrier_waits_and_holds_up(void **state)
{
    (void)state;
    send(0, BLK_REQ_READ, 0, 1, 0, 1);
    send(0, BLK_REQ_BARRIER, 0, 0, 0, 2);
    send(0, BLK_REQ_READ, 0, 1, 0, 3);
    virt_core_run(&core);
    struct blk_req req = take(), none;
    assert_false(blk_server_receive(&driver, &none));
    reply(&req, BLK_RESP_OK);
    virt_core_run(&core);
    req = take();
    assert_int_equal(req.code, BLK_REQ_FLUSH);
    assert_false(blk_server_receive(&driver, &none));
    reply(&req, BLK_RESP_ERR_IO);
    virt_core_run(&core);
    expect(0, 1, BLK_RESP_OK, 1);
    expect(0, 2, BLK_RESP_ERR_IO, 0);
    req = take();
    assert_int_equal(req.code, BLK_REQ_READ);
}

static void a_flood_starves_nobody(void **state)
{
    (void)state;
    uint32_t share = DRIVER_QUEUE / CLIENTS, of_client[CLIENTS] = { 0 };
    for (uint32_t i = 0; i < CAPACITY; i++) {
        send(0, BLK_REQ_READ, i, 1, 0, i);
    }
    virt_core_run(&core);
    assert_int_equal(blk_server_requests(&driver), share);
    for (uint32_t i = 0; i < 20; i++) {
        send(1, BLK_REQ_READ, i, 1, 0, i);
        send(2, BLK_REQ_READ, i, 1, 0, i);
    }
    virt_core_run(&core);
    assert_int_equal(blk_server_requests(&driver), 3 * 20 + share - 20);
    /* What was ahead of them, what they have, and as much again of the flood. */
    for (uint32_t i = 0; i < share + 3 * 20; i++) {
        struct blk_req req = take();
        of_client[(req.block_number - FIRST(0)) / 1024]++;
        reply(&req, BLK_RESP_OK);
        virt_core_run(&core);
        while (blk_client_room(&clients[0]) > 0) {
            send(0, BLK_REQ_READ, 0, 1, 0, 0);
        }
        struct blk_resp resp;
        while (blk_client_receive(&clients[0], &resp)) {
        }
    }
    assert_int_equal(of_client[1], 20);
    assert_int_equal(of_client[2], 20);
}

static void long_requests_go_alone(void **state)
{
    (void)state;
    config.clients[0].data.region.size_bytes = 1ull << 30;
    send(0, BLK_REQ_READ, 0, 1024, 0, 1);
    send(0, BLK_REQ_READ, 0, 1, 0, 2);
    send(1, BLK_REQ_READ, 0, 1, 0, 3);
    virt_core_run(&core);
    struct blk_req big = take(), other = take(), none;
    assert_int_equal(big.count, 1024);
    assert_int_equal(other.block_number, FIRST(1));
    assert_false(blk_server_receive(&driver, &none));
    reply(&big, BLK_RESP_OK);
    virt_core_run(&core);
    assert_int_equal(take().count, 1);
}

/* Bursts keep what can be merged together. */
static void bursts_stay_together(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VIRT_BURST + 2; i++) {
        send(0, BLK_REQ_READ, i, 1, 0, i);
        send(1, BLK_REQ_READ, i, 1, 0, i);
    }
    virt_core_run(&core);
    for (uint32_t i = 0; i < 2 * VIRT_BURST; i++) {
        assert_int_equal(take().block_number, FIRST(i / VIRT_BURST) + i % VIRT_BURST);
    }
}

static void answers_never_overflow(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        send(0, BLK_REQ_READ, 0, 0, 0, i); /* answered at once */
    }
    virt_core_run(&core);
    for (uint32_t i = 0; i < 5; i++) {
        send(0, BLK_REQ_READ, 0, i % 2, 0, 100 + i);
    }
    virt_core_run(&core);
    assert_int_equal(blk_client_room(&clients[0]), CAPACITY - 5); /* they wait */
    assert_int_equal(blk_server_requests(&driver), 0);
    for (uint32_t i = 0; i < 2; i++) {
        expect(0, i, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    virt_core_run(&core);
    assert_int_equal(blk_client_room(&clients[0]), CAPACITY - 3);
    struct blk_req req = take();
    reply(&req, BLK_RESP_OK);
    virt_core_run(&core);
    for (uint32_t i = 2; i < CAPACITY; i++) {
        expect(0, i, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    expect(0, 100, BLK_RESP_ERR_INVALID_PARAM, 0);
    expect(0, 101, BLK_RESP_OK, 1);
}

/* S7: indices without sense are as an empty queue; the others go on. */
static void a_broken_queue_hurts_its_client_only(void **state)
{
    (void)state;
    struct blk_req_queue *req = (struct blk_req_queue *)client_ends[0].req;
    struct blk_resp_queue *resp = (struct blk_resp_queue *)client_ends[0].resp;
    static const uint32_t lies[] = { CAPACITY + 1, 0x80000000, UINT32_MAX };
    send(0, BLK_REQ_READ, 0, 1, 0, 1);
    virt_core_run(&core);
    struct blk_req pending = take();
    for (uint32_t i = 0; i < 3; i++) {
        req->tail = core.clients[0].queue.req_head + lies[i];
        req->head = lies[i];
        resp->head = core.clients[0].queue.resp_tail - lies[i];
        send(1, BLK_REQ_READ, 0, 1, 0, 5);
        virt_core_run(&core);
        struct blk_req good = take();
        assert_int_equal(good.block_number, FIRST(1));
        reply(&good, BLK_RESP_OK);
        virt_core_run(&core);
        expect(1, 5, BLK_RESP_OK, 1);
    }
    reply(&pending, BLK_RESP_OK); /* its answer is lost: nothing else is */
    virt_core_run(&core);
    assert_int_equal(core.num_free, DRIVER_QUEUE);
    assert_string_equal(said, "block: guest0 has broken its queue: ignored (said once)\n");
}

/* S8, B19: a driver that lies. */
static void a_lying_driver(void **state)
{
    (void)state;
    struct blk_resp resp;
    send(0, BLK_REQ_READ, 0, 4, 0, 1);
    send(0, BLK_REQ_READ, 0, 4, 0, 2);
    send(0, BLK_REQ_READ, 0, 4, 0, 3);
    virt_core_run(&core);
    struct blk_req a = take(), b = take(), c = take();
    static const uint32_t ids[] = { 60, VIRT_REQUESTS, UINT32_MAX };
    for (uint32_t i = 0; i < 3; i++) {
        resp = (struct blk_resp){ BLK_RESP_OK, 1, ids[i] };
        assert_true(blk_server_respond(&driver, &resp));
    }
    resp = (struct blk_resp){ 77, 9999, a.id };
    assert_true(blk_server_respond(&driver, &resp));
    resp = (struct blk_resp){ BLK_RESP_OK, 3, b.id }; /* short */
    assert_true(blk_server_respond(&driver, &resp));
    assert_true(blk_server_respond(&driver, &resp)); /* twice */
    virt_core_run(&core);
    expect(0, 1, BLK_RESP_ERR_UNSPEC, 4);
    expect(0, 2, BLK_RESP_ERR_IO, 3);
    expect_nothing(0);
    ((struct blk_resp_queue *)driver_ends.resp)->tail += 1000;
    virt_core_run(&core);
    expect_nothing(0);
    ((struct blk_resp_queue *)driver_ends.resp)->tail -= 1000;
    reply(&c, BLK_RESP_OK);
    virt_core_run(&core);
    expect(0, 3, BLK_RESP_OK, 4);
    assert_string_equal(said, "block: the driver answers what it was not asked (said once)\n");
}

/* Random requests, good and bad: each answered once; no client's blocks outside its partition. */
static void at_random(void **state)
{
    (void)state;
    uint32_t sent[CLIENTS] = { 0 }, received[CLIENTS] = { 0 };
    struct blk_req req;
    struct blk_resp resp;
    srand(4712);
    for (uint32_t round = 0; round < 30000; round++) {
        uint32_t i = (uint32_t)rand() % CLIENTS;
        if (rand() % 3 && blk_client_room(&clients[i]) > 0) {
            send(i, (uint32_t)rand() % 5, (uint64_t)rand() % (LENGTH + 2), (uint16_t)(rand() % 20),
                 (uint64_t)(rand() % 70) * 4096 + (rand() % 9 == 0), i);
            sent[i]++;
        }
        virt_core_run(&core);
        while (rand() % 3 && blk_server_receive(&driver, &req)) {
            uint64_t owner = req.io_or_offset >> 28 & 3;
            if (req.code != BLK_REQ_FLUSH) {
                assert_true(req.block_number >= FIRST(owner));
                assert_true(req.block_number + req.count <= FIRST(owner) + LENGTH);
                assert_true(req.io_or_offset + req.count * 4096ull <=
                            CLIENT_IO(owner) + DATA_BYTES);
            }
            reply(&req, (uint32_t)rand() % 2 ? BLK_RESP_OK : BLK_RESP_ERR_IO);
        }
        while (rand() % 2 && blk_client_receive(&clients[i], &resp)) {
            assert_int_equal(resp.id, i);
            received[i]++;
        }
    }
    for (uint32_t round = 0; round < 1000; round++) {
        virt_core_run(&core);
        while (blk_server_receive(&driver, &req)) {
            reply(&req, BLK_RESP_OK);
        }
        for (uint32_t i = 0; i < CLIENTS; i++) {
            received[i] += blk_client_receive(&clients[i], &resp);
        }
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(received[i], sent[i]);
        assert_int_equal(core.clients[i].in_flight, 0);
        assert_int_equal(core.clients[i].writes_in_flight, 0);
        assert_int_equal(core.clients[i].blocks_in_flight, 0);
    }
    assert_int_equal(core.num_free, DRIVER_QUEUE);
}

static void no_clients_at_all(void **state)
{
    (void)state;
    configure();
    config.num_clients = 0;
    start();
    virt_core_run(&core);
}

/* A driver that begins anew gets all that it had, in the order in which it had it first. */
static void a_new_driver_gets_everything_again(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        send(0, BLK_REQ_WRITE, i, 1, 4096 * i, i);
    }
    virt_core_run(&core);
    struct blk_req first = take();
    struct blk_req second = take();
    reply(&second, BLK_RESP_OK);
    for (uint32_t life = 0; life < 2; life++) {
        driver = blk_queue_connect_server(&config.driver);
        blk_server_begin(&driver);
    }
    virt_core_run(&core);
    expect(0, 1, BLK_RESP_OK, 1);
    expect_nothing(0);
    static const uint32_t order[] = { 0, 2, 3 };
    for (uint32_t i = 0; i < 3; i++) {
        struct blk_req again = take();
        assert_int_equal(again.block_number, FIRST(0) + order[i]);
        assert_int_equal(again.io_or_offset, CLIENT_IO(0) + 4096 * order[i]);
        assert_true(i > 0 || again.id == first.id);
        reply(&again, BLK_RESP_OK);
    }
    assert_int_equal(blk_server_requests(&driver), 0);
    virt_core_run(&core);
    for (uint32_t i = 0; i < 3; i++) {
        expect(0, order[i], BLK_RESP_OK, 1);
    }
    assert_string_equal(said, "");
}

static void a_new_driver_while_the_table_is_read(void **state)
{
    (void)state;
    configure();
    blk_storage_set_ready(&driver_ends.info);
    virt_core_init(&core, &config, &ops);
    virt_core_run(&core);
    assert_int_equal(core.state, VIRT_READS_TABLE);
    struct blk_req req = take();
    reply(&req, BLK_RESP_OK);
    driver_ends.info.ready = 0;
    blk_server_begin(&driver);
    virt_core_run(&core);
    start();
    assert_string_equal(said, "");
}

/*
 * A virtualiser that begins anew serves nobody before the driver has done what the old one has
 * asked for; then the clients send again what was not answered.
 */
static void a_new_virtualiser_waits_for_the_old_ones_requests(void **state)
{
    struct blk_resp resp;
    (void)state;
    send(0, BLK_REQ_WRITE, 1, 1, 0, 10);
    send(1, BLK_REQ_READ, 1, 1, 0, 11);
    virt_core_run(&core);
    send(0, BLK_REQ_FLUSH, 0, 0, 0, 12); /* not taken */
    struct blk_req old[2] = { take(), take() };
    virt_core_init(&core, &config, &ops);
    virt_core_run(&core);
    reply(&old[0], BLK_RESP_OK);
    virt_core_run(&core);
    assert_int_equal(core.state, VIRT_WAITS_FOR_DRIVER);
    assert_int_equal(blk_server_requests(&driver), 0);
    expect_nothing(0);
    reply(&old[1], BLK_RESP_OK);
    virt_core_run(&core);
    assert_int_equal(core.state, VIRT_READS_TABLE);
    expect_nothing(0);
    while (core.state == VIRT_READS_TABLE) {
        struct blk_req req = take();
        reply(&req, read_status);
        virt_core_run(&core);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(blk_client_receive(&clients[i < 2 ? 0 : 1], &resp));
        assert_int_equal(resp.status, BLK_RESP_LOST);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        expect_nothing(i);
        assert_int_equal(blk_client_in_flight(&clients[i]), 0);
    }
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_learn_their_disks),
        TEST(translation),
        TEST(bad_requests),
        TEST(a_read_only_partition),
        TEST(no_extensions_upstream),
        TEST(a_bad_partition_hurts_its_client_only),
        TEST(no_disk_and_no_table),
        TEST(one_partition_has_one_writer),
        TEST(flush_waits_for_writes),
        TEST(a_barrier_waits_and_holds_up),
        TEST(a_flood_starves_nobody),
        TEST(long_requests_go_alone),
        TEST(bursts_stay_together),
        TEST(answers_never_overflow),
        TEST(a_broken_queue_hurts_its_client_only),
        TEST(a_lying_driver),
        TEST(at_random),
        TEST(no_clients_at_all),
        TEST(a_new_driver_gets_everything_again),
        TEST(a_new_driver_while_the_table_is_read),
        TEST(a_new_virtualiser_waits_for_the_old_ones_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
