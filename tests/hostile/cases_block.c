/* SPDX-License-Identifier: BSD-2-Clause */
/* Section B: requests to the disk (5.2.6). */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define NEXT         VRING_DESC_F_NEXT
#define WRITE        VRING_DESC_F_WRITE

#define IN           VIRTIO_BLK_T_IN
#define OUT          VIRTIO_BLK_T_OUT
#define OK           VIRTIO_BLK_S_OK
#define IOERR        VIRTIO_BLK_S_IOERR
#define UNSUPP       VIRTIO_BLK_S_UNSUPP

#define DISCARD      FEATURE(VIRTIO_BLK_F_DISCARD)
#define WRITE_ZEROES FEATURE(VIRTIO_BLK_F_WRITE_ZEROES)
#define FLUSH        FEATURE(VIRTIO_BLK_F_FLUSH)
#define CONFIG_WCE   FEATURE(VIRTIO_BLK_F_CONFIG_WCE)
#define WCE          (VIRTIO_MMIO_CONFIG + offsetof(struct virtio_blk_config, wce))
#define RANGE_BYTES  sizeof(struct virtio_blk_discard_write_zeroes)
#define OWN_SECTOR   8000u /* which nothing else uses; in the middle of a block */
#define LARGEST      128u  /* ring */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint64_t capacity(const struct virtio *v)
{
    return load(v->base + VIRTIO_MMIO_CONFIG, 8);
}

/* A request that fails, and of which only the status is written. */
static void expect_error(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes,
                         uint32_t flags, uint8_t status)
{
    uint32_t length = 0;
    expect(block_do(v, type, sector, bytes, flags, &length) == status, "another status");
    expect(length == 1, "used.len of an error counts more than its status");
}

static void b1(struct virtio *v)
{
    vbegin(v);
    struct block_parts parts = block_request(v, IN, 0, SECTOR_BYTES, WRITE);
    requests_of(v)->desc[0].len = 15;
    expect(expect_used(v, 0) == 0 && *parts.status == NO_STATUS, "a short header is answered");
}

static void b2(struct virtio *v)
{
    vbegin(v);
    block_request(v, OUT, OWN_SECTOR, SECTOR_BYTES, 0);
    requests_of(v)->desc[2].flags = 0;
    ring_offer(requests_of(v), 0);
    expect_needs_reset(v);
}

static void b3(struct virtio *v)
{
    const uint32_t odd[] = { 1, 511, 513, 4095 };
    vbegin(v);
    for (size_t i = 0; i < COUNT(odd); i++) {
        expect_error(v, IN, 0, odd[i], WRITE, IOERR);
        expect_error(v, OUT, OWN_SECTOR, odd[i], 0, IOERR);
    }
}

static void b4(struct virtio *v)
{
    uint64_t end = capacity(v);
    const uint64_t sectors[] = { end - 1,         end,       end + 1,        1ul << 55,
                                 (1ul << 55) + 1, 1ul << 63, UINT64_MAX - 1, UINT64_MAX };
    vbegin(v);
    for (size_t i = 0; i < COUNT(sectors); i++) {
        expect_error(v, IN, sectors[i], 2 * SECTOR_BYTES, WRITE, IOERR);
        expect_error(v, OUT, sectors[i], 2 * SECTOR_BYTES, 0, IOERR);
    }
    expect(block_do(v, IN, end - 1, SECTOR_BYTES, WRITE, NULL) == OK, "the last sector is none");
}

static void b5(struct virtio *v)
{
    vbegin(v);
    expect(block_do(v, IN, 0, 0, 0, NULL) != NO_STATUS, "a read of nothing has no status");
    expect(block_do(v, OUT, 0, 0, 0, NULL) != NO_STATUS, "a write of nothing has no status");
    expect(block_do(v, OUT, UINT64_MAX, 0, 0, NULL) != NO_STATUS, "one of nowhere likewise");
}

