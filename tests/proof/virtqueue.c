/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm/virtio/queue.c with a guest that may write anything anywhere at any time, and a device that
 * calls in any order: queues of several sizes, each ring in its turn ending with guest RAM.
 */
#include "vmm/virtio/queue.h"

#include "vmm/virtio/virtio_abi.h"

/* virtqueue_indirect.c has its own. */
#ifndef FEATURES
#define FEATURES (any ? VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) : 0)
#endif

#define RAM_BYTES 0x4000u
#define GPA       0x40000000u

static uint64_t memory[RAM_BYTES / 8];
static const struct guest_ram ram = { (uint8_t *)memory, GPA, RAM_BYTES };
static struct virtq_segment segments[VIRTQ_MAX_SIZE];
static struct virtq q;

/* Any layout may come: each field is checked before anything is touched. */
static void start_anyhow(void)
{
    struct virtq_layout layout = { any, any, any, (uint32_t)any };
    virtq_init(&q, &ram, VIRTQ_MAX_SIZE);
    (void)virtq_start(&q, &layout, any);
    virtq_stop(&q);
}

/* What a device does with a chain, one that it holds or one of the past. */
static void use(struct virtq_chain *chain)
{
    switch (any_of(0, 5)) {
    case 0:
        virtq_begin(&q);
        break;
    case 1:
        (void)virtq_pop(&q, chain);
        break;
    case 2:
        virtq_push(&q, chain, (uint32_t)any);
        break;
    case 3:
        (void)virtq_put(&q, chain, (uint32_t)any);
        break;
    case 4:
        virtq_publish(&q);
        break;
    default:
        (void)virtq_interrupt_wanted(&q);
    }
}

/* Two segments of any length; what they hold is copied to and from any place in them. */
static void copy_bytes(uint16_t readable)
{
    uint8_t local[64];
    struct virtq_chain chain = { segments, readable, (uint16_t)(2 - readable) };
    any_bytes(local, sizeof(local));
    segments[0] = (struct virtq_segment){ ram.base, (uint32_t)any_of(1, RAM_BYTES) };
    segments[1] = (struct virtq_segment){ ram.base + 100, (uint32_t)any_of(1, RAM_BYTES - 100) };
    (void)virtq_chain_read(&chain, any, local, (uint32_t)any_of(0, sizeof(local)));
    (void)virtq_chain_write(&chain, any, local, (uint32_t)any_of(0, sizeof(local)));
}

static void drive(gpa_t desc, gpa_t avail, gpa_t used, uint32_t size)
{
    struct virtq_chain chain = { .segments = segments, .epoch = (uint32_t)any };
    struct virtq_layout layout = { desc, avail, used, size };
    virtq_init(&q, &ram, VIRTQ_MAX_SIZE);
    if (!virtq_start(&q, &layout, FEATURES)) {
        return;
    }
    while (any) {
        use(&chain);
    }
}

int main(void)
{
    any_bytes(memory, sizeof(memory));
    start_anyhow();
    //@ loop unroll 3;
    for (uint16_t readable = 0; readable <= 2; readable++) {
        copy_bytes(readable);
    }
    //@ loop unroll 3;
    for (uint32_t size = 1; size <= VIRTQ_MAX_SIZE; size *= 16) {
        gpa_t end = GPA + RAM_BYTES;
        drive(end - 16 * size, GPA, GPA + 0x1000, size);
        drive(GPA, (end - 6 - 2 * size) & ~1ull, GPA + 0x2000, size);
        drive(GPA, GPA, (end - 6 - 8 * size) & ~3ull, size); /* rings that overlap */
    }
    return 0;
}
