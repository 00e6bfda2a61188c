/* SPDX-License-Identifier: BSD-2-Clause */
/* Section D: descriptors, chains and indirect tables. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define NEXT         VRING_DESC_F_NEXT
#define WRITE        VRING_DESC_F_WRITE
#define REF          VRING_DESC_F_INDIRECT

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A running device with a good request at descriptor 0, not yet offered; returns its last one. */
static uint16_t prepare_with(struct virtio *v, uint64_t features, uint32_t size)
{
    vreset(v);
    mem_begin();
    vbegin_with(v, features, size);
    return (uint16_t)(v->kind->put(v, 0) - 1);
}

static uint16_t prepare(struct virtio *v)
{
    return prepare_with(v, VERSION_1 | INDIRECT, RING_SIZE);
}

static struct vring_desc *table_of(struct virtio *v)
{
    return requests_of(v)->desc;
}

static void expect_refused(struct virtio *v)
{
    ring_offer(requests_of(v), 0);
    expect_needs_reset(v);
}

static void expect_good(struct virtio *v)
{
    expect_used(v, 0);
    expect(v->kind->is_good(v), "the request is not done well");
}

/* Moves the request into an indirect table of `more` further entries; returns that. */
static struct vring_desc *move_to_table(struct virtio *v, uint16_t last, uint32_t more)
{
    uint32_t entries = last + 1u;
    struct vring_desc *table = mem_take(16ul * (entries + more), 16, MEM_DRIVER);
    for (uint32_t i = 0; i < entries; i++) {
        table[i] = table_of(v)[i];
    }
    desc_set(table_of(v), table, 16 * (entries + more), REF, 0);
    return table;
}

/* ---- Loops and ends --------------------------------------------------------------------------*/

static void d1(struct virtio *v)
{
    uint16_t last = prepare(v);
    table_of(v)[last].flags |= NEXT;
    table_of(v)[last].next = last;
    expect_refused(v);
}

/* A cycle of `count` behind the chain's last descriptor. */
static void cycle(struct virtio *v, uint16_t count)
{
    uint16_t last = prepare(v);
    struct vring_desc *desc = table_of(v);
    desc[last].flags |= NEXT;
    for (uint16_t i = 0; i < count; i++) {
        desc[last + i] = desc[last];
        desc[last + i].next = (uint16_t)(last + (i + 1u) % count);
    }
    expect_refused(v);
}

static void d2(struct virtio *v)
{
    cycle(v, 2);
    cycle(v, 3);
    cycle(v, RING_SIZE - 3);
}

static void d3(struct virtio *v)
{
    uint16_t last = prepare(v);
    struct vring_desc one = table_of(v)[last];
    struct vring_desc *table = mem_take(16ul * (RING_SIZE + 1), 16, MEM_DRIVER);
    for (uint16_t i = 0; i <= RING_SIZE; i++) {
        desc_set(&table[i], (void *)one.addr, 1, (one.flags & WRITE) | (i < RING_SIZE ? NEXT : 0),
                 i + 1u);
    }
    desc_set(table_of(v), table, 16 * (RING_SIZE + 1), REF, 0);
    expect_refused(v);
}

static void d4(struct virtio *v)
{
    const uint16_t outside[] = { RING_SIZE, 0x7fff, 0xffff };
    for (size_t i = 0; i < COUNT(outside); i++) {
        uint16_t last = prepare(v);
        table_of(v)[last].flags |= NEXT;
        table_of(v)[last].next = outside[i];
        expect_refused(v);
    }
}

static void d5(struct virtio *v)
{
    uint16_t last = prepare(v);
    table_of(v)[last].next = 0xffff;
    expect_good(v);
}

/* ---- Addresses and lengths -------------------------------------------------------------------*/

static void refuse_buffer(struct virtio *v, uint16_t at, uint64_t address, uint32_t bytes)
{
    prepare(v);
    table_of(v)[at].addr = address;
    table_of(v)[at].len = bytes;
    expect_refused(v);
}

static void refuse_any(struct virtio *v, uint64_t address, uint32_t bytes)
{
    uint16_t last = prepare(v);
    refuse_buffer(v, 0, address, bytes);
    refuse_buffer(v, last, address, bytes);
}

static void d6(struct virtio *v)
{
    uint16_t last = prepare(v);
    for (uint16_t i = 0; i <= last; i++) {
        prepare(v);
        table_of(v)[i].len = 0;
        expect_refused(v);
    }
    prepare(v);
    for (uint16_t i = 0; i <= last; i++) {
        table_of(v)[i].len = 0;
    }
    expect_refused(v);
}