static void b7(struct virtio *v)
{
    const uint32_t unknown[] = { 2, 3, 5, 6, 7, 9, 10, 12, 14, 16, 0x80000000, UINT32_MAX };
    vbegin(v);
    for (size_t i = 0; i < COUNT(unknown); i++) {
        expect_error(v, unknown[i], 0, SECTOR_BYTES, 0, UNSUPP);
        expect_error(v, unknown[i], 0, SECTOR_BYTES, WRITE, UNSUPP);
    }
}

/* ---- Ranges ----------------------------------------------------------------------------------*/

/* A request with `bytes` of ranges, of which the first is this one. */
static uint8_t do_range(struct virtio *v, uint32_t type, uint64_t sector, uint32_t sectors,
                        uint32_t flags, uint32_t bytes)
{
    struct block_parts parts = block_request(v, type, 0, bytes, 0);
    volatile struct virtio_blk_discard_write_zeroes *range =
        (volatile struct virtio_blk_discard_write_zeroes *)(volatile void *)parts.data;
    if (bytes >= RANGE_BYTES) {
        range->sector = sector;
        range->num_sectors = sectors;
        range->flags = flags;
    }
    expect_used(v, 0);
    return *parts.status;
}

/* With what the disk offers of both; ERROR is IOERR where the feature is there. */
static uint64_t begin_ranges(struct virtio *v)
{
    uint64_t features = vfeatures(v) & (DISCARD | WRITE_ZEROES);
    vbegin_with(v, VERSION_1 | features, RING_SIZE);
    return features;
}

static uint8_t error_of(uint64_t features, uint32_t type)
{
    uint64_t needed = type == VIRTIO_BLK_T_DISCARD ? DISCARD : WRITE_ZEROES;
    return (features & needed) != 0 ? IOERR : UNSUPP;
}

static void b8(struct virtio *v)
{
    vbegin_with(v, VERSION_1, RING_SIZE);
    expect(do_range(v, VIRTIO_BLK_T_DISCARD, 0, 8, 0, RANGE_BYTES) == UNSUPP, "a discard");
    expect(do_range(v, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0, RANGE_BYTES) == UNSUPP, "zeroes");
}

static void b9(struct virtio *v)
{
    const uint32_t sizes[] = { 1, 15, 17, 2 * RANGE_BYTES, 0x10000 };
    uint64_t features = begin_ranges(v);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        expect(do_range(v, VIRTIO_BLK_T_DISCARD, OWN_SECTOR, 8, 0, sizes[i]) ==
                   error_of(features, VIRTIO_BLK_T_DISCARD),
               "ranges of a wrong length");
    }
}

static void b10(struct virtio *v)
{
    begin_ranges(v);
    for (unsigned bit = 0; bit < 32; bit++) {
        expect(do_range(v, VIRTIO_BLK_T_DISCARD, OWN_SECTOR, 8, 1u << bit, RANGE_BYTES) == UNSUPP,
               "a discard with a flag");
        expect(bit == 0 || do_range(v, VIRTIO_BLK_T_WRITE_ZEROES, OWN_SECTOR, 8, 1u << bit,
                                    RANGE_BYTES) == UNSUPP,
               "zeroes with an unknown flag");
    }
}

static void b11(struct virtio *v)
{
    static const uint32_t types[] = { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
    uint64_t features = begin_ranges(v), end = capacity(v);
    for (size_t i = 0; i < COUNT(types); i++) {
        uint8_t error = error_of(features, types[i]);
        expect(do_range(v, types[i], end - 1, 2, 0, RANGE_BYTES) == error, "past the end");
        expect(do_range(v, types[i], end, 1, 0, RANGE_BYTES) == error, "at the end");
        expect(do_range(v, types[i], UINT64_MAX, 8, 0, RANGE_BYTES) == error, "it wraps");
        expect(do_range(v, types[i], 1ul << 55, 8, 0, RANGE_BYTES) == error, "bytes wrap");
        expect(do_range(v, types[i], 0, UINT32_MAX, 0, RANGE_BYTES) == error, "too many sectors");
    }
}

/* ---- The rest --------------------------------------------------------------------------------*/

static void b12(struct virtio *v)
{
    const uint32_t sizes[] = { 1, 19, 20, 21, 4096 };
    vbegin(v);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint32_t length = 0;
        uint32_t told = sizes[i] < VIRTIO_BLK_ID_BYTES ? sizes[i] : VIRTIO_BLK_ID_BYTES;
        struct block_parts parts = block_request(v, VIRTIO_BLK_T_GET_ID, 0, sizes[i], WRITE);
        length = expect_used(v, 0);
        expect(*parts.status == OK && length == told + 1, "used.len of GET_ID");
        for (uint32_t at = told; at < sizes[i]; at++) {
            expect(parts.data[at] == 0, "GET_ID writes more than 20 bytes");
        }
    }
}

