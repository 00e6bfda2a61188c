/* SPDX-License-Identifier: BSD-2-Clause */
/* Section R: random numbers (5.4). */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#define LARGE_BYTES 0x100000u
#define NUM_LARGE   4u

/* At least one byte comes, and not so many that a guest could have them made for ever. */
static void r1(struct virtio *v)
{
    vbegin(v);
    struct vring_desc *desc = requests_of(v)->desc;
    for (uint16_t i = 0; i < NUM_LARGE; i++) {
        desc_set(&desc[i], mem_take(LARGE_BYTES, 8, MEM_DEVICE), LARGE_BYTES,
                 VRING_DESC_F_WRITE | (i + 1u < NUM_LARGE ? VRING_DESC_F_NEXT : 0), i + 1u);
    }
    uint32_t length = expect_used(v, 0);
    expect(length >= 1 && length < NUM_LARGE * LARGE_BYTES, "used.len of a large request");
}

static void r2(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    vbegin(v);
    desc_set(ring->desc, mem_take(64, 8, MEM_DRIVER), 64, 0, 0);
    ring_offer(ring, 0);
    vkick(v, v->kind->requests);
    expect(!ring_wait(v, ring, 1) || ring_take(ring).len == 0, "a readable buffer is filled");
}

static const struct row rows[] = {
    { "R1", "a request for megabytes", RNG, r1 },
    { "R2", "a readable buffer", RNG, r2 },
};

const struct section section_r = SECTION('R', rows);