static void d7(struct virtio *v)
{
    uint16_t last = prepare(v);
    for (uint16_t i = 0; i <= last; i++) {
        table_of(v)[i].len = UINT32_MAX;
    }
    expect_refused(v);
}

static void d8(struct virtio *v)
{
    refuse_any(v, 0, 16);
    refuse_any(v, mem_end(), 16);
    refuse_any(v, mem_end() - 8, 16);
    refuse_any(v, UINT64_MAX - 7, 16);
    refuse_any(v, UINT64_MAX, UINT32_MAX);
    refuse_any(v, 0, 0);
    refuse_any(v, mem_end(), 0);
}

static void d9(struct virtio *v)
{
    refuse_any(v, 0x40000000ul - 8, 16);
    refuse_any(v, 0x40000000ul - 0x1000, 0x1000000);
    refuse_any(v, mem_end() - 1, 2);
}

static void d10(struct virtio *v)
{
    refuse_any(v, v->base, 16);
    refuse_any(v, v->base + VIRTIO_MMIO_QUEUE_NOTIFY, 4);
    refuse_any(v, GICD_BASE, 16);
    refuse_any(v, GICC_BASE, 16);
    refuse_any(v, PL011_BASE, 16);
    refuse_any(v, 0x0a003e00, 16); /* the board's disk */
}

/* ---- Overlaps --------------------------------------------------------------------------------*/

#define AREA 512u /* a ring of 32 descriptors, and a sector */

/* The device reads a sector over the ring numbered `which` that the request came in. */
static void overwrite_ring(struct virtio *v, unsigned which)
{
    vreset(v);
    mem_begin();
    uint8_t *area = mem_take(3 * AREA, 16, MEM_DEVICE);
    expect(vagree(v, VERSION_1), "the features are refused");
    v->rings[0] = (struct ring){ .desc = (struct vring_desc *)(void *)area,
                                 .avail = (struct vring_avail *)(void *)(area + AREA),
                                 .used = (struct vring_used *)(void *)(area + 2 * AREA),
                                 .size = 32 };
    expect(ring_place(v, 0) == 1, "a good ring is refused");
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING);
    v->kind->put(v, 0);
    table_of(v)[1].addr = (uint64_t)area + which * AREA;
    ring_offer(requests_of(v), 0);
    vkick(v, 0);
    pause_us(20000);
    vkick(v, 0);
}

static void d11(struct virtio *v)
{
    for (unsigned which = 0; which < 3; which++) {
        overwrite_ring(v, which);
    }
}

/* Two sectors into the same 512 bytes; then data whose last byte is the status. */
static void d12(struct virtio *v)
{
    prepare(v);
    struct vring_desc *desc = table_of(v);
    desc[3] = desc[1];
    desc[1].next = 3;
    expect(expect_used(v, 0) == 2 * SECTOR_BYTES + 1, "a buffer in two places is not filled twice");
    prepare(v);
    desc = table_of(v);
    desc[2].addr = desc[1].addr + SECTOR_BYTES - 1;
    expect(expect_used(v, 0) == SECTOR_BYTES + 1, "a status within the data is no place");
    expect(*(volatile uint8_t *)desc[2].addr == VIRTIO_BLK_S_OK, "the status is not written last");
}

/* ---- Directions ------------------------------------------------------------------------------*/

static void d13(struct virtio *v)
{
    uint16_t last = prepare(v);
    struct vring_desc *desc = table_of(v);
    uint16_t at = (uint16_t)(last + 1);
    desc[last].flags |= NEXT;
    desc[last].next = at;
    desc_set(&desc[at], mem_take(8, 8, MEM_DEVICE), 8, WRITE | NEXT, at + 1u);
    desc_set(&desc[at + 1], mem_take(8, 8, MEM_DRIVER), 8, 0, 0);
    expect_refused(v);
}

static void d14(struct virtio *v)
{
    vbegin(v);
    expect(block_do(v, VIRTIO_BLK_T_IN, 0, SECTOR_BYTES, 0, NULL) == VIRTIO_BLK_S_IOERR,
           "a read into a readable buffer is no error");
    struct block_parts parts = block_request(v, VIRTIO_BLK_T_IN, 0, SECTOR_BYTES, 0);
    expect_used(v, 0);
    expect(parts.data[510] == 0, "a readable buffer is written");
    expect(block_do(v, VIRTIO_BLK_T_OUT, 8, SECTOR_BYTES, WRITE, NULL) == VIRTIO_BLK_S_IOERR,
           "a write from a writable buffer is no error");
}

/* ---- Indirect tables -------------------------------------------------------------------------*/

