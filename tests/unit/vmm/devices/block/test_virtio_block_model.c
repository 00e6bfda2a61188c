/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block device against a flat disk: random requests, several in flight, answered in any order.
 * The device works on requests for the same block in the guest's order, so the model disk knows at
 * submission what each read must see. What was flushed must be on the stable disk.
 */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

#include <stdlib.h>

#define NUM_SLOTS  12
#define SLOT_DESCS 10u /* of the ring, for each slot */
#define GRANULE    512u
#define ARENA      (RAM_END - BUFFERS_GPA)
#define GRANULES   (ARENA / GRANULE)

/* Each sector of the disk begins with the number of the write that made it. */
struct stamp {
    uint64_t number;
    uint64_t sector;
};

struct slot {
    bool busy;
    uint32_t type;
    uint64_t sector;
    uint32_t bytes;
    unsigned first_granule, num_granules;
    uint8_t *expected;                /* IN: what must be read */
    uint64_t must_be_stable[SECTORS]; /* FLUSH: the least stamp of each sector */
    uint64_t number;
};

static struct slot slots[NUM_SLOTS];
static uint8_t model[DISK_BYTES];
static uint64_t told[SECTORS]; /* the newest write of each sector that the guest was told of */
static bool granule_busy[GRANULES];
static uint64_t next_number;
static bool write_through;

static uint64_t stamp_of(const uint8_t *at, uint64_t sector)
{
    struct stamp stamp;
    memcpy(&stamp, at + sector * 512, sizeof(stamp));
    assert_int_equal(stamp.sector, sector);
    return stamp.number;
}

static unsigned take_granules(unsigned count)
{
    unsigned start = (unsigned)rand() % (unsigned)GRANULES;
    for (unsigned i = 0; i < GRANULES; i++) {
        unsigned at = (start + i) % (unsigned)GRANULES;
        unsigned run = 0;
        if (count % 8 == 0 && rand() % 4 != 0) {
            at = at / 8 * 8; /* aligned blocks more often than not */
        }
        while (run < count && at + run < GRANULES && !granule_busy[at + run]) {
            run++;
        }
        if (run == count) {
            memset(&granule_busy[at], true, count);
            return at;
        }
    }
    return UINT32_MAX;
}

static gpa_t data_gpa(const struct slot *slot)
{
    return BUFFERS_GPA + slot->first_granule * GRANULE;
}

/* Cuts header, data and status into a chain of at most SLOT_DESCS - 1 descriptors. */
static void build_chain(unsigned n)
{
    struct slot *slot = &slots[n];
    unsigned head = n * SLOT_DESCS;
    unsigned d = head;
    unsigned pieces = 1 + (unsigned)rand() % 6;
    uint32_t done = 0;
    set_header(n, slot->type, slot->sector);
    if (rand() % 4 == 0) {
        ring_set(&ring, d, HEADER(n), 5, NEXT, d + 1);
        d++;
        ring_set(&ring, d, HEADER(n) + 5, 11, NEXT, d + 1);
    } else {
        ring_set(&ring, d, HEADER(n), 16, NEXT, d + 1);
    }
    d++;
    while (done < slot->bytes) {
        uint32_t rest = slot->bytes - done;
        uint32_t step = rand() % 3 == 0 ? 4096 : rand() % 2 ? 1 + (uint32_t)rand() % 5000 : rest;
        uint32_t bytes = step < rest && --pieces > 0 ? step : rest;
        ring_set(&ring, d, data_gpa(slot) + done, bytes, NEXT | (slot->type == IN ? WRITE : 0),
                 d + 1);
        done += bytes;
        d++;
    }
    ring_set(&ring, d, STATUS(n), 1, WRITE, 0);
    assert_true(d < head + SLOT_DESCS);
    ring_offer(&ring, head);
}

static void submit_write(struct slot *slot)
{
    uint8_t *data = guest_at(&guest, data_gpa(slot));
    slot->number = ++next_number;
    for (uint32_t i = 0; i < slot->bytes; i++) {
        data[i] = (uint8_t)(slot->number * 13 + i);
    }
    for (uint32_t i = 0; i < slot->bytes / 512; i++) {
        struct stamp stamp = { slot->number, slot->sector + i };
        memcpy(data + (size_t)i * 512, &stamp, sizeof(stamp));
    }
    memcpy(model + slot->sector * 512, data, slot->bytes);
}

static void submit_read(struct slot *slot)
{
    slot->expected = malloc(slot->bytes);
    memcpy(slot->expected, model + slot->sector * 512, slot->bytes);
    memset(guest_at(&guest, data_gpa(slot)), 0xcc, slot->bytes);
}

/* Lengths from 512 bytes to 64 KiB, the small ones more often. */
static bool choose(struct slot *slot)
{
    uint32_t sectors = 1u << rand() % 8;
    sectors = rand() % 2 ? sectors : 1 + (uint32_t)rand() % sectors;
    slot->type = rand() % 12 == 0 ? FLUSH : rand() % 2 ? IN : OUT;
    slot->bytes = slot->type == FLUSH ? 0 : sectors * 512;
    slot->sector = (uint64_t)rand() % (SECTORS - sectors + 1);
    if (rand() % 2) {
        slot->sector = slot->sector / 8 * 8; /* aligned */
    } else if (rand() % 2) {
        slot->sector = slot->sector % 32 < SECTORS - sectors ? slot->sector % 32 : 0; /* crowded */
    }
    slot->num_granules = slot->bytes / GRANULE;
    slot->first_granule = slot->bytes > 0 ? take_granules(slot->num_granules) : 0;
    return slot->first_granule != UINT32_MAX;
}

