/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive virtualiser: gives each frame to the clients that are to hear it.
 *
 * A frame to one MAC goes to the client that has it, or where nobody has, to those that want the
 * others; a frame to all goes to all, one to a group to those that hear groups. Frames are not
 * copied: several clients may hold the same buffer, each once, and it goes back to the driver
 * when the last one has returned it.
 *
 * Clients are hostile, and map the frames read-only. What a client returns is checked against what
 * it holds. It can hold no more than its share of the buffers, so that one that returns none misses
 * what comes for it and nothing else; the shares leave the driver a part. A client that has no
 * room, or holds its share, loses the frame; nobody waits for it.
 *
 * The driver may be a guest: it is believed only what concerns a buffer that it has.
 */
#pragma once

#include "io/virt/net_ops.h"

#include <sddf/config.h>
#include <sddf/net_queue.h>

#define RX_BUFFERS 4096u /* at most */
#define RX_DRIVER  63u   /* as a holder, beside the numbers of clients */

_Static_assert(SDDF_MAX_CLIENTS <= RX_DRIVER, "a bit for every holder");

struct rx_client {
    struct net_consumer free;
    struct net_producer active;
    uint32_t held;    /* buffers that it has not returned */
    uint32_t lies;    /* entries that made no sense, in this activation */
    bool told;        /* ... and that it was reported */
    bool got;         /* frames, since it was looked at whether it wants to be notified */
    uint64_t *counts; /* a group of COUNTERS_NET; own_counts, or in the page */
    uint64_t own_counts[COUNT_NET_ALL];
};

struct rx_core {
    const struct net_virt_rx_config *config;
    const struct net_ops *ops;
    struct net_consumer driver_active;
    struct net_producer driver_free;
    uint32_t num_clients;
    uint32_t num_buffers;
    uint32_t share;       /* buffers that a client may hold */
    uint32_t driver_lies; /* in this activation */
    bool driver_told;
    bool returned;    /* buffers to the driver, likewise */
    uint64_t unheard; /* frames for nobody, and those too short or too long */
    struct rx_client clients[SDDF_MAX_CLIENTS];
    uint64_t holders[RX_BUFFERS]; /* of each buffer: clients as bits, or the driver; never none */
};

/* Connects the queues, and gives the driver all buffers. The record and `ops` must stay. */
void net_rx_core_init(struct rx_core *core, const struct net_virt_rx_config *config,
                      const struct net_ops *ops);

/* Moves what can be moved: on any notification. */
void net_rx_core_run(struct rx_core *core);
