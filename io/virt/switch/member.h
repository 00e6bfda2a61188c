/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's end of one port (cloister/port.h). The VMM behind it is hostile: an entry is copied
 * out, every stretch is checked against the port's own memory, and a port whose rings or entries
 * make no sense is closed. Nothing of a port is held between two runs, so that it can be closed in
 * any.
 */
#pragma once

#include "io/virt/switch/fair.h"
#include "io/virt/switch/pieces.h"

#include <cloister/port.h>
#include <cloister/switch_config.h>

struct member {
    const struct switch_port *record;
    struct port *port;
    uint32_t header_bytes;
    bool in_parts; /* a chain of recv takes what it can; if not, a frame is placed whole */
    uint32_t answered;
    bool open;
    bool notify;       /* in this run */
    bool told;         /* that it was closed as broken */
    const char *why;   /* it was; not told yet */
    uint32_t features; /* enum port_features */
    struct port_end send, send_done, recv, recv_done;
    uint32_t silent;      /* ticks for which it posted nothing while something waited for it */
    bool starved;         /* recv had no chain for what was to arrive; in this run */
    bool taken;           /* entries of send, since the last member_publish() */
    bool sent, received;  /* unpublished entries in send_done, recv_done */
    uint32_t short_fill;  /* recv with that many entries... */
    uint32_t short_bytes; /* ...cannot take as many bytes; nor more */
    bool contended;       /* more than one may send to it */
    struct fair fair;     /* entries of recv */
};

/* A chain of `send` as it was when it was looked at. */
struct chain {
    uint64_t bytes;
    uint32_t entries;
    uint32_t seen; /* of send_done, when it was put in */
    uint16_t id;
    uint16_t flags; /* of its first entry */
    uint8_t header[PORT_HEADER_BYTES];
};

/* Chains of `recv` that a frame will fill. */
struct placement {
    uint32_t room; /* entries that were there */
    uint32_t entries;
    uint32_t num_chains;
    struct {
        uint16_t id;
        uint32_t bytes; /* of the frame */
    } chains[PORT_ENTRIES];
    struct piece pieces[PORT_ENTRIES];
};

/* `record` must stay. The port is closed; one that a former life has left open is lost. */
void member_init(struct member *m, const struct switch_port *record, enum switch_kind kind);

/* Opens or closes the port if the VMM wants that; returns whether it did. */
bool member_settle(struct member *m);

/* Looks at the next chain, its stretches in `pieces` (room for PORT_CHAIN_ENTRIES). False: there is
 * none, or the port is broken and now closed. */
bool member_peek(struct member *m, struct chain *chain, struct piece *pieces);

/* Takes the chain that was looked at. */
void member_take(struct member *m, const struct chain *chain);

/* Says in send_done that a chain is done. `flags`: PORT_NOT_THERE. The port is broken and now
 * closed if that has no room. */
void member_done(struct member *m, const struct chain *chain, uint16_t flags);

/* Finds chains for a frame of `bytes` behind the header, all or nothing, or for as much of it as
 * the next chain takes (in_parts; chains[0] says how much); moves `at` to where the frame begins.
 * False: there is no room, or the port is broken and now closed. */
bool member_place(struct member *m, uint32_t bytes, struct placement *to, struct cursor *at);

/* Takes the chains of the placement and says in recv_done what is in them. */
void member_arrive(struct member *m, const struct placement *to, const void *header);

/* Asks to be notified of what is sent, and of chains to receive in where they lacked. True: there
 * is something already. */
bool member_wait(struct member *m);

/* Publishes what is done; returns whether the VMM is to be notified. */
bool member_publish(struct member *m);
