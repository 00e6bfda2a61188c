/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/hostile/hostile_virtio.h"

#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define HANG_US 60000000u

/* ---- Registers -------------------------------------------------------------------------------*/

uint32_t vread(const struct virtio *v, uint32_t offset)
{
    return load32(v->base + offset);
}

uint32_t vcauses(const struct virtio *v)
{
    uint32_t causes = vread(v, VIRTIO_MMIO_INTERRUPT_STATUS);
    for (unsigned i = 0; i < 50 && causes == 0; i++) {
        pause_us(1000);
        causes = vread(v, VIRTIO_MMIO_INTERRUPT_STATUS);
    }
    return causes;
}

void vwrite(const struct virtio *v, uint32_t offset, uint32_t value)
{
    store32(v->base + offset, value);
}

uint64_t vfeatures(const struct virtio *v)
{
    vwrite(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    uint64_t high = vread(v, VIRTIO_MMIO_DEVICE_FEATURES);
    vwrite(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | vread(v, VIRTIO_MMIO_DEVICE_FEATURES);
}

/* The VMM holds a vCPU until the device is quiet, so no loop is needed. */
bool vreset(const struct virtio *v)
{
    vwrite(v, VIRTIO_MMIO_STATUS, 0);
    return vread(v, VIRTIO_MMIO_STATUS) == 0;
}

bool vagree(const struct virtio *v, uint64_t features)
{
    vwrite(v, VIRTIO_MMIO_STATUS, FOUND);
    vwrite(v, VIRTIO_MMIO_STATUS, DRIVING);
    for (uint32_t half = 0; half < 2; half++) {
        vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
    }
    vwrite(v, VIRTIO_MMIO_STATUS, AGREED);
    return vread(v, VIRTIO_MMIO_STATUS) == AGREED;
}

void ring_make(struct ring *ring, uint32_t size)
{
    ring->size = size;
    ring->desc = mem_take(16ul * size, 16, MEM_DRIVER);
    ring->avail = mem_take(6 + 2ul * size, 2, MEM_DRIVER);
    ring->used = mem_take(6 + 8ul * size, 4, MEM_DEVICE);
    ring->offered = 0;
    ring->taken = 0;
}

void ring_write_addresses(const struct virtio *v, uint32_t index)
{
    const struct ring *ring = &v->rings[index];
    const uint64_t addresses[] = { (uint64_t)ring->desc, (uint64_t)ring->avail,
                                   (uint64_t)ring->used };
    const uint32_t registers[] = { VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
                                   VIRTIO_MMIO_QUEUE_USED_LOW };
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, index);
    vwrite(v, VIRTIO_MMIO_QUEUE_NUM, ring->size);
    for (unsigned i = 0; i < 3; i++) {
        vwrite(v, registers[i], (uint32_t)addresses[i]);
        vwrite(v, registers[i] + 4, (uint32_t)(addresses[i] >> 32));
    }
}

uint32_t ring_place(struct virtio *v, uint32_t index)
{
    ring_write_addresses(v, index);
    vwrite(v, VIRTIO_MMIO_QUEUE_READY, 1);
    return vread(v, VIRTIO_MMIO_QUEUE_READY);
}

bool vbegin_with(struct virtio *v, uint64_t features, uint32_t size)
{
    bool ok = vreset(v) && vagree(v, features);
    for (uint32_t i = 0; ok && i < v->kind->num_queues; i++) {
        ring_make(&v->rings[i], size);
        ok = ring_place(v, i) == 1;
    }
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING);
    ok = ok && vread(v, VIRTIO_MMIO_STATUS) == WORKING;
    expect(ok, "it can't be begun");
    return ok;
}

bool vbegin(struct virtio *v)
{
    return vbegin_with(v, VERSION_1 | INDIRECT, RING_SIZE);
}

/* ---- Requests --------------------------------------------------------------------------------*/

void desc_set(struct vring_desc *desc, const volatile void *at, uint32_t bytes, uint32_t flags,
              uint32_t next)
{
    *(volatile struct vring_desc *)desc = (struct vring_desc){
        .addr = (uint64_t)at, .len = bytes, .flags = (uint16_t)flags, .next = (uint16_t)next
    };
}

void ring_offer(struct ring *ring, uint32_t head)
{
    volatile struct vring_avail *avail = ring->avail;
    avail->ring[ring->offered % ring->size] = (uint16_t)head;
    barrier();
    avail->idx = ++ring->offered;
    barrier();
}

void vkick(const struct virtio *v, uint32_t index)
{
    mem_seal();
    vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

uint16_t ring_used(const struct ring *ring)
{
    return (uint16_t)(((volatile struct vring_used *)ring->used)->idx - ring->taken);
}

struct vring_used_elem ring_take(struct ring *ring)
{
    volatile struct vring_used *used = ring->used;
    uint16_t at = (uint16_t)(ring->taken++ % ring->size);
    return (struct vring_used_elem){ .id = used->ring[at].id, .len = used->ring[at].len };
}

bool vneeds_reset(const struct virtio *v)
{
    return (vread(v, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0;
}

bool ring_wait(const struct virtio *v, const struct ring *ring, uint16_t count)
{
    uint64_t begin = microseconds();
    while (ring_used(ring) < count) {
        if (vread(v, VIRTIO_MMIO_STATUS) != WORKING || microseconds() - begin > HANG_US) {
            return false;
        }
        pause_us(20);
    }
    return true;
}

/* ---- Outcomes --------------------------------------------------------------------------------*/

void expect_request(struct virtio *v, uint16_t at)
{
    v->kind->put(v, at);
    expect_used(v, at);
    expect(v->kind->is_good(v), "a good request is not done well");
}

void expect_needs_reset(struct virtio *v)
{
    vkick(v, v->kind->requests);
    expect(vneeds_reset(v), "it does not say DEVICE_NEEDS_RESET");
    expect((vread(v, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG) != 0,
           "it needs a reset, and no interrupt says so");
    expect(ring_used(requests_of(v)) == 0, "what it refuses is used");
}

uint32_t expect_used(struct virtio *v, uint16_t head)
{
    struct ring *ring = requests_of(v);
    ring_offer(ring, head);
    vkick(v, v->kind->requests);
    if (!ring_wait(v, ring, 1)) {
        expect(false, "a request does not come back");
        return 0;
    }
    struct vring_used_elem element = ring_take(ring);
    expect(element.id == head && ring_used(ring) == 0, "another head is used, or one twice");
    return element.len;
}
