/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio_blk's work for one client, apart from Linux: takes requests from a link's queue
 * (cloister/uio_blk.h), checks them, has them done by a disk through aligned buffers of its own,
 * and answers. The disk works on all that has been started at once and may end it in any order.
 *
 * What is asked for is checked here too: the VMM in between is trusted by the clients, not by us. A
 * request is taken only where there is room for its answer.
 */
#pragma once

#include <cloister/blk_check.h>

#define SERVE_SLOTS       16u          /* requests in work at once */
#define SERVE_PIECE_BYTES (256u << 10) /* of a request's data at once: a slot's buffer */

enum serve_code { SERVE_READ, SERVE_WRITE, SERVE_FLUSH, SERVE_ZERO };

/* What the disk is to do. Its end is told by serve_end(), with the slot. */
struct serve_operation {
    enum serve_code code;
    unsigned slot;
    uint8_t *buffer; /* READ, WRITE */
    uint64_t at;     /* in bytes, as is the next; FLUSH: 0 */
    uint64_t bytes;
};

struct serve_slot {
    struct blk_req req;
    uint64_t moved;  /* bytes of the pieces that are done */
    uint64_t filled; /* bytes of this piece that are done */
};

struct serve {
    struct blk_limits limits;
    struct blk_server queue;
    uint8_t *data;    /* the client's region, of limits.data_bytes */
    uint8_t *buffers; /* SERVE_SLOTS of SERVE_PIECE_BYTES, aligned to a block */
    void (*start)(void *disk, const struct serve_operation *operation);
    void *disk;
    bool answered; /* set with each answer; who has told the client clears it */
    uint32_t busy; /* slots, as bits */
    struct serve_slot slots[SERVE_SLOTS];
};

static inline bool serve_works(const struct serve *serve)
{
    return serve->busy != 0;
}

/* Takes what requests it can; returns whether there was one. */
bool serve_take(struct serve *serve);

/* An operation has ended: with the bytes that it moved (0 where it moves none), or with -errno. */
void serve_end(struct serve *serve, unsigned slot, int result);
