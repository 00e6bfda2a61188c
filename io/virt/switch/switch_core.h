/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: many guests on one network (or one vsock), each behind a port. What a port sends is
 * copied once, from its guest's memory into another's. Here is what both kinds share; net.c and
 * vsock.c decide who gets what.
 *
 * A run takes what has been sent until there is nothing more, in turns: each port may send
 * SWITCH_QUANTUM bytes, then the next. Mostly it ends because ports have posted only so much, and
 * guests run below the switch. Where more comes all the while (by the card, or while the switch has
 * used up its budget), ports are opened and closed and VMMs notified each SWITCH_ROUNDS turns.
 */
#pragma once

#include "io/virt/switch/mac.h"
#include "io/virt/switch/member.h"
#include "io/virt/switch/offload.h"
#include "io/virt/switch/switch_uplink.h"

#include <cloister/counters.h>

#define SWITCH_QUANTUM    131072 /* more than a chain can cost */
#define SWITCH_ROUNDS     16     /* of turns, until ports may close and their VMMs hear of frames */
#define SWITCH_CHAIN_COST 512u   /* what a chain counts for beside its bytes */
#define SWITCH_ENDS       (SWITCH_PORTS + 1)
#define SWITCH_UPLINK     SWITCH_PORTS /* its index among the ends */
#define SWITCH_NOBODY     SWITCH_ENDS
#define SWITCH_HELD       PORT_ENTRIES /* packets of a sender that wait: all that it may send */
#define SWITCH_PIECES     4096u        /* of those; half of them for one receiver */

struct switch_ops {
    void (*notify)(uint8_t channel);
    void (*report)(const char *text); /* a piece of text for the developer's log */
    void (*set_timeout)(uint64_t ns); /* from now */
};

/* Why a frame goes nowhere: counted where it was sent, but for no room: where it was to go. */
enum drop {
    DROP_LENGTH,  /* shorter than an Ethernet header, or longer than the MTU allows */
    DROP_OFFLOAD, /* what its header asks for cannot be done with it */
    DROP_SOURCE,  /* a source address that is not the sender's */
    DROP_NOBODY,  /* its destination may not hear it, or is the sender */
    DROP_ROOM,    /* no chains for it */
    DROP_SHARE,   /* the sender has its share of the chains */
    DROP_REASONS,
};

/* A group of COUNTERS_PORT. */
struct counters {
    uint64_t sent, sent_bytes;         /* from the guest, to whomever */
    uint64_t received, received_bytes; /* to the guest */
    uint64_t drops[DROP_REASONS];
    uint64_t none[COUNTERS_GROUP - COUNT_PORT_ALL];
};

_Static_assert(sizeof(struct counters) == COUNTERS_GROUP * sizeof(uint64_t) &&
                   4 + DROP_REASONS == COUNT_PORT_ALL,
               "each as it is printed");

/* What is being sent: its first bytes are ours, and all decisions rest on them. */
struct frame {
    uint32_t from;
    uint32_t bytes;
    uint32_t head_bytes;
    struct virtio_net_hdr_v1 header; /* checked */
    struct tcp_segment tcp;          /* where header.gso_type says that it is one */
    uint8_t head[OFFLOAD_HEAD];
    struct piece pieces[1 + PORT_CHAIN_ENTRIES]; /* the head, and what is behind it */
};

/* A vsock packet, and what has become of it. */
struct packet {
    struct chain chain; /* checked */
    uint32_t sent;      /* bytes of it that have arrived */
    uint8_t to;         /* the port, or SWITCH_NOBODY */
    uint8_t ticks;      /* for which it has waited */
    bool given_up;
};

/* Those of one sender that wait for chains of their receivers, in the order in which they were
 * sent. They are off its ring, which goes on with packets to others. */
struct held_packets {
    uint32_t num, num_pieces;
    struct packet packets[SWITCH_HELD];
    struct piece pieces[SWITCH_PIECES];
    uint32_t cut;                  /* a bit for each receiver that was given up... */
    uint32_t cut_at[SWITCH_PORTS]; /* ...for all that is sent before so many done are seen */
};

_Static_assert(sizeof(struct held_packets) <= SWITCH_HELD_BYTES, "room for it");

struct switch_core {
    const struct switch_config *config;
    const struct switch_ops *ops;
    uint32_t num_members;
    uint32_t turn; /* who comes first */
    struct member members[SWITCH_PORTS];
    struct uplink uplink;
    int32_t credit[SWITCH_ENDS]; /* bytes that it may still send in its turn */
    struct counters *counters;   /* of each end; own_counters, or in the page */
    struct counters own_counters[SWITCH_ENDS];
    struct mac_table macs;
    struct held_packets *held; /* of each port; on a vsock alone */
    uint32_t starved;          /* a bit for each port that has no chains, in this run */
    bool ticking;              /* the timer will notify */
    struct frame frame;
    struct placement placement;
};

/* The record and `ops` must stay. */
void switch_core_init(struct switch_core *core, const struct switch_config *config,
                      const struct switch_ops *ops);

/* Moves what can be moved: on a notification of a port or of the card's side. */
void switch_core_run(struct switch_core *core);

/* On the timer's notification, and before a run: what is too old is forgotten. */
void switch_core_timeout(struct switch_core *core);

/* Wants the timer's notification, unless it will come anyway or there is no timer. */
void switch_core_tick_in(struct switch_core *core, uint64_t ns);
