/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO block device (virtIO 1.2, 5.2) as a client of sDDF's block queues.
 *
 * The guest sees sectors of 512 bytes, what lies below moves blocks of 4096. A request whose
 * buffers, length and sector are multiples of 4096 goes straight between disk and guest RAM, if the
 * data region that the server knows begins with guest RAM. All others pass through the bounce area;
 * writes to parts of a block read the block first. Requests that touch the same block are worked
 * on one after the other, in the order in which the guest made them available, unless all of them
 * only read.
 *
 * Nothing is lost where the queue below is full: a request waits in its own slot. Neither the
 * guest nor what answers below is trusted.
 */
#pragma once

#include "vmm/core/vmm_config.h"
#include "vmm/virtio/virtio_mmio.h"

#include <sddf/blk_queue.h>

#define VIRTIO_BLOCK_QUEUE_SIZE 128
/* One more: the next chain is popped into a slot before it is known whether there is one. */
#define VIRTIO_BLOCK_SLOTS      (VIRTIO_BLOCK_QUEUE_SIZE + 1)
#define VIRTIO_BLOCK_MAX_OPS    256  /* requests below at once */
#define VIRTIO_BLOCK_MAX_BOUNCE 1024 /* blocks of the bounce area that are used at most */

/* How far a request is. */
enum block_phase {
    BLOCK_QUEUED,     /* not begun: perhaps an earlier one touches the same blocks */
    BLOCK_MOVING,     /* its data is on the way, as far as there was room below */
    BLOCK_FLUSH_NEXT, /* a flush is to be sent */
    BLOCK_FLUSHING,   /* the flush is on the way */
    BLOCK_DONE,       /* to be returned to the guest */
};

/* One of the guest's, from the available ring to the used ring. */
struct block_request {
    struct virtq_chain chain; /* without header and status byte, once it is checked */
    uint8_t *status_at;
    uint64_t start;          /* the first byte on the disk */
    uint64_t bytes;          /* of the disk; of the buffers too, if it reads or writes */
    uint64_t issued;         /* how many of them have been sent below */
    uint64_t segment_offset; /* direct: where in which segment the next one lies */
    uint32_t segment;
    uint32_t type;    /* VIRTIO_BLK_T_... */
    uint32_t written; /* what it tells the guest to have written, beside the status byte */
    uint16_t ops;     /* below now */
    uint8_t phase;    /* enum block_phase */
    uint8_t status;   /* VIRTIO_BLK_S_... */
    bool direct;
    bool write_through; /* what it has changed must be on the disk before it is done */
    struct virtq_segment segments[VIRTIO_BLOCK_QUEUE_SIZE];
};

/* A request below: a part of one of the guest's. */
struct block_op {
    bool busy;
    bool merge;           /* a read whose block is then changed and written back */
    uint8_t request;      /* index */
    uint16_t generation;  /* of this entry: tells a late or second response from the one awaited */
    uint16_t count;       /* blocks */
    uint16_t bounced;     /* how many blocks of the bounce area it has */
    uint16_t bounce;      /* the first of them */
    uint16_t skip;        /* bytes of the first block in front of the data */
    uint32_t code;        /* enum blk_req_code */
    uint32_t bytes;       /* of data, if bounced */
    uint64_t data_offset; /* where that lies in the request's buffers */
    uint64_t block;
    uint64_t offset; /* in the data region */
    uint32_t sent;   /* which of all that were sent it is */
};

struct virtio_block {
    struct virtio_device device; /* first: its operations find the block device by it */
    struct virtq queue;
    struct virtio_blk_config config;
    const struct guest_ram *ram;
    const struct vmm_block *record;

    /* Below. */
    struct blk_client client;
    const struct blk_storage_info *info;
    void (*notify)(unsigned channel); /* microkit_notify() on the target */
    uint8_t channel;
    bool sent;          /* something since the last notification */
    bool read_only;     /* the record or the server says so */
    uint16_t max_ops;   /* at most as many as the queues hold, so that there is always room */
    uint64_t capacity;  /* blocks; 0: the server is not ready, or there is no disk */
    uint32_t stale;     /* requests of a former life of the VMM that are not answered */
    uint64_t bad_resps; /* responses that nobody awaited */
    uint64_t num_waits; /* resets that had to wait */

    /* The guest's requests: slots, those that are free, and the others as they arrived. */
    struct block_request requests[VIRTIO_BLOCK_SLOTS];
    uint8_t free_requests[VIRTIO_BLOCK_SLOTS];
    uint8_t arrived[VIRTIO_BLOCK_QUEUE_SIZE];
    uint16_t num_free_requests;
    uint16_t num_arrived;

    struct block_op ops[VIRTIO_BLOCK_MAX_OPS];
    uint16_t free_ops[VIRTIO_BLOCK_MAX_OPS];
    uint16_t num_free_ops;
    uint16_t bounce_blocks;
    bool bounce_busy[VIRTIO_BLOCK_MAX_BOUNCE];
};

/*
 * Makes a block device in its power-on state. `name` (for the log) and the pointers must stay
 * valid. False: the records can't be right. Its registers: virtio_mmio_region(&block->device, ...).
 */
bool virtio_block_init(struct virtio_block *block, const char *name, const struct guest_ram *ram,
                       const struct irq_line *irq, const struct vmm_block *record,
                       const struct sddf_blk_client_config *client,
                       void (*notify)(unsigned channel));

/* To be called when the server has notified: takes responses, goes on with what waits. */
void virtio_block_notified(struct virtio_block *block);
