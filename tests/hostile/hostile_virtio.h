/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver for virtIO over MMIO (virtIO 1.2, 4.2) that can do everything wrong: each step of the
 * negotiation, each ring and each descriptor is in the row's hands.
 */
#pragma once

#define VIRTIO_RING_NO_LEGACY
#define VIRTIO_CONFIG_NO_LEGACY
#define VIRTIO_MMIO_NO_LEGACY
#define VIRTIO_NET_NO_LEGACY

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stdint.h>

#define FEATURE(bit) (UINT64_C(1) << (bit))
#define VERSION_1    FEATURE(VIRTIO_F_VERSION_1)
#define INDIRECT     FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define EVENT_IDX    FEATURE(VIRTIO_RING_F_EVENT_IDX)

/* Values of Status that a driver's life has (3.1.1). */
#define FOUND        VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVING      (FOUND | VIRTIO_CONFIG_S_DRIVER)
#define AGREED       (DRIVING | VIRTIO_CONFIG_S_FEATURES_OK)
#define WORKING      (AGREED | VIRTIO_CONFIG_S_DRIVER_OK)

#define MAX_QUEUES   3u
#define RING_SIZE    8u /* of rows that want no other: every queue can be so long */
#define REGION_BYTES 0x1000u

/* A queue as the driver sees it; the addresses are what is told to the device. */
struct ring {
    struct vring_desc *desc;
    struct vring_avail *avail;
    struct vring_used *used;
    uint32_t size;
    uint16_t offered; /* the driver's index */
    uint16_t taken;   /* used elements that were seen */
};

struct kind;

struct virtio {
    const struct kind *kind;
    uint64_t base;
    uint32_t intid;
    struct ring rings[MAX_QUEUES];
};

/* What a kind of device is to rows that are played with each. */
struct kind {
    uint32_t id; /* VIRTIO_ID_... */
    unsigned bit;
    const char *name;
    uint32_t num_queues;
    uint32_t requests; /* the queue that the driver sends into */
    /*
     * Writes the descriptors of a good request, from `at` on, into that queue's table; returns how
     * many. The device completes it by itself.
     */
    uint16_t (*put)(struct virtio *v, uint16_t at);
    /* Whether the completed one is as it should be. */
    bool (*is_good)(struct virtio *v);
};

/* By Device ID; NULL: rows know none such. */
const struct kind *kind_of(uint32_t device_id);

/* ---- Registers ----*/

uint32_t vread(const struct virtio *v, uint32_t offset);
/* InterruptStatus behind a request: the console's is set when its output has been taken, some ms
 * later. */
uint32_t vcauses(const struct virtio *v);
void vwrite(const struct virtio *v, uint32_t offset, uint32_t value);
uint64_t vfeatures(const struct virtio *v); /* what the device offers */

/* Writes 0 to Status. Returns whether it then reads 0. */
bool vreset(const struct virtio *v);

/* From reset to FEATURES_OK. Returns whether that reads back. */
bool vagree(const struct virtio *v, uint64_t features);

/* Lays a ring of `size` out in memory, empty; no register is written. */
void ring_make(struct ring *ring, uint32_t size);

/* Tells queue `index` where its ring is; writes 1 to QueueReady; returns what that reads. */
uint32_t ring_place(struct virtio *v, uint32_t index);
void ring_write_addresses(const struct virtio *v, uint32_t index);

/* From reset to DRIVER_OK with rings of `size` in all queues. Returns whether it drives. */
bool vbegin_with(struct virtio *v, uint64_t features, uint32_t size);
/* The same with VERSION_1 and INDIRECT and rings of RING_SIZE. */
bool vbegin(struct virtio *v);

/* ---- Requests ----*/

static inline struct ring *requests_of(struct virtio *v)
{
    return &v->rings[v->kind->requests];
}

void desc_set(struct vring_desc *desc, const volatile void *at, uint32_t bytes, uint32_t flags,
              uint32_t next);

/* Puts a head into the available ring and publishes it; no notification. */
void ring_offer(struct ring *ring, uint32_t head);

/* Notifies, and seals the driver's memory (memory.h). */
void vkick(const struct virtio *v, uint32_t index);

/* How many new used elements there are, and takes the next one. */
uint16_t ring_used(const struct ring *ring);
struct vring_used_elem ring_take(struct ring *ring);

/*
 * Waits until `count` used elements are there, or the device does not work, or this is called a
 * hang. Returns whether they are.
 */
bool ring_wait(const struct virtio *v, const struct ring *ring, uint16_t count);

bool vneeds_reset(const struct virtio *v);

/* ---- Outcomes, as expectations ----*/

/* A running device does one good request at descriptors `at`. */
void expect_request(struct virtio *v, uint16_t at);

/* What was offered is sent: NR, and nothing is used. */
void expect_needs_reset(struct virtio *v);

/* Head `head` is sent, and comes back once; returns used.len. */
uint32_t expect_used(struct virtio *v, uint16_t head);