static bool submit_random(void)
{
    unsigned n = (unsigned)rand() % NUM_SLOTS;
    struct slot *slot = &slots[n];
    if (slot->busy || !choose(slot)) {
        return false;
    }
    slot->busy = true;
    if (slot->type == OUT) {
        submit_write(slot);
    } else if (slot->type == IN) {
        submit_read(slot);
    } else {
        memcpy(slot->must_be_stable, told, sizeof(told));
    }
    build_chain(n);
    return true;
}

static void finish(unsigned n, uint32_t length)
{
    struct slot *slot = &slots[n];
    assert_true(slot->busy);
    assert_int_equal(status_of(n), OK);
    assert_int_equal(length, slot->type == IN ? slot->bytes + 1 : 1);
    if (slot->type == IN) {
        assert_memory_equal(guest_at(&guest, data_gpa(slot)), slot->expected, slot->bytes);
        free(slot->expected);
        slot->expected = NULL;
    }
    for (uint64_t i = 0; slot->type == OUT && i < slot->bytes / 512; i++) {
        uint64_t *newest = &told[slot->sector + i];
        *newest = *newest > slot->number ? *newest : slot->number;
        if (write_through) {
            assert_true(stamp_of(stable, slot->sector + i) >= slot->number);
        }
    }
    for (uint64_t i = 0; slot->type == FLUSH && i < SECTORS; i++) {
        assert_true(stamp_of(stable, i) >= slot->must_be_stable[i]);
    }
    memset(&granule_busy[slot->first_granule], false, slot->num_granules);
    slot->busy = false;
}

static void take_finished(void)
{
    while (ring_used(&ring)->idx != ring.used_seen) {
        unsigned head = ring_used(&ring)->ring[ring.used_seen % SIZE].id;
        finish(head / SLOT_DESCS, ring_take_used(&ring, head));
    }
}

static void server_step(void)
{
    unsigned waiting = server_take();
    for (unsigned i = waiting > 0 ? (unsigned)rand() % waiting + 1 : 0; i > 0; i--) {
        server_answer((unsigned)rand() % num_taken);
    }
    server_notify();
    take_finished();
}

static void start(const struct block_rig *rig, uint64_t features)
{
    rig_create(rig);
    srand(1);
    for (uint64_t i = 0; i < SECTORS; i++) {
        struct stamp stamp = { 0, i };
        memcpy(disk + i * 512, &stamp, sizeof(stamp));
    }
    memcpy(stable, disk, DISK_BYTES);
    memcpy(model, disk, DISK_BYTES);
    memset(slots, 0, sizeof(slots));
    memset(told, 0, sizeof(told));
    memset(granule_busy, 0, sizeof(granule_busy));
    next_number = 0;
    write_through = (features & F_FLUSH) == 0;
    drive(features);
}

static void run(const struct block_rig *rig, uint64_t features, unsigned count)
{
    start(rig, features);
    for (unsigned done = 0; done < count;) {
        unsigned tries = (unsigned)rand() % 6;
        for (unsigned i = 0; i < tries; i++) {
            done += submit_random();
        }
        kick();
        take_finished();
        if (rand() % 2) {
            server_step();
        }
    }
    while (block.num_arrived > 0) {
        server_step();
    }
    take_finished();
    assert_memory_equal(disk, model, DISK_BYTES);
    assert_int_equal(block.num_free_ops, block.max_ops);
    assert_int_equal(block.num_free_requests, VIRTIO_BLOCK_SLOTS);
    assert_int_equal(block.bad_resps, 0);
    assert_int_equal(log_lines, 0);
    rig_destroy();
}

static void guest_ram_is_the_data_region(void **state)
{
    (void)state;
    run(&(struct block_rig){ .guest_ram = true, .bounce_blocks = 32, .capacity = 256 }, ALL, 50000);
}

static void all_goes_through_the_bounce_area(void **state)
{
    (void)state;
    run(&(struct block_rig){ .bounce_blocks = 24, .capacity = 64 }, ALL, 50000);
}

static void little_room_below(void **state)
{
    (void)state;
    run(&(struct block_rig){ .guest_ram = true, .bounce_blocks = 1, .capacity = 1 }, ALL, 10000);
    run(&(struct block_rig){ .guest_ram = true, .bounce_blocks = 3, .capacity = 4 }, ALL, 20000);
    run(&(struct block_rig){ .bounce_blocks = 2, .capacity = 8 }, ALL, 10000);
}

static void every_write_through(void **state)
{
    (void)state;
    run(&(struct block_rig){ .guest_ram = true, .bounce_blocks = 32, .capacity = 256 },
        ALL & ~(F_FLUSH | F_WCE), 20000);
    run(&(struct block_rig){ .bounce_blocks = 8, .capacity = 16 }, ALL & ~F_FLUSH, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_ram_is_the_data_region),
        cmocka_unit_test(all_goes_through_the_bounce_area),
        cmocka_unit_test(little_room_below),
        cmocka_unit_test(every_write_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
