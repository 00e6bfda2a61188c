/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transmit virtualiser: frames of many clients to one driver.
 *
 * Frames are not copied: the driver is given the physical address of the client's buffer, and the
 * buffer goes back to the client when the driver has returned it. Clients take turns, a burst each,
 * and each has a share of the driver's ring; so a flood delays nobody but its sender by more
 * than the others' shares.
 *
 * Clients are hostile: an entry must name a buffer of the client's own data region that is not on
 * its way already, and a frame of a length that Ethernet knows. The frame of a client that has a
 * list of MACs must come from one of them. That is a check of the frame as it lies there then: a
 * client that maps its data region and writes to it later gets around it, so the list binds those
 * whose region nobody hostile maps (the switch's).
 *
 * A buffer whose frame is refused goes back to its client; what names no buffer goes nowhere. The
 * driver may be a guest: it is believed only what concerns a buffer that it has.
 */
#pragma once

#include "io/virt/net_ops.h"

#include <sddf/config.h>
#include <sddf/net_queue.h>

#define TX_BUFFERS 1024u /* of a client at most */
#define TX_BURST   8u    /* frames of one client before the next one's turn */

struct tx_client {
    struct net_consumer active;
    struct net_producer free;
    uint32_t num_buffers;
    uint32_t in_flight;
    uint32_t refused; /* entries, in this activation */
    bool told;        /* that it breaks the rules */
    bool got;         /* buffers, since it was looked at whether it wants to be notified */
    uint64_t *counts; /* a group of COUNTERS_NET; own_counts, or in the page */
    uint64_t own_counts[COUNT_NET_ALL];
    uint64_t sent[TX_BUFFERS / 64]; /* buffers that the driver has, as bits */
};

struct tx_core {
    const struct net_virt_tx_config *config;
    const struct net_ops *ops;
    struct net_producer driver_active;
    struct net_consumer driver_free;
    uint32_t num_clients;
    uint32_t share;       /* buffers of one client that the driver may have */
    uint32_t turn;        /* the client that comes first */
    uint32_t driver_lies; /* in this activation */
    bool driver_told;
    bool passed; /* frames to the driver, likewise */
    struct tx_client clients[SDDF_MAX_CLIENTS];
};

/* Connects the queues. The record and `ops` must stay. */
void net_tx_core_init(struct tx_core *core, const struct net_virt_tx_config *config,
                      const struct net_ops *ops);

/* Moves what can be moved: on any notification. */
void net_tx_core_run(struct tx_core *core);
