/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block back end of a guest that serves its disk to others: one client's link. To the client's
 * VMM it is a server of sDDF's block queues, as the virtualiser is; the work is done by a program
 * in our guest, over queues that only the two of us share (cloister/uio_blk.h tells the protocol).
 *
 * Neither side is trusted. A client's request is copied out and checked in every field before the
 * guest sees it, under an id of ours. Of the guest's answers those count that somebody waits for,
 * once; whatever it does, a client gets exactly one answer to each request, an error at worst, or
 * wrong bytes in its own data region. When the life of the server ends (it says so, breaks the
 * queues, leaves a request alone for BLK_LINK_PATIENCE ticks, or its guest stops), all that is in
 * flight is answered with NO_DEVICE, and so is what comes until another server is there.
 *
 * FLUSH goes on once the client's earlier writes are answered; BARRIER waits for all that the
 * client has sent and holds up what comes after it. So the server may do what it has in any order.
 *
 * The guest's programs see the data region uncached, the client's VMM cached: lines are written
 * back before the guest gets a region, and dropped before the client does.
 */
#pragma once

#include "vmm/core/mmio_bus.h"
#include "vmm/core/vmm_config.h"

#include <cloister/blk_check.h>
#include <cloister/uio_blk.h>

#define BLK_LINK_PATIENCE 30u /* ticks that a request may take */

struct blk_link_ops {
    void (*notify)(unsigned channel);
    /* Writes back dirty cache lines to memory, and drops them as well. */
    void (*cache_clean)(uint64_t vaddr, uint64_t bytes);
    void (*cache_drop)(uint64_t vaddr, uint64_t bytes);
};

enum blk_link_state {
    BLK_LINK_DOWN,    /* no server */
    BLK_LINK_GREETED, /* one has said HELLO */
    BLK_LINK_UP,      /* it serves */
};

/* A request that the server has. */
struct blk_link_request {
    bool busy;
    uint16_t generation; /* of this entry: tells a late or second answer from the one awaited */
    uint16_t count;
    uint32_t code;
    uint32_t id;      /* the client's */
    uint32_t sent_at; /* in ticks */
    uint64_t offset;
};

struct blk_link {
    const struct vmm_served_disk *record;
    const struct blk_link_ops *ops;
    struct irq_line irq;
    enum blk_link_state state;
    uint32_t life;
    uint32_t num_lives; /* that have begun to serve */
    uint32_t ticks;
    struct blk_limits limits;

    struct blk_server client; /* our end of the queues to the client */
    struct blk_client server; /* and to the server */
    struct blk_storage_info *client_info;
    struct uio_blk_page *page;

    bool barrier; /* one is in flight */
    bool broken;  /* the server's queues make no sense */
    bool notify_client;
    bool raise_irq;
    bool told;            /* that the client breaks the rules */
    uint64_t bad_answers; /* that nobody awaited */
    uint16_t in_flight;
    uint16_t writes_in_flight;
    uint16_t num_free;
    uint16_t free[UIO_BLK_ENTRIES];
    struct blk_link_request requests[UIO_BLK_ENTRIES];
};

/*
 * Makes a link without a server. What the pointers point to must stay; all that the record points
 * to is mapped, and zeroed memory. False: the record can't be right.
 */
bool blk_link_init(struct blk_link *link, const struct vmm_served_disk *record,
                   const struct irq_line *irq, const struct blk_link_ops *ops);

/* Moves what can be moved: when the client has notified. */
void blk_link_run(struct blk_link *link);

/* The guest writes a register, at any offset: enum uio_blk_register. */
void blk_link_write(struct blk_link *link, uint64_t offset, uint32_t value);

/* A tick has passed. Ends the life of a server that is too slow. */
void blk_link_tick(struct blk_link *link);

/* The guest is stopped: so is its server. */
void blk_link_stop(struct blk_link *link);
