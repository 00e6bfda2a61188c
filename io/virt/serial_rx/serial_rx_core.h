/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive virtualiser: what is typed goes to one client; the switch keys move it to another.
 *
 * Nothing is lost while the client reads. Where its queue is full, input waits in the driver's
 * queue, and a scout reads ahead there for switch keys. A client that has taken nothing for
 * RX_STUCK_NS loses what waits (counted, and said once); one that is merely slow loses it after the
 * same time if a switch command waits behind it, since the operator must always get away.
 *
 * Input for a stopped guest is dropped; a message says so, and which keys start the guest. Those
 * keys request a start from the guest's VMM, which does it and reports it (cloister/guest_state.h).
 * When no guest runs any more, a message says how to start one and how to leave; if all of them
 * have powered off, the machine follows after RX_OFF_NS without input.
 *
 * Messages go as whole lines through a connection of its own to the transmit virtualiser.
 */
#pragma once

#include "io/virt/serial_ops.h"
#include "io/virt/serial_rx/switch_keys.h"

#include <sddf/config.h>
#include <sddf/serial_queue.h>

#define RX_STUCK_NS   2000000000ull
#define RX_STOPPED_NS 2000000000ull  /* between two messages that a guest is stopped */
#define RX_SETTLE_NS  300000000ull   /* the last guest's own messages come first */
#define RX_OFF_NS     10000000000ull /* from the message that all guests are off */
#define RX_OFF_TEXT   "10 s"

struct rx_client {
    struct serial_producer queue;
    bool given;       /* in this activation: is to be notified */
    bool said;        /* that its input is dropped; until it has read everything */
    uint64_t dropped; /* bytes */
    bool told;        /* that its guest is stopped, at: */
    uint64_t told_at;
};

struct rx_core {
    const struct serial_virt_rx_config *config;
    const struct serial_ops *ops;
    struct serial_consumer driver;
    struct serial_producer log;
    struct rx_client clients[SDDF_MAX_CLIENTS];
    uint32_t num_clients;
    uint32_t current;         /* who gets the input */
    struct switch_keys keys;  /* at the front of the driver's queue */
    struct switch_keys scout; /* `scouted` bytes behind the front */
    uint32_t scouted;
    bool command_ahead; /* the scout has found a command */
    bool dropping;      /* what does not fit is dropped */
    bool moved;         /* the client has taken something since the deadline was set */
    bool taken;         /* from the driver's queue, in this activation */
    bool logged;        /* in this activation */
    bool asked;         /* for the counters, likewise */
    bool checked;       /* in this activation: input has met a stopped guest */
    struct serial_deadline stuck;
    bool all_told;              /* that no guest runs */
    struct serial_deadline end; /* of the silence before that message, then of RX_OFF_NS */
};

/* Connects the queues and says where the input goes. The record and `ops` must stay. */
void serial_rx_core_init(struct rx_core *core, const struct serial_virt_rx_config *config,
                         const struct serial_ops *ops);

/* Moves what can be moved: on a notification of the driver or of a client. */
void serial_rx_core_run(struct rx_core *core);

/* The same on the timer's notification. Returns true if the machine is to be switched off. */
bool serial_rx_core_timeout(struct rx_core *core);
