/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue whose driver offers one chain, for tests of descriptors. */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"

#include <string.h>

#define SIZE       8u
#define FEATURES   VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define BUF(i)     (BUFFERS_GPA + 0x100 * (i))
#define MOST_LOADS (SIZE + 1 + 4) /* a chain's descriptors, and the indices */

static struct guest guest;
static struct ring ring;
static struct virtq q;
static struct virtq_segment segments[SIZE];
static struct virtq_chain chain;

static inline int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    virtq_init(&q, &guest.ram, SIZE);
    ring_create(&ring, &guest, 0, SIZE);
    chain = (struct virtq_chain){ .segments = segments };
    assert_true(virtq_start(&q, &ring.at, FEATURES));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    guest_destroy(&guest);
    return 0;
}

static inline struct vring_desc *table(unsigned i)
{
    return (struct vring_desc *)guest_at(&guest, TABLES_GPA) + i;
}

static inline void table_set(unsigned i, gpa_t addr, uint32_t len, unsigned flags, unsigned next)
{
    *table(i) = (struct vring_desc){
        .addr = addr, .len = len, .flags = (uint16_t)flags, .next = (uint16_t)next
    };
}

static inline enum virtq_result pop(unsigned head)
{
    ring_offer(&ring, head);
    guest_snapshot(&guest);
    ring_allow_used(&ring);
    guest_loads = 0;
    virtq_begin(&q);
    enum virtq_result result = virtq_pop(&q, &chain);
    assert_true(guest_loads <= MOST_LOADS); /* O5 */
    guest_assert_untouched(&guest);         /* O2 */
    return result;
}

/* The chain at descriptor 0 is refused; a fresh start then works (O4). */
static inline void assert_refused(const char *reason)
{
    assert_int_equal(pop(0), VIRTQ_ERROR);
    assert_non_null(strstr(q.error, reason));
    ring_assert_nothing_used(&ring);
    guest_race = NULL;
    ring_create(&ring, &guest, 0, SIZE);
    assert_true(virtq_start(&q, &ring.at, FEATURES));
    ring_set(&ring, 0, BUF(0), 1, WRITE, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    virtq_push(&q, &chain, 1);
    assert_int_equal(ring_take_used(&ring, 0), 1);
    /* Leave it fresh for the next case of the same test. */
    ring_create(&ring, &guest, 0, SIZE);
    assert_true(virtq_start(&q, &ring.at, FEATURES));
}

static inline void assert_segment(unsigned i, gpa_t addr, uint32_t bytes)
{
    assert_ptr_equal(chain.segments[i].at, guest_at(&guest, addr));
    assert_int_equal(chain.segments[i].bytes, bytes);
}
