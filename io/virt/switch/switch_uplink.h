/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's way to the network card: a client of sDDF's network virtualisers, with copies
 * between their buffers and the guests. A card that is slow has no free buffers, and what was to go
 * there is dropped. What the virtualisers say is checked for what our memory's safety rests on.
 */
#pragma once

#include "io/virt/switch/fair.h"
#include "io/virt/switch/pieces.h"

#include <cloister/switch_config.h>
#include <sddf/net_queue.h>

struct uplink {
    const struct switch_uplink *record; /* NULL: there is none */
    struct net_consumer rx;
    struct net_producer rx_free;
    struct net_consumer tx_free;
    struct net_producer tx;
    uint32_t unused;           /* buffers of tx_data that were never sent, from 0 on */
    struct net_buff_desc into; /* the buffer that a frame is put into... */
    struct piece buffer;       /* ...and its memory */
    bool sent, returned;       /* in this run: the virtualisers may wait for it */
    bool contended;            /* more than one may send to it */
    struct fair fair;          /* buffers */
};

/* `record` must stay. Its rings are zeroed at the start, and no buffer is in tx's free ring. */
void uplink_init(struct uplink *uplink, const struct switch_uplink *record);

/* Takes a frame from outside; `desc` goes back by uplink_return(). False: there is none. A frame
 * that does not lie in its region has no bytes. */
bool uplink_receive(struct uplink *uplink, struct net_buff_desc *desc, struct piece *frame);
void uplink_return(struct uplink *uplink, const struct net_buff_desc *desc);

/* Buffers to send in. */
uint32_t uplink_room(const struct uplink *uplink);

/* Takes a buffer for a frame of `bytes`, and moves `at` there; there must be room. False: it is too
 * long. uplink_send() must follow. */
bool uplink_place(struct uplink *uplink, uint32_t bytes, struct cursor *at);
void uplink_send(struct uplink *uplink, uint32_t bytes);

/* Asks to be notified of frames. True: there is one already. */
bool uplink_wait(struct uplink *uplink);
