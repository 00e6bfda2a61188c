/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/virtio/guest_driver.h"

#include "vmm/core/vmm_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 0xa5

unsigned log_lines;
char log_last[256];
void (*guest_race)(const void *at, unsigned bytes);
unsigned guest_loads;

void vmm_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(log_last, sizeof(log_last), format, args);
    va_end(args);
    log_lines++;
}

static void set_irq(void *controller, uint32_t intid, bool level)
{
    struct guest *guest = controller;
    assert_int_equal(intid, 48);
    guest->irq_rises += level && !guest->irq_level;
    guest->irq_level = level;
}

/* What earlier guests had: fuzzing makes some for each input, and to map their memory is dear. */
static struct guest spares[4];
static unsigned num_spares;

/* No byte as its neighbours; made once. */
static void fill(uint8_t *ram)
{
    static uint8_t pattern[RAM_BYTES];
    for (uint64_t i = 0; i < RAM_BYTES && pattern[RAM_BYTES - 1] == 0; i++) {
        pattern[i] = (uint8_t)(i * 131 >> 3);
    }
    memcpy(ram, pattern, RAM_BYTES);
}

void guest_create(struct guest *guest)
{
    if (num_spares > 0) {
        *guest = spares[--num_spares];
    } else {
        guest->memory = aligned_alloc(4096, GUARD_BYTES + RAM_BYTES + GUARD_BYTES);
        guest->shadow = malloc(RAM_BYTES);
        guest->allowed = malloc(RAM_BYTES);
    }
    guest->irq_level = false;
    guest->irq_rises = 0;
    guest->irq = (struct irq_line){ .controller = guest, .intid = 48, .set = set_irq };
    memset(guest->shadow, 0, RAM_BYTES);
    memset(guest->allowed, 0, RAM_BYTES);
    memset(guest->memory, GUARD, GUARD_BYTES + RAM_BYTES + GUARD_BYTES);
    guest->ram = (struct guest_ram){ .base = guest->memory + GUARD_BYTES,
                                     .gpa = RAM_GPA,
                                     .size_bytes = RAM_BYTES };
    fill(guest->ram.base);
    log_lines = 0;
    guest_race = NULL;
    guest_loads = 0;
}

void guest_destroy(struct guest *guest)
{
    if (num_spares < sizeof(spares) / sizeof(spares[0])) {
        spares[num_spares++] = *guest;
        return;
    }
    free(guest->memory);
    free(guest->shadow);
    free(guest->allowed);
}

void *guest_at(const struct guest *guest, gpa_t gpa)
{
    return guest->ram.base + (gpa - RAM_GPA);
}

gpa_t guest_gpa(const struct guest *guest, const void *at)
{
    return RAM_GPA + (uint64_t)((const uint8_t *)at - guest->ram.base);
}

void guest_snapshot(struct guest *guest)
{
    memcpy(guest->shadow, guest->ram.base, RAM_BYTES);
    memset(guest->allowed, 0, RAM_BYTES);
}

void guest_allow(struct guest *guest, gpa_t gpa, uint64_t bytes)
{
    memset(guest->allowed + (gpa - RAM_GPA), 1, bytes);
}

static void assert_page_untouched(const struct guest *guest, uint64_t at)
{
    for (uint64_t i = at; i < at + 4096; i++) {
        if (guest->ram.base[i] != guest->shadow[i] && !guest->allowed[i]) {
            fail_msg("guest RAM changed at %#lx", (unsigned long)(RAM_GPA + i));
        }
    }
}

void guest_assert_untouched(const struct guest *guest)
{
    static uint8_t guard[GUARD_BYTES];
    memset(guard, GUARD, GUARD_BYTES);
    assert_memory_equal(guest->memory, guard, GUARD_BYTES);
    assert_memory_equal(guest->ram.base + RAM_BYTES, guard, GUARD_BYTES);
    for (uint64_t at = 0; at < RAM_BYTES; at += 4096) {
        if (memcmp(guest->ram.base + at, guest->shadow + at, 4096) != 0) {
            assert_page_untouched(guest, at);
        }
    }
}

/* ---- Rings -----------------------------------------------------------------------------------*/