static void d15(struct virtio *v)
{
    uint16_t last = prepare_with(v, VERSION_1, RING_SIZE);
    move_to_table(v, last, 0);
    expect_refused(v);
}

static void d16(struct virtio *v)
{
    uint16_t last = prepare(v);
    move_to_table(v, last, 0);
    table_of(v)[0].flags = REF | NEXT;
    table_of(v)[0].next = 1;
    expect_refused(v);
}

static void d17(struct virtio *v)
{
    uint16_t last = prepare(v);
    struct vring_desc *table = move_to_table(v, last, 0);
    struct vring_desc *inner = mem_take(16, 16, MEM_DRIVER);
    *inner = table[0];
    desc_set(&table[0], inner, 16, REF, 0);
    expect_refused(v);
}

static void d18(struct virtio *v)
{
    const uint32_t lengths[] = { 0, 1, 15, 17, 16 * 65536, UINT32_MAX & ~15u };
    for (size_t i = 0; i < COUNT(lengths); i++) {
        uint16_t last = prepare(v);
        move_to_table(v, last, 0);
        table_of(v)[0].len = lengths[i];
        expect_refused(v);
    }
}

static void d19(struct virtio *v)
{
    const uint64_t places[] = { 0, mem_end(), mem_end() - 16, UINT64_MAX - 15, v->base, GICD_BASE };
    for (size_t i = 0; i < COUNT(places); i++) {
        uint16_t last = prepare(v);
        move_to_table(v, last, 3);
        table_of(v)[0].addr = places[i];
        expect_refused(v);
    }
}

/* The request's first 4 bytes in the ring's own table, the rest in an indirect one. */
static void d20(struct virtio *v)
{
    uint16_t last = prepare(v);
    struct vring_desc *table = move_to_table(v, last, 0);
    desc_set(&table_of(v)[1], table, 16 * (last + 1u), REF, 0);
    desc_set(&table_of(v)[0], (void *)table[0].addr, 4, NEXT, 1);
    table[0].addr += 4;
    table[0].len -= 4;
    expect_good(v);
}

static void d21(struct virtio *v)
{
    uint16_t last = prepare(v);
    move_to_table(v, last, 0);
    table_of(v)[0].flags = REF | WRITE;
    expect_good(v);
}

static void d22(struct virtio *v)
{
    const uint16_t nexts[] = { 0, 1, 8, 0xffff };
    for (size_t i = 0; i < COUNT(nexts); i++) {
        uint16_t last = prepare(v);
        struct vring_desc *table = move_to_table(v, last, 0);
        table[last].flags |= NEXT;
        table[last].next = nexts[i] == 0 ? last : nexts[i] == 1 ? (uint16_t)(last + 1) : nexts[i];
        expect_refused(v);
    }
}

static void d23(struct virtio *v)
{
    uint16_t last = prepare(v);
    for (uint16_t i = 0; i <= last; i++) {
        table_of(v)[i].flags |= 0xfff8;
    }
    expect_good(v);
}

static const struct row rows[] = {
    { "D1", "a descriptor that is its own next", EACH, d1 },
    { "D2", "cycles", EACH, d2 },
    { "D3", "a chain longer than the queue, indirect", EACH, d3 },
    { "D4", "a next one outside of the table", EACH, d4 },
    { "D5", "a next one that no flag speaks of", EACH, d5 },
    { "D6", "buffers of no length", EACH, d6 },
    { "D7", "buffers of 4 GiB", EACH, d7 },
    { "D8", "buffers outside of RAM", EACH, d8 },
    { "D9", "buffers across RAM's edges", EACH, d9 },
    { "D10", "buffers in devices' registers", EACH, d10 },
    { "D11", "a buffer that is the ring", BLOCK, d11 },
    { "D12", "buffers that overlap", BLOCK, d12 },
    { "D13", "a readable buffer behind a writable one", EACH, d13 },
    { "D14", "the wrong direction", BLOCK, d14 },
    { "D15", "an indirect table that was not agreed on", EACH, d15 },
    { "D16", "an indirect table and a next one", EACH, d16 },
    { "D17", "an indirect table in another", EACH, d17 },
    { "D18", "indirect tables of wrong lengths", EACH, d18 },
    { "D19", "indirect tables outside of RAM", EACH, d19 },
    { "D20", "a plain descriptor, then an indirect table", BLOCK | NET | VSOCK, d20 },
    { "D21", "a writable indirect table", EACH, d21 },
    { "D22", "loops and ends within an indirect table", EACH, d22 },
    { "D23", "reserved flags", EACH, d23 },
};

const struct section section_d = SECTION('D', rows);
