/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's end of its sDDF serial connection (contract: sDDF 0.6 serial queues). One port serves
 * the guest's console, its PL011 and the VMM's log. The virtualisers at the other end are trusted,
 * yet an impossible index from them means "no room" and "no input", never memory out of bounds.
 */
#pragma once

#include <cloister/guest_state.h>
#include <sddf/serial_queue.h>
#include <stdbool.h>
#include <stdint.h>

struct serial_port {
    struct serial_consumer rx; /* queue is NULL where there is no input */
    struct serial_producer tx;
    uint8_t rx_channel;
    uint8_t tx_channel;
    bool rx_taken;                    /* bytes were taken since the last flush: there is room */
    bool tx_new;                      /* bytes were put since the last flush */
    void (*notify)(unsigned channel); /* microkit_notify() on the target */
};

/* Connects a port as `config` says. The queues' memory is zero or in use: indices are kept. */
void serial_port_init(struct serial_port *port, const struct sddf_serial_client_config *config,
                      void (*notify)(unsigned channel));

/*
 * Puts bytes into the transmit queue; returns how many were taken. Fewer than `bytes`: the queue
 * is full and the virtualiser will notify the tx channel when there is room. Not told to the
 * virtualiser before serial_port_flush().
 */
uint32_t serial_port_write(struct serial_port *port, const void *data, uint32_t bytes);

/*
 * Whether output waits for a virtualiser that looks by itself: when it has taken some, it will
 * notify the tx channel. To be asked behind a flush.
 */
bool serial_port_awaits_poll(struct serial_port *port);

/* Takes up to `bytes` bytes of input, returns how many. A flush tells a virtualiser that waits. */
uint32_t serial_port_read(struct serial_port *port, void *to, uint32_t bytes);

/* Bytes of input that wait. */
uint32_t serial_port_available(const struct serial_port *port);

/* Takes all input that waits and drops it: no guest is there to read it. */
void serial_port_drop_input(struct serial_port *port);

/* Publishes the guest's state to the receive virtualiser, and notifies it if the guest stops. */
void serial_port_publish(struct serial_port *port, enum guest_state state);

/* Returns true if the operator asks for a start of the guest. */
bool serial_port_start_asked(const struct serial_port *port);

/* Answers the requests so far, after the state that they led to was published. */
void serial_port_start_handled(struct serial_port *port);

/*
 * Notifies the virtualisers of what the calls before have changed, each at most once; not that of
 * output while it looks by itself.
 */
void serial_port_flush(struct serial_port *port);
