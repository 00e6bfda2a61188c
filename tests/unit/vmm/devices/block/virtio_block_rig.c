/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

#include <stdlib.h>

struct guest guest;
struct virtio_block block;
struct mmio_region region;
struct ring ring;
struct blk_storage_info info;
struct vmm_block record;
struct blk_server server;
uint8_t disk[DISK_BYTES];
uint8_t stable[DISK_BYTES];
struct taken taken[512];
unsigned num_taken;
unsigned notified;
unsigned sent[6];

static struct sddf_blk_client_config client;
static struct blk_req_queue *req_queue;
static struct blk_resp_queue *resp_queue;
static uint8_t *bounce;
static uint64_t version, stable_version;

/* ---- Set-up ----------------------------------------------------------------------------------*/

static void notify(unsigned channel)
{
    assert_int_equal(channel, CHANNEL);
    notified++;
}

static uint64_t address(const void *at)
{
    return (uint64_t)(uintptr_t)at;
}

static void create_records(const struct block_rig *rig)
{
    req_queue = calloc(1, blk_req_queue_bytes(rig->capacity));
    resp_queue = calloc(1, blk_resp_queue_bytes(rig->capacity));
    bounce = aligned_alloc(4096, (size_t)rig->bounce_blocks * 4096);
    memset(bounce, 0xbb, (size_t)rig->bounce_blocks * 4096);
    info = (struct blk_storage_info){
        .ready = !rig->not_ready,
        .capacity = DISK_BLOCKS,
        .extensions = BLK_EXT_DISCARD | BLK_EXT_WRITE_ZEROES,
    };
    client = (struct sddf_blk_client_config){
        .magic = { { 's', 'D', 'D', 'F' }, SDDF_BLOCK },
        .virt = {
            .storage_info = { address(&info), sizeof(info) },
            .req = { address(req_queue), blk_req_queue_bytes(rig->capacity) },
            .resp = { address(resp_queue), blk_resp_queue_bytes(rig->capacity) },
            .num_buffers = rig->capacity,
            .channel = CHANNEL,
        },
    };
    record = (struct vmm_block){
        .bounce_vaddr = address(bounce),
        .bounce_bytes = rig->bounce_blocks * UINT64_C(4096),
        .bounce_offset = rig->guest_ram ? RAM_BYTES : 0,
        .id = "guest0-disk",
        .guest_ram = rig->guest_ram,
        .read_only = rig->read_only,
        .discard = rig->ranges,
        .write_zeroes = rig->ranges,
    };
}

void rig_create(const struct block_rig *rig)
{
    static uint8_t pattern[DISK_BYTES]; /* made once */
    guest_create(&guest);
    create_records(rig);
    for (unsigned i = 0; i < DISK_BYTES && pattern[DISK_BYTES - 1] == 0; i++) {
        pattern[i] = (uint8_t)(i * 7 + (i >> 9) * 31);
    }
    memcpy(disk, pattern, DISK_BYTES);
    memcpy(stable, disk, DISK_BYTES);
    memset(sent, 0, sizeof(sent));
    num_taken = 0;
    notified = 0;
    version = stable_version = 0;
    server = blk_queue_connect_server(&client.virt);
    assert_true(
        virtio_block_init(&block, "block0", &guest.ram, &guest.irq, &record, &client, notify));
    region = virtio_mmio_region(&block.device, 0xa000000, 0x1000);
}

static void forget_taken(unsigned i)
{
    free(taken[i].snapshot);
    taken[i] = taken[--num_taken];
}

void rig_destroy(void)
{
    while (num_taken > 0) {
        forget_taken(0);
    }
    free(req_queue);
    free(resp_queue);
    free(bounce);
    guest_destroy(&guest);
}

void replace_rig(const struct block_rig *rig)
{
    rig_destroy();
    rig_create(rig);
}

int setup(void **state)
{
    (void)state;
    rig_create(&(struct block_rig){
        .guest_ram = true, .bounce_blocks = 32, .capacity = 256, .ranges = true });
    return 0;
}

