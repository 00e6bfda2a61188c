/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other side of the virtIO device models, for tests: a guest's RAM with guards around it, a
 * driver that builds rings in it (rightly or wrongly), and the oracles of the bad-input catalogue.
 */
#pragma once

#include "tests/unit/vmm/virtio/virtio_race.h"
#include "vmm/core/mmio_bus.h"
#include "vmm/virtio/queue.h"
#include "vmm/virtio/virtio_abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above before it. */
#include <cmocka.h>

/* A test with the file's own setup() and teardown(). */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#define RAM_GPA    UINT64_C(0x40000000)
#define RAM_BYTES  UINT64_C(0x40000)
#define RAM_END    (RAM_GPA + RAM_BYTES)

/* Where the driver puts things; queue n's rings are 0x4000 apart. */
#define RINGS_GPA    RAM_GPA
#define TABLES_GPA   (RAM_GPA + 0x10000)
#define BUFFERS_GPA  (RAM_GPA + 0x20000)
#define BUFFER_BYTES 0x10000u

enum { NEXT = VRING_DESC_F_NEXT, WRITE = VRING_DESC_F_WRITE, INDIRECT = VRING_DESC_F_INDIRECT };

#define GUARD_BYTES 4096

struct guest {
    struct guest_ram ram;
    struct irq_line irq;
    bool irq_level;
    unsigned irq_rises;
    uint8_t *memory;  /* guard, RAM, guard */
    uint8_t *shadow;  /* RAM at the last guest_snapshot() */
    uint8_t *allowed; /* one byte for each of RAM: the device may have written it */
};

/* One split queue as its driver knows it. */
struct ring {
    struct guest *guest;
    struct virtq_layout at;
    uint16_t avail_idx;
    uint16_t used_seen;
};

/* What the device model said with vmm_log(). */
extern unsigned log_lines;
extern char log_last[256];

void guest_create(struct guest *guest);
void guest_destroy(struct guest *guest);
void *guest_at(const struct guest *guest, gpa_t gpa);
gpa_t guest_gpa(const struct guest *guest, const void *at);

/* Oracle O2: after a snapshot, only allowed ranges may differ; the guards never. */
void guest_snapshot(struct guest *guest);
void guest_allow(struct guest *guest, gpa_t gpa, uint64_t bytes);
void guest_assert_untouched(const struct guest *guest);

/* A ring of `size` at its usual place (index: the queue's number), all zero. */
void ring_create(struct ring *ring, struct guest *guest, unsigned index, uint32_t size);
struct vring_desc *ring_desc(const struct ring *ring, unsigned i);
struct vring_avail *ring_avail(const struct ring *ring);
struct vring_used *ring_used(const struct ring *ring);
uint16_t *ring_used_event(const struct ring *ring);
uint16_t *ring_avail_event(const struct ring *ring);
void ring_set(const struct ring *ring, unsigned i, gpa_t addr, uint32_t len, unsigned flags,
              unsigned next);
/* Makes `head` available and publishes it. */
void ring_offer(struct ring *ring, unsigned head);
/* O2: the used ring belongs to the device. */
void ring_allow_used(const struct ring *ring);
/* O6: the next used element is for `head`; returns its length. */
uint32_t ring_take_used(struct ring *ring, unsigned head);
void ring_assert_nothing_used(const struct ring *ring);

/* Registers. */
uint32_t reg_read(const struct mmio_region *region, uint64_t offset);
void reg_write(const struct mmio_region *region, uint64_t offset, uint32_t value);
/* Up to FEATURES_OK; returns the status that then reads back. */
uint32_t driver_negotiate(const struct mmio_region *region, uint64_t features);
/* Places and readies a queue; returns QueueReady. */
uint32_t driver_place(const struct mmio_region *region, unsigned index, const struct ring *ring);
void driver_ok(const struct mmio_region *region);
