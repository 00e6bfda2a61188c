/* SPDX-License-Identifier: BSD-2-Clause */
/* Section D, second half: descriptors that change, and requests in unusual pieces. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define NEXT         VRING_DESC_F_NEXT
#define WRITE        VRING_DESC_F_WRITE
#define LARGE_RING   32u
#define FLIPS        100000u
#define RACES        40u
#define OWN_SECTOR   4000u /* which nothing else uses */
#define LARGE_BYTES  0x10000u

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void begin(struct virtio *v)
{
    vreset(v);
    mem_begin();
    vbegin_with(v, VERSION_1 | INDIRECT, LARGE_RING);
}

/* Spoils what the first descriptors say, for ever between right and wrong. */
static void flip(void *argument)
{
    static const uint64_t addresses[] = { 0, GICD_BASE, 0x80000000ul, UINT64_MAX - 3 };
    volatile struct vring_desc *desc = argument;
    for (unsigned i = 0; i < FLIPS; i++) {
        struct vring_desc before = { desc[i % 3].addr, desc[i % 3].len, desc[i % 3].flags,
                                     desc[i % 3].next };
        desc[i % 3].addr = addresses[i % COUNT(addresses)];
        desc[i % 3].len = i * 0x10001u;
        desc[i % 3].next = (uint16_t)i;
        desc[i % 3].flags = (uint16_t)(before.flags ^ (i & 7));
        desc[i % 3].flags = before.flags;
        desc[i % 3].next = before.next;
        desc[i % 3].len = before.len;
        desc[i % 3].addr = before.addr;
    }
}

/* Only that it ends and is told apart: a request that was right when it was looked at is done. */
static void d24(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    vbegin(v);
    expect(second_run(flip, ring->desc), "there is no second vCPU");
    for (unsigned i = 0; i < RACES || second_is_busy(); i++) {
        vreset(v);
        mem_begin();
        vbegin(v);
        v->kind->put(v, 0);
        for (unsigned times = 0; times < 30 && !vneeds_reset(v); times++) {
            ring_offer(ring, 0);
            vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, v->kind->requests);
            ring_wait(v, ring, (uint16_t)(times + 1));
        }
    }
    vreset(v);
    mem_begin();
}

/* What was read when the request came counts until it is done. */
static void d25(struct virtio *v)
{
    begin(v);
    struct block_parts parts = block_request(v, VIRTIO_BLK_T_IN, 0, LARGE_BYTES, WRITE);
    struct ring *ring = requests_of(v);
    ring_offer(ring, 0);
    vkick(v, 0);
    mem_unseal();
    for (uint32_t i = 0; i < LARGE_RING; i++) {
        desc_set(&ring->desc[i], (void *)(mem_end() - 0x20000), 0x20000, WRITE | NEXT, i);
    }
    parts.header->type = VIRTIO_BLK_T_OUT;
    parts.header->sector = UINT64_MAX;
    expect(ring_wait(v, ring, 1), "the request does not come back");
    struct vring_used_elem element = ring_take(ring);
    expect(element.id == 0 && element.len == LARGE_BYTES + 1, "another request comes back");
    expect(*parts.status == VIRTIO_BLK_S_OK && parts.data[511] == 0xaa, "it is not done well");
}

/* The first 16 bytes of a request one by one. */
static void d26(struct virtio *v)
{
    begin(v);
    struct vring_desc *desc = requests_of(v)->desc;
    uint16_t count = v->kind->put(v, 20);
    uint64_t at = desc[20].addr;
    bool is_more = desc[20].len > 16;
    for (uint16_t i = 0; i < 16; i++) {
        desc_set(&desc[i], (void *)(at + i), 1, NEXT, i + 1u);
    }
    if (is_more) {
        desc_set(&desc[16], (void *)(at + 16), desc[20].len - 16, 0, 0);
    } else {
        desc[15].next = (uint16_t)(count > 1 ? 21 : 0);
    }
    expect_used(v, 0);
    expect(v->kind->is_good(v), "a header in pieces is not understood");
}

/* Writes a sector, header and data in one descriptor; reads it, data and status in one. */
static void d27(struct virtio *v)
{
    begin(v);
    struct vring_desc *desc = requests_of(v)->desc;
    struct block_parts parts = block_request(v, VIRTIO_BLK_T_OUT, OWN_SECTOR, 0, 0);
    volatile uint8_t *both = mem_take(16 + SECTOR_BYTES, 8, MEM_DRIVER);
    for (unsigned i = 0; i < SECTOR_BYTES; i++) {
        both[16 + i] = (uint8_t)(i * 7);
    }
    *(volatile struct virtio_blk_outhdr *)(volatile void *)both = *parts.header;
    desc_set(&desc[0], both, 16 + SECTOR_BYTES, NEXT, 2);
    expect_used(v, 0);
    expect(*parts.status == VIRTIO_BLK_S_OK, "header and data in one are refused");

    parts = block_request(v, VIRTIO_BLK_T_IN, OWN_SECTOR, 0, 0);
    volatile uint8_t *read = mem_take(SECTOR_BYTES + 1, 8, MEM_DEVICE);
    desc_set(&desc[2], read, SECTOR_BYTES + 1, WRITE, 0);
    expect(expect_used(v, 0) == SECTOR_BYTES + 1, "data and status in one are refused");
    expect(read[SECTOR_BYTES] == VIRTIO_BLK_S_OK, "the status is not behind the data");
    for (unsigned i = 0; i < SECTOR_BYTES; i++) {
        expect(read[i] == (uint8_t)(i * 7), "what was written is not read");
    }
}

static void d28(struct virtio *v)
{
    begin(v);
    struct vring_desc *desc = requests_of(v)->desc;
    struct block_parts parts = block_request(v, VIRTIO_BLK_T_IN, 0, SECTOR_BYTES, WRITE);
    expect(expect_used(v, 1) == 0, "a request without a header is not dropped");
    expect(*parts.status == NO_STATUS, "it is answered");
    desc_set(&desc[0], parts.header, 16, 0, 0);
    ring_offer(requests_of(v), 0);
    vkick(v, 0);
    expect(vneeds_reset(v), "a request without a status is taken");
}

static const struct row rows[] = {
    { "D24", "the other vCPU changes descriptors", EACH, d24 },
    { "D25", "descriptors and header changed in flight", BLOCK, d25 },
    { "D26", "a header in pieces of one byte", BLOCK | NET | VSOCK, d26 },
    { "D27", "header and data in one, data and status in one", BLOCK, d27 },
    { "D28", "chains of one direction where both are needed", BLOCK, d28 },
};

const struct section section_d_raced = SECTION('D', rows);
