/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/virtio_mmio/ring.h"

#include "io/drivers/virtio_mmio/transport.h"

#include <stddef.h>

/* 2.7.7, 2.7.8: behind a ring's entries stands the index at which the other side wants to hear. */
static uint16_t *used_event(const struct ring *ring)
{
    return &ring->avail->ring[ring->size];
}

static const uint16_t *avail_event(const struct ring *ring)
{
    return (const uint16_t *)&ring->used->ring[ring->size];
}

bool ring_start(struct ring *ring, uintptr_t base, uint32_t index, uint32_t most, void *memory,
                uint64_t address)
{
    uint32_t size = transport_queue_size(base, index, most);
    uint32_t avail_offset = size * (uint32_t)sizeof(struct vring_desc);
    *ring = (struct ring){
        .base = base,
        .index = index,
        .desc = memory,
        .avail = (struct vring_avail *)((uint8_t *)memory + avail_offset),
        .used = (struct vring_used *)((uint8_t *)memory + RING_USED_OFFSET(size)),
        .size = (uint16_t)size,
    };
    struct transport_queue queue = { address, address + avail_offset,
                                     address + RING_USED_OFFSET(size) };
    if (size >= 8) {
        transport_queue_start(base, size, &queue);
    }
    return size >= 8;
}

void ring_publish(struct ring *ring, uint16_t head)
{
    ring->avail->ring[ring->avail_idx & (ring->size - 1)] = head;
    ring->avail_idx++;
    /* 2.7.13: the entry, and all that it leads to, is there before the index says so. */
    __atomic_store_n(&ring->avail->idx, ring->avail_idx, __ATOMIC_RELEASE);
}

static bool wants_kick(const struct ring *ring)
{
    if (!ring->event_idx) {
        return !(__atomic_load_n(&ring->used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
    }
    uint16_t event = __atomic_load_n(avail_event(ring), __ATOMIC_RELAXED);
    return vring_need_event(event, ring->avail_idx, ring->told_idx);
}

void ring_kick(struct ring *ring)
{
    if (ring->told_idx == ring->avail_idx) {
        return;
    }
    /* 2.7.13.4.1: our index before its wish; the device does it the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (wants_kick(ring)) {
        mmio_write(ring->base, VIRTIO_MMIO_QUEUE_NOTIFY, ring->index);
    }
    ring->told_idx = ring->avail_idx;
}

static uint16_t num_finished(const struct ring *ring)
{
    /* Acquire: the elements up to this index, and what the device wrote for them, are visible. */
    return (uint16_t)(__atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE) - ring->used_idx);
}

enum ring_state ring_finished(struct ring *ring, uint32_t in_flight, struct vring_used_elem *used)
{
    uint16_t finished = num_finished(ring);
    if (finished == 0 || finished > in_flight) {
        return finished == 0 ? RING_NOTHING : RING_BROKEN;
    }
    *used = *(const volatile struct vring_used_elem *)&ring->used
                 ->ring[ring->used_idx++ & (ring->size - 1)];
    return RING_FINISHED;
}

bool ring_wait(const struct ring *ring, uint16_t more)
{
    __atomic_store_n(used_event(ring), (uint16_t)(ring->used_idx + more), __ATOMIC_RELAXED);
    /* 2.7.13.3: our wish before its index; the device does it the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return num_finished(ring) > more;
}