static void b13(struct virtio *v)
{
    vbegin_with(v, VERSION_1 | FLUSH, RING_SIZE);
    expect(block_do(v, VIRTIO_BLK_T_FLUSH, 0, 0, 0, NULL) == OK, "a flush");
    expect(block_do(v, VIRTIO_BLK_T_FLUSH, UINT64_MAX, 0, 0, NULL) == OK, "one of a sector");
    expect(block_do(v, VIRTIO_BLK_T_FLUSH, 1, 100, 0, NULL) != NO_STATUS, "one with data");
    expect(block_do(v, VIRTIO_BLK_T_FLUSH, 1, 100, WRITE, NULL) != NO_STATUS, "one for data");
}

static void b14(struct virtio *v)
{
    uint32_t length = 0;
    vbegin(v);
    expect(block_do(v, IN, 0, 4096, WRITE, &length) == OK && length == 4097, "a read's used.len");
    expect(block_do(v, OUT, OWN_SECTOR, 4096, 0, &length) == OK && length == 1, "a write's");
    expect(block_do(v, VIRTIO_BLK_T_FLUSH, 0, 0, 0, &length) == OK && length == 1, "a flush's");
}

/* As soon as the index is seen, status and data are there. */
static void b15(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    for (unsigned i = 0; i < 100; i++) {
        mem_begin();
        vbegin(v);
        struct block_parts parts =
            block_request(v, i % 2 == 0 ? IN : VIRTIO_BLK_T_GET_ID, 0, SECTOR_BYTES, WRITE);
        ring_offer(ring, 0);
        vkick(v, 0);
        while (ring_used(ring) == 0) {
        }
        expect(*parts.status == OK && parts.data[i % 2 == 0 ? 511 : 0] != 0,
               "the data comes later");
        vreset(v);
    }
}

/* As many requests at once as a ring can hold, each behind an indirect table. */
static void b16(struct virtio *v)
{
    static struct block_parts parts[LARGEST];
    vbegin_with(v, VERSION_1 | INDIRECT, LARGEST);
    struct ring *ring = requests_of(v);
    for (uint32_t i = 0; i < LARGEST; i++) {
        struct vring_desc *table = mem_take(3 * sizeof(*table), 16, MEM_DRIVER);
        parts[i] = block_parts_make(IN, 0, 8 * SECTOR_BYTES);
        desc_set(&table[0], parts[i].header, 16, NEXT, 1);
        desc_set(&table[1], parts[i].data, 8 * SECTOR_BYTES, NEXT | WRITE, 2);
        desc_set(&table[2], parts[i].status, 1, WRITE, 0);
        desc_set(&ring->desc[i], table, 3 * sizeof(*table), VRING_DESC_F_INDIRECT, 0);
        ring_offer(ring, i);
    }
    vkick(v, 0);
    expect(ring_wait(v, ring, LARGEST), "with one kick not all come back");
    uint32_t seen[LARGEST / 32] = { 0 };
    for (uint32_t i = 0; i < LARGEST; i++) {
        uint32_t head = ring_take(ring).id % LARGEST;
        expect((seen[head / 32] >> head % 32 & 1) == 0, "a head comes back twice");
        seen[head / 32] |= 1u << head % 32;
        expect(*parts[i].status == OK && parts[i].data[511] == 0xaa, "one is not done well");
    }
}

