/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transmit virtualiser: the output of many clients on one line, each in its colour.
 *
 * Clients take turns. A turn begins with the client's colour and ends with a reset. It ends where a
 * piece of its output ends with a line; while others wait it is cut there. A client whose line is
 * unfinished keeps the turn, so that lines stay whole, until it has been silent for TX_QUIET_NS
 * or has written TX_LINE_BYTES of one line or paused TX_PATIENCE_NS in all, with others waiting.
 * Then a line break is put in (behind the reset, so that what lies between colour and reset is the
 * client's, byte for byte) and the next one's turn begins. Nothing is dropped and nothing that a
 * client writes is interpreted but '\n'.
 *
 * A client that has said something often goes on. So for as long as output comes, queues are looked
 * at every TX_POLL_NS and need no notification, each of which would cost several changes of PD. The
 * first output after a silence goes out at once.
 *
 * Clients are hostile: bytes are copied before they are looked at, indices are checked by
 * serial_queue.h, and a client with indices that make no sense is as one without output.
 */
#pragma once

#include "io/virt/serial_ops.h"

#include <sddf/config.h>
#include <sddf/serial_queue.h>

#define TX_QUIET_NS     100000000ull
#define TX_PATIENCE_NS  500000000ull
#define TX_POLL_NS      4000000ull
#define TX_LINE_BYTES   4096u
#define TX_CHUNK_BYTES  1024u
#define TX_COLOUR_BYTES (uint32_t)sizeof(((struct serial_virt_tx_client *)0)->colour)
#define TX_BEGIN_BYTES  (TX_COLOUR_BYTES + 3) /* at most: "\x1b[" colour "m" */
#define TX_END_BYTES    6u                    /* at most: "\x1b[0m" "\r\n" */
#define TX_FRAME_BYTES  (TX_BEGIN_BYTES + TX_END_BYTES)

struct tx_client {
    struct serial_consumer queue;
    bool consumed; /* in this activation: may have to be told of room */
    bool told;     /* its queue was found broken and that was reported */
};

struct tx_core {
    const struct serial_virt_tx_config *config;
    const struct serial_ops *ops;
    struct serial_producer driver;
    struct tx_client clients[SDDF_MAX_CLIENTS];
    uint32_t num_clients;
    uint32_t turn;       /* whose turn it is, or was last */
    bool in_turn;        /* its colour is on and its line unfinished */
    bool interrupt;      /* the turn is to end with a line break */
    uint32_t turn_bytes; /* of this turn, while others waited */
    bool turn_moved;     /* it has written since the deadline was set */
    bool written;        /* the driver is to be notified */
    bool moved;          /* a client's bytes, in this activation */
    bool polling;        /* clients need not notify: the timeout is that of the next look */
    struct serial_deadline quiet;
    uint64_t patience_end; /* of this turn; 0: nobody has waited on its silence yet */
    uint8_t chunk[TX_CHUNK_BYTES];
};

/* Connects the queues. The record and `ops` must stay. */
void serial_tx_core_init(struct tx_core *core, const struct serial_virt_tx_config *config,
                         const struct serial_ops *ops);

/* Moves what can be moved: on a notification of a client or of the driver. */
void serial_tx_core_run(struct tx_core *core);

/* The same on the timer's notification: the next look, or the end of a silence. */
void serial_tx_core_timeout(struct tx_core *core);
