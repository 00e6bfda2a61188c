/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk (virtIO 1.2, 5.2): requests of one sDDF block queue to a device, data moved by the
 * device itself from and to physical addresses that the virtualiser has checked.
 *
 * A device request is made in a slot. A slot owns its header, its status byte and its descriptors:
 * an indirect table where the device has VIRTIO_F_INDIRECT_DESC, else a fixed piece of the ring, so
 * that nothing has to be allocated and nothing is read back from memory that the device can write
 * but the used ring and the status.
 *
 * Consecutive requests of the same direction and contiguous blocks share a slot. Where the device
 * fails such a request, its parts are tried again one by one: an error reaches the client whose
 * blocks are bad and no other.
 *
 * A FLUSH covers what was answered before it was sent; the virtualiser holds it back until its
 * client's writes are answered. A BARRIER waits for all that was sent before, is a FLUSH, and holds
 * up what is sent after it.
 *
 * The device is trusted with memory (it has DMA), but nothing that it writes makes the driver
 * fault or loop: what makes no sense ends in a reset and in ERR_IO for every request.
 */
#pragma once

#include "io/drivers/virtio_mmio/ring.h"

#include <linux/virtio_blk.h>
#include <sddf/blk_queue.h>
#include <stdbool.h>
#include <stdint.h>

#define VBLK_RING         128u /* entries at most */
#define VBLK_MERGE        64u  /* requests in one device request at most */
#define VBLK_MERGE_BLOCKS 1024u
#define VBLK_TABLE        (VBLK_MERGE + 2u) /* header, data, status */
#define VBLK_CHAIN        8u                /* ring entries of a slot without indirect tables */
#define VBLK_SECTORS      (BLK_TRANSFER_SIZE / 512u) /* in a block */

/* What a slot shows the device beside its data. */
struct vblk_header {
    struct virtio_blk_outhdr out;
    struct virtio_blk_discard_write_zeroes range;
    uint8_t status;
    uint8_t unused[15];
};

/* The DMA region, as driver and device see it. */
struct vblk_dma {
    uint8_t ring[RING_BYTES(VBLK_RING)] __attribute__((aligned(16)));
    struct vblk_header headers[VBLK_RING];
    struct vring_desc tables[VBLK_RING][VBLK_TABLE];
    char serial[VIRTIO_BLK_ID_BYTES];
};

_Static_assert(sizeof(struct virtio_blk_outhdr) == 16, "5.2.6");
_Static_assert(sizeof(struct virtio_blk_discard_write_zeroes) == 16, "5.2.6");
_Static_assert(sizeof(struct vblk_dma) <= 0x30000, "the DMA region that compose gives");

/* A device request. Of its requests, those from `first` on are not answered yet. */
struct vblk_slot {
    bool busy;
    uint8_t first;
    uint8_t flying; /* of those, how many the device has now */
    uint8_t total;
    struct blk_req reqs[VBLK_MERGE];
};

struct vblk {
    uintptr_t base;       /* of the device's registers */
    struct vblk_dma *dma; /* the DMA region as we see it */
    uint64_t dma_address; /* as the device sees it */
    struct blk_server queue;
    struct blk_storage_info *info;

    struct ring ring;
    uint64_t features;
    uint64_t blocks;   /* of the disk */
    const char *error; /* why the device is not used (any more), or NULL */
    bool started;      /* it has been used */
    uint32_t merge;    /* requests in one device request, as the device allows */
    uint32_t num_slots;
    uint32_t num_free;
    uint8_t free[VBLK_RING];
    struct vblk_slot slots[VBLK_RING];
    uint32_t taken; /* requests taken and not answered */
    bool barrier;   /* one is in flight */
    bool notify;    /* the virtualiser has not */
};

/*
 * Takes the device over. base, dma, dma_address, queue and info are set, the rest is 0. If it
 * cannot be used, `error` says why, and every request is answered with NO_DEVICE.
 */
void vblk_start(struct vblk *v);

/* The device's interrupt: call before vblk_run(). */
void vblk_interrupt(struct vblk *v);

/* Moves all that can be moved. True if the virtualiser is to be notified. */
bool vblk_run(struct vblk *v);
