/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what two lying clients of the block virtualiser do, beside one that keeps to the
 * rules, and a driver that answers late, out of order, is started again, and now and then answers
 * what it was not asked.
 * What reaches the driver lies in its client's partition and memory, under an id that is in flight
 * once; as long as the driver is honest, the honest client gets one answer to each request.
 */
#include "io/virt/blk/blk_virt_core.h"
#include "tests/fuzz/input.h"

#include <stdlib.h>
#include <string.h>

#define CLIENTS      3u
#define HONEST       2u
#define CAPACITY     16u
#define MAX_STEPS    400
#define DISK_BLOCKS  4096u
#define DATA_BYTES   (64u * 4096u)
#define OWN_IO       0x90000000ull
#define CLIENT_IO(i) (0x100000000ull + (i)*0x10000000ull)
#define FIRST(i)     (256u + (i)*1024u) /* of the partitions */
#define LENGTH       1024u

struct ends {
    uint64_t req[(16 + CAPACITY * 32) / 8];
    uint64_t resp[(8 + CAPACITY * 12 + 7) / 8];
    struct blk_storage_info info;
};

static struct blk_virt_config config;
static struct virt_core core;
static struct ends driver_ends, client_ends[CLIENTS];
static struct blk_server driver;
static struct blk_client honest;
static uint8_t own_data[VIRT_DATA_SIZE];
static struct blk_req flying[VIRT_REQUESTS]; /* what the driver has */
static uint32_t num_flying, sent, answered;
static bool driver_lies, awaited[256];

static void expect(bool good)
{
    if (!good) {
        abort();
    }
}

static void notify(uint8_t channel)
{
    (void)channel;
}

static void report(const char *text)
{
    expect(strlen(text) < 256);
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

static void start(void)
{
    memset(&config, 0, sizeof(config));
    config.num_clients = CLIENTS;
    config.driver = connect_ends(&driver_ends, 50);
    config.data = (struct sddf_device_region){ { (uintptr_t)own_data, sizeof(own_data) }, OWN_IO };
    driver = blk_queue_connect_server(&config.driver);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        config.clients[i].conn = connect_ends(&client_ends[i], i);
        config.clients[i].data = (struct sddf_device_region){ { 0, DATA_BYTES }, CLIENT_IO(i) };
        config.clients[i].partition = i;
        config.clients[i].read_only = i == 1;
    }
    honest = blk_queue_connect_client(&config.clients[HONEST].conn);
    driver_ends.info.capacity = DISK_BLOCKS;
    driver_ends.info.sector_size = 512;
    driver_ends.info.extensions = 0xff03;
    num_flying = sent = answered = 0;
    driver_lies = false;
    memset(awaited, 0, sizeof(awaited));
    virt_core_init(&core, &config, &ops);
    blk_storage_set_ready(&driver_ends.info);
}

/* The disk's first block: an MBR with a partition for each client. */
static void put_table(void)
{
    memset(own_data, 0, 512);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint32_t lba[2] = { FIRST(i) * 8, LENGTH * 8 };
        own_data[446 + i * 16 + 4] = 0x83;
        memcpy(own_data + 446 + i * 16 + 8, lba, 8);
    }
    own_data[510] = 0x55;
    own_data[511] = 0xaa;
}

static void check(const struct blk_req *req)
{
    uint64_t bytes = (uint64_t)req->count * BLK_TRANSFER_SIZE;
    for (uint32_t i = 0; i < num_flying; i++) {
        expect(flying[i].id != req->id);
    }
    if (core.state != VIRT_RUNS) {
        expect(req->code == BLK_REQ_READ && req->io_or_offset >= OWN_IO &&
               req->io_or_offset + bytes <= OWN_IO + sizeof(own_data));
    }
    if (core.state != VIRT_RUNS || req->code == BLK_REQ_FLUSH) {
        return;
    }
    uint64_t client = (req->block_number - FIRST(0)) / LENGTH;
    uint64_t block = (req->block_number - FIRST(0)) % LENGTH;
    uint64_t offset = req->io_or_offset - CLIENT_IO(client);
    expect(req->block_number >= FIRST(0) && client < CLIENTS);
    expect(req->count > 0 && block + req->count <= LENGTH);
    expect(client != 1 || req->code == BLK_REQ_READ);
    if (req->code == BLK_REQ_READ || req->code == BLK_REQ_WRITE) {
        expect(offset % BLK_TRANSFER_SIZE == 0 && offset + bytes <= DATA_BYTES);
    }
}

