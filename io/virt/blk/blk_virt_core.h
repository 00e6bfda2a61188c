/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block virtualiser: many clients on one disk, each with a partition of its own.
 *
 * Clients are hostile. A request is copied out, checked in every field, translated (its block to
 * the disk's, its offset to a physical address), and goes to the driver under an id of ours.
 * A client has a share of the ids and can use no more, and what it may take on in one activation is
 * what stood in its queue when it began; so a flood delays nobody but its sender. A request is
 * taken only where there is room for its answer.
 *
 * FLUSH goes to the driver once the client's earlier writes are answered, for a device counts only
 * those. BARRIER waits for all that the client has sent, is a FLUSH as well (what is behind it must
 * not reach the disk before what is ahead of it), and holds up what comes after it.
 *
 * The driver may be another guest: its answers are checked as well. What it does with the disk and
 * with the memory that it is given cannot be.
 */
#pragma once

#include "io/virt/blk/partition.h"

#include <cloister/counters.h>
#include <sddf/blk_queue.h>
#include <sddf/config.h>

#define VIRT_REQUESTS  1024u /* in flight at most, of all clients */
#define VIRT_BURST     16u   /* requests of one client before the next one's turn: can be merged */
#define VIRT_BLOCKS    1024u /* that a client has in flight; a longer request goes alone */
#define VIRT_DATA_SIZE (2ull * PARTITION_WINDOW) /* of the virtualiser's own data region */

struct virt_ops {
    void (*notify)(uint8_t channel);
    void (*report)(const char *text); /* a piece of text for the developer's log */
};

struct virt_client {
    struct blk_server queue;
    uint64_t first_block; /* of the disk */
    uint64_t blocks;      /* 0: it has no disk */
    bool read_only;
    bool barrier; /* one of its own is in flight */
    bool notify;  /* in this activation */
    bool told;    /* that it breaks the rules */
    uint32_t in_flight;
    uint32_t writes_in_flight;
    uint32_t blocks_in_flight;
    uint32_t budget;  /* requests that it may have taken in this activation */
    uint64_t *counts; /* a group of COUNTERS_BLK; own_counts, or in the page */
    uint64_t own_counts[COUNT_BLK_ALL];
};

/* A request that the driver has; its index is the id that the driver knows. */
struct virt_request {
    bool busy;
    uint8_t client;
    uint16_t count;
    uint32_t code;
    uint32_t id;         /* the client's */
    uint32_t sent;       /* which of all that were sent it is */
    struct blk_req send; /* as the driver has it */
};

enum virt_state { VIRT_WAITS_FOR_DRIVER, VIRT_READS_TABLE, VIRT_RUNS };

struct virt_core {
    const struct blk_virt_config *config;
    const struct virt_ops *ops;
    struct blk_client driver;
    uint32_t stale; /* requests of a former life that the driver has not answered */
    struct virt_client clients[SDDF_MAX_CLIENTS];
    uint32_t num_clients;
    enum virt_state state;
    struct blk_storage_info disk; /* the driver's, read once */
    uint32_t reads_pending;       /* parts of the table that are asked for, as bits */
    bool table_unreadable;
    struct partition_table table;

    uint32_t turn;  /* the client that comes first */
    uint32_t share; /* requests that a client may have in flight */
    bool sent;      /* the driver is to be notified */
    bool told;      /* that the driver breaks the rules */
    uint32_t num_free;
    uint16_t free[VIRT_REQUESTS];
    struct virt_request requests[VIRT_REQUESTS];
};

/* Connects the queues. The record and `ops` must stay. */
void virt_core_init(struct virt_core *core, const struct blk_virt_config *config,
                    const struct virt_ops *ops);

/* Moves what can be moved: on any notification. */
void virt_core_run(struct virt_core *core);