void ring_create(struct ring *ring, struct guest *guest, unsigned index, uint32_t size)
{
    gpa_t base = RINGS_GPA + index * UINT64_C(0x4000);
    *ring = (struct ring){
        .guest = guest,
        .at = { .desc = base, .avail = base + 0x1000, .used = base + 0x2000, .size = size },
    };
    memset(guest_at(guest, base), 0, 0x4000);
}

struct vring_desc *ring_desc(const struct ring *ring, unsigned i)
{
    return (struct vring_desc *)guest_at(ring->guest, ring->at.desc) + i;
}

struct vring_avail *ring_avail(const struct ring *ring)
{
    return guest_at(ring->guest, ring->at.avail);
}

struct vring_used *ring_used(const struct ring *ring)
{
    return guest_at(ring->guest, ring->at.used);
}

uint16_t *ring_used_event(const struct ring *ring)
{
    return &ring_avail(ring)->ring[ring->at.size];
}

uint16_t *ring_avail_event(const struct ring *ring)
{
    return (uint16_t *)(void *)&ring_used(ring)->ring[ring->at.size];
}

void ring_set(const struct ring *ring, unsigned i, gpa_t addr, uint32_t len, unsigned flags,
              unsigned next)
{
    *ring_desc(ring, i) = (struct vring_desc){
        .addr = addr, .len = len, .flags = (uint16_t)flags, .next = (uint16_t)next
    };
}

void ring_offer(struct ring *ring, unsigned head)
{
    ring_avail(ring)->ring[ring->avail_idx % ring->at.size] = (uint16_t)head;
    ring_avail(ring)->idx = ++ring->avail_idx;
    /* The driver's own writes are not the device's. */
    memcpy(ring->guest->shadow + (ring->at.avail - RAM_GPA), ring_avail(ring),
           4 + 2 * ring->at.size);
}

void ring_allow_used(const struct ring *ring)
{
    guest_allow(ring->guest, ring->at.used, 6 + 8 * (uint64_t)ring->at.size);
}

uint32_t ring_take_used(struct ring *ring, unsigned head)
{
    const struct vring_used_elem *elem = &ring_used(ring)->ring[ring->used_seen % ring->at.size];
    assert_true((uint16_t)(ring_used(ring)->idx - ring->used_seen) > 0);
    assert_int_equal(elem->id, head);
    ring->used_seen++;
    return elem->len;
}

void ring_assert_nothing_used(const struct ring *ring)
{
    assert_int_equal(ring_used(ring)->idx, ring->used_seen);
}

/* ---- Registers -------------------------------------------------------------------------------*/

uint32_t reg_read(const struct mmio_region *region, uint64_t offset)
{
    return (uint32_t)region->read(region->device, offset, 4);
}

void reg_write(const struct mmio_region *region, uint64_t offset, uint32_t value)
{
    region->write(region->device, offset, 4, value);
}

uint32_t driver_negotiate(const struct mmio_region *region, uint64_t features)
{
    reg_write(region, VIRTIO_MMIO_STATUS, 0);
    reg_write(region, VIRTIO_MMIO_STATUS, 1);
    reg_write(region, VIRTIO_MMIO_STATUS, 3);
    for (uint32_t select = 0; select < 2; select++) {
        reg_write(region, VIRTIO_MMIO_DRIVER_FEATURES_SEL, select);
        reg_write(region, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * select)));
    }
    reg_write(region, VIRTIO_MMIO_STATUS, 11);
    return reg_read(region, VIRTIO_MMIO_STATUS);
}

uint32_t driver_place(const struct mmio_region *region, unsigned index, const struct ring *ring)
{
    reg_write(region, VIRTIO_MMIO_QUEUE_SEL, index);
    reg_write(region, VIRTIO_MMIO_QUEUE_NUM, ring->at.size);
    reg_write(region, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring->at.desc);
    reg_write(region, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(ring->at.desc >> 32));
    reg_write(region, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring->at.avail);
    reg_write(region, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(ring->at.avail >> 32));
    reg_write(region, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring->at.used);
    reg_write(region, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(ring->at.used >> 32));
    reg_write(region, VIRTIO_MMIO_QUEUE_READY, 1);
    return reg_read(region, VIRTIO_MMIO_QUEUE_READY);
}

void driver_ok(const struct mmio_region *region)
{
    reg_write(region, VIRTIO_MMIO_STATUS, 15);
}