int teardown(void **state)
{
    (void)state;
    rig_destroy();
    return 0;
}

/* ---- The driver ------------------------------------------------------------------------------*/

void snapshot(void)
{
    guest_snapshot(&guest);
    ring_allow_used(&ring);
}

void drive(uint64_t features)
{
    assert_int_equal(driver_negotiate(&region, features), 11);
    ring_create(&ring, &guest, 0, SIZE);
    assert_int_equal(driver_place(&region, 0, &ring), 1);
    driver_ok(&region);
    snapshot();
}

void kick(void)
{
    reg_write(&region, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

void set_header(unsigned n, uint32_t type, uint64_t sector)
{
    struct virtio_blk_outhdr header = { .type = type, .sector = sector };
    memcpy(guest_at(&guest, HEADER(n)), &header, sizeof(header));
    *(uint8_t *)guest_at(&guest, STATUS(n)) = 0xee;
}

void submit(unsigned n, uint32_t type, uint64_t sector, gpa_t data, uint32_t bytes)
{
    bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
    unsigned d = 3 * n;
    set_header(n, type, sector);
    ring_set(&ring, d, HEADER(n), 16, NEXT, bytes > 0 ? d + 1 : d + 2);
    ring_set(&ring, d + 1, data, bytes, in ? NEXT | WRITE : NEXT, d + 2);
    ring_set(&ring, d + 2, STATUS(n), 1, WRITE, 0);
    ring_offer(&ring, d);
}

uint8_t status_of(unsigned n)
{
    return *(uint8_t *)guest_at(&guest, STATUS(n));
}

void expect(unsigned n, uint8_t status, uint32_t length)
{
    assert_int_equal(ring_take_used(&ring, 3 * n), length);
    assert_int_equal(status_of(n), status);
}

void one(uint32_t type, uint64_t sector, gpa_t data, uint32_t bytes, uint8_t status,
         uint32_t length)
{
    submit(0, type, sector, data, bytes);
    snapshot();
    guest_allow(&guest, STATUS(0), 1);
    if (length > 1) {
        guest_allow(&guest, data, length - 1);
    }
    kick();
    server_serve();
    expect(0, status, length);
    guest_assert_untouched(&guest);
}

/* ---- The server ------------------------------------------------------------------------------*/

static bool has_blocks(const struct blk_req *req)
{
    return req->code != BLK_REQ_FLUSH;
}

/* What a server would have to check of any client, and what it may leave undefined. */
static void assert_legal(const struct blk_req *req)
{
    uint64_t bytes = (uint64_t)req->count * BLK_TRANSFER_SIZE;
    if (!has_blocks(req)) {
        return;
    }
    assert_true(req->count > 0);
    assert_true(req->block_number <= DISK_BLOCKS);
    assert_true(req->count <= DISK_BLOCKS - req->block_number);
    if (req->code == BLK_REQ_READ || req->code == BLK_REQ_WRITE) {
        uint64_t first = record.guest_ram ? 0 : record.bounce_offset;
        uint64_t end = record.bounce_offset + record.bounce_bytes;
        assert_true(req->io_or_offset % BLK_TRANSFER_SIZE == 0);
        assert_true(req->io_or_offset >= first && req->io_or_offset <= end);
        assert_true(bytes <= end - req->io_or_offset);
    }
    for (unsigned i = 0; i < num_taken; i++) {
        const struct blk_req *other = &taken[i].req;
        bool apart = req->block_number >= other->block_number + other->count ||
                     other->block_number >= req->block_number + req->count;
        assert_true(other->id != req->id);
        assert_true(!has_blocks(other) || apart ||
                    (req->code == BLK_REQ_READ && other->code == BLK_REQ_READ));
    }
}

unsigned server_take(void)
{
    struct blk_req req;
    while (blk_server_receive(&server, &req)) {
        assert_true(num_taken < sizeof(taken) / sizeof(taken[0]));
        assert_legal(&req);
        sent[req.code >= BLK_REQ_DISCARD ? req.code - BLK_REQ_DISCARD + SENT_DISCARD : req.code]++;
        struct taken *entry = &taken[num_taken++];
        *entry = (struct taken){ .req = req, .version = version };
        if (req.code == BLK_REQ_FLUSH) {
            entry->snapshot = malloc(DISK_BYTES);
            memcpy(entry->snapshot, disk, DISK_BYTES);
        }
    }
    return num_taken;
}

void server_respond(uint32_t id, uint32_t status, uint16_t success_count)
{
    struct blk_resp resp = { status, success_count, id };
    assert_true(blk_server_respond(&server, &resp));
}

static uint8_t *data_at(uint64_t offset)
{
    return offset < record.bounce_offset ? guest.ram.base + offset
                                         : bounce + (offset - record.bounce_offset);
}

/* The least that the contract promises: what was answered before the flush was taken. */
static void do_flush(const struct taken *entry)
{
    if (entry->version >= stable_version) {
        memcpy(stable, entry->snapshot, DISK_BYTES);
        stable_version = entry->version;
    }
}

void server_answer(unsigned i)
{
    struct blk_req req = taken[i].req;
    uint8_t *at = disk + req.block_number * BLK_TRANSFER_SIZE;
    size_t bytes = (size_t)req.count * BLK_TRANSFER_SIZE;
    version++;
    switch (req.code) {
    case BLK_REQ_READ:
        memcpy(data_at(req.io_or_offset), at, bytes);
        break;
    case BLK_REQ_WRITE:
        memcpy(at, data_at(req.io_or_offset), bytes);
        break;
    case BLK_REQ_FLUSH:
        do_flush(&taken[i]);
        break;
    case BLK_REQ_DISCARD:
        memset(at, 0xdd, bytes);
        break;
    case BLK_REQ_WRITE_ZEROES:
        memset(at, 0, bytes);
        break;
    default:
        fail_msg("code %u", req.code);
    }
    forget_taken(i);
    server_respond(req.id, BLK_RESP_OK, req.count);
}

void server_fail(unsigned i, uint32_t status)
{
    uint32_t id = taken[i].req.id;
    forget_taken(i);
    server_respond(id, status, 0);
}

void server_notify(void)
{
    virtio_block_notified(&block);
}

void server_serve(void)
{
    while (server_take() > 0) {
        while (num_taken > 0) {
            server_answer(0);
        }
        server_notify();
    }
}

/* ---- Oracle ----------------------------------------------------------------------------------*/

void nothing_was_sent(void)
{
    assert_int_equal(server_take(), 0);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(sent[i], 0);
    }
}

void start_some(void)
{
    drive(ALL);
    submit(0, IN, 0, BUF(0), 4096);
    submit(1, IN, 9, BUF(1), 512);
    submit(2, OUT, 17, BUF(2), 512);
    submit(3, OUT, 18, BUF(3), 512);
    kick();
    assert_int_equal(server_take(), 3);
}

void assert_works_after_reset(void)
{
    uint8_t *data = guest_at(&guest, BUF(0));
    guest_race = NULL;
    drive(ALL);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    memset(data, 0x5a, 4096);
    submit(0, VIRTIO_BLK_T_OUT, 8, BUF(0), 4096);
    submit(1, VIRTIO_BLK_T_OUT, 17, BUF(0), 512);
    snapshot();
    guest_allow(&guest, STATUS(0), 1);
    guest_allow(&guest, STATUS(1), 1);
    kick();
    server_serve();
    expect(0, VIRTIO_BLK_S_OK, 1);
    expect(1, VIRTIO_BLK_S_OK, 1);
    assert_memory_equal(disk + 4096, data, 4096);
    assert_memory_equal(disk + 17 * 512, data, 512);
    assert_true(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_int_equal(block.num_free_requests, VIRTIO_BLOCK_SLOTS);
    assert_int_equal(block.num_free_ops, block.max_ops);
    for (unsigned i = 0; i < VIRTIO_BLOCK_MAX_BOUNCE; i++) {
        assert_false(block.bounce_busy[i]);
    }
    memcpy(stable, disk, DISK_BYTES);
}