#define WRITERS      8u
#define EACH_SECTORS 3u

/* Writes that overlap by two sectors each, all at once: the later one wins. */
static void b17(struct virtio *v)
{
    vbegin_with(v, VERSION_1, LARGEST);
    struct ring *ring = requests_of(v);
    for (uint16_t i = 0; i < WRITERS; i++) {
        struct vring_desc *desc = &ring->desc[3 * i];
        struct block_parts parts =
            block_parts_make(OUT, OWN_SECTOR + 1 + i, EACH_SECTORS * SECTOR_BYTES);
        for (uint32_t at = 0; at < EACH_SECTORS * SECTOR_BYTES; at++) {
            parts.data[at] = (uint8_t)(i + 1);
        }
        desc_set(&desc[0], parts.header, 16, NEXT, 3u * i + 1);
        desc_set(&desc[1], parts.data, EACH_SECTORS * SECTOR_BYTES, NEXT, 3u * i + 2);
        desc_set(&desc[2], parts.status, 1, WRITE, 0);
        ring_offer(ring, 3u * i);
    }
    vkick(v, 0);
    expect(ring_wait(v, ring, WRITERS), "writes do not come back");
    ring->taken = (uint16_t)(ring->taken + WRITERS);
    uint32_t sectors = WRITERS + EACH_SECTORS - 1;
    struct block_parts parts = block_request(v, IN, OWN_SECTOR + 1, sectors * SECTOR_BYTES, WRITE);
    expect_used(v, 0);
    for (uint32_t at = 0; at < sectors * SECTOR_BYTES; at++) {
        uint32_t last = at / SECTOR_BYTES < WRITERS ? at / SECTOR_BYTES : WRITERS - 1;
        expect(parts.data[at] == last + 1, "what was written last is not there");
    }
}

static void b18(struct virtio *v)
{
    vbegin_with(v, VERSION_1 | FLUSH, RING_SIZE);
    uint64_t before = load(v->base + WCE, 1);
    store(v->base + WCE, 1, before ^ 1);
    expect(load(v->base + WCE, 1) == before, "the cache's mode was not agreed on, and changes");
    vreset(v);
    vbegin_with(v, VERSION_1 | FLUSH | CONFIG_WCE, RING_SIZE);
    for (uint64_t value = 2; value < 6; value++) {
        store(v->base + WCE, 1, value % 2 == 0 ? 0 : 0xff);
        expect(load(v->base + WCE, 1) == value % 2, "the cache's mode is neither on nor off");
    }
    store(v->base + WCE - 1, 4, 0);
    expect(load(v->base + WCE, 1) == 1, "a wider write changes the cache's mode");
    expect_request(v, 0);
}

static const struct row rows[] = {
    { "B1", "a request shorter than its header", BLOCK, b1 },
    { "B2", "no room for the status", BLOCK, b2 },
    { "B3", "data that is no whole number of sectors", BLOCK, b3 },
    { "B4", "sectors that are not on the disk", BLOCK, b4 },
    { "B5", "no data", BLOCK, b5 },
    { "B7", "unknown types", BLOCK, b7 },
    { "B8", "discards and zeroes that were not agreed on", BLOCK, b8 },
    { "B9", "discards with ranges of wrong lengths", BLOCK, b9 },
    { "B10", "discards with flags", BLOCK, b10 },
    { "B11", "ranges that are not on the disk", BLOCK, b11 },
    { "B12", "GET_ID into buffers of any length", BLOCK, b12 },
    { "B13", "flushes with data and sectors", BLOCK, b13 },
    { "B14", "used.len", BLOCK, b14 },
    { "B15", "data and status before the index", BLOCK, b15 },
    { "B16", "as many requests as a ring holds", BLOCK, b16 },
    { "B17", "writes that overlap, in flight", BLOCK, b17 },
    { "B18", "the cache's mode", BLOCK, b18 },
};

const struct section section_b = SECTION('B', rows);