static void driver_takes(void)
{
    struct blk_req req;
    while (num_flying < VIRT_REQUESTS && blk_server_receive(&driver, &req)) {
        if (!driver_lies) {
            check(&req);
        }
        flying[num_flying++] = req;
    }
}

static void driver_answers(uint8_t how)
{
    if (num_flying == 0) {
        return;
    }
    struct blk_req *req = &flying[how % num_flying];
    struct blk_resp resp = { how & 0x80 ? BLK_RESP_ERR_IO : BLK_RESP_OK, req->count, req->id };
    if (core.state == VIRT_READS_TABLE && req->block_number == 0) {
        put_table();
    }
    if (blk_server_respond(&driver, &resp)) {
        *req = flying[--num_flying];
    }
}

/* A new life of the driver: it knows nothing of what it had. */
static void driver_begins(void)
{
    num_flying = 0;
    driver = blk_queue_connect_server(&config.driver);
    blk_server_begin(&driver);
    blk_storage_set_ready(&driver_ends.info);
}

static void driver_lie(struct input *in)
{
    struct blk_resp resp = { (uint32_t)take(in, 1), (uint16_t)take(in, 2), (uint32_t)take(in, 2) };
    uint8_t how = (uint8_t)take(in, 1);
    driver_lies = true;
    if (how & 1) {
        (void)blk_server_respond(&driver, &resp);
    } else {
        ((uint8_t *)(how & 2 ? driver_ends.req : driver_ends.resp))[how / 4 % 12] =
            (uint8_t)resp.id;
    }
}

static void honest_sends(struct input *in)
{
    static const uint32_t codes[] = { BLK_REQ_READ,    BLK_REQ_WRITE,        BLK_REQ_FLUSH,
                                      BLK_REQ_BARRIER, BLK_REQ_WRITE_ZEROES, 99 };
    uint8_t how = (uint8_t)take(in, 1), id = (uint8_t)take(in, 1);
    struct blk_req req = { codes[how % 6], 4096ull * (how / 8), take(in, 2) % (LENGTH + 1),
                           1 + how / 16, id };
    if (blk_storage_ready(&client_ends[HONEST].info) && !awaited[id] &&
        blk_client_send(&honest, &req)) {
        awaited[id] = true;
        sent++;
    }
}

static void honest_receives(void)
{
    struct blk_resp resp;
    while (blk_client_receive(&honest, &resp)) {
        expect(resp.id < 256 && awaited[resp.id] && resp.status <= BLK_RESP_ERR_NO_DEVICE);
        awaited[resp.id] = false;
        answered++;
    }
}

/* A whole request of a liar, right or wrong; or any byte of its queues. */
static void liar(struct input *in, uint32_t client)
{
    uint8_t how = (uint8_t)take(in, 1);
    struct blk_req_queue *queue = (struct blk_req_queue *)client_ends[client].req;
    struct blk_req req = { how % 8, take(in, 2) * 2048, take(in, 2), (uint16_t)take(in, 1), how };
    if (how == 0xff) {
        req = (struct blk_req){ (uint32_t)take(in, 4), take(in, 8), take(in, 8),
                                (uint16_t)take(in, 2), (uint32_t)take(in, 4) };
    }
    if (how >= 0xf0 && how < 0xfc) {
        ((uint8_t *)client_ends[client].resp)[how - 0xf0] = (uint8_t)take(in, 1);
        ((uint8_t *)client_ends[client].req)[how - 0xf0] = (uint8_t)take(in, 1);
        return;
    }
    queue->entries[queue->tail++ % CAPACITY] = req;
    if (how & 0x40) {
        ((struct blk_resp_queue *)client_ends[client].resp)->head++;
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 16) {
    case 0:
        if (what == 0xf0) {
            driver_lie(in);
        }
        if (what == 0xe0) {
            driver_begins();
        }
        break;
    case 1:
    case 2:
    case 3:
        driver_answers((uint8_t)take(in, 1));
        break;
    case 4:
    case 5:
        honest_receives();
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        honest_sends(in);
        break;
    default:
        liar(in, what / 16 % 2);
    }
    if (what & 0x80) {
        virt_core_run(&core);
        driver_takes();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    start();
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    for (unsigned i = 0; i < MAX_STEPS && !driver_lies; i++) {
        virt_core_run(&core);
        driver_takes();
        driver_answers(0);
        honest_receives();
    }
    expect(driver_lies || (sent == answered && core.state == VIRT_RUNS));
    return 0;
}
