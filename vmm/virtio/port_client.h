/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's end of a port of the switch (io/include/cloister/port.h). The ids of chains are their
 * heads in the guest's queue, which is also what tells a chain that is under way from one that is
 * not: the device checks each id that comes back with virtq_put().
 *
 * A switch that breaks the contract makes the port `broken`, whoever notices it; the device then
 * closes it. Nothing that the switch writes makes this side loop, fault or leave its own rings.
 */
#pragma once

#include "vmm/core/guest_ram.h"
#include "vmm/virtio/queue.h"

#include <cloister/port.h>
#include <stdbool.h>
#include <stdint.h>

_Static_assert(VIRTQ_MAX_SIZE <= PORT_CHAIN_ENTRIES, "each chain of a guest's fits");

struct port_client {
    struct port *port;
    const struct guest_ram *ram;
    void (*notify)(unsigned channel); /* microkit_notify() on the target */
    struct port_end send;
    struct port_end send_done;
    struct port_end recv;
    struct port_end recv_done;
    uint32_t sending; /* chains of `send` that are not done */
    uint8_t channel;
    bool open;     /* what was wanted last */
    bool broken;   /* in this opening, as far as this side has noticed */
    bool new_send; /* since the last port_client_flush() */
    bool new_recv;
    bool must_notify; /* the switch is to be told at the next port_client_flush() */
};

/*
 * The port at `port` is closed, or will be: what a former life of the VMM has left open is wanted
 * closed. Its memory is `ram`. All pointers must stay valid.
 */
void port_client_init(struct port_client *client, struct port *port, const struct guest_ram *ram,
                      uint8_t channel, void (*notify)(unsigned channel));

/*
 * Opens a closed port with empty rings. False: the switch has not closed it yet. The switch learns
 * of it by port_client_flush(), so that the first buffers can go with it.
 */
bool port_client_open(struct port_client *client, uint32_t features, uint32_t recv_mode);

/*
 * Wants the port closed, at once. Returns whether it is: then the switch touches neither the port's
 * rings nor guest memory. If not, the switch will notify; ask again then.
 */
bool port_client_close(struct port_client *client);

/* Whether an open port can't go on: the switch has closed it, or has broken the contract. */
bool port_client_broken(const struct port_client *client);

/* Whether that is because the switch has been started again. */
bool port_client_lost(const struct port_client *client);

/* Which frames the guest wants from now on: enum port_recv_mode. */
void port_client_set_mode(struct port_client *client, uint32_t recv_mode);

/*
 * Puts a chain into `send`: its readable bytes from `skip` on, if there are some, under a header
 * of header_bytes; or into `recv`: its writable bytes. There must be PORT_CHAIN_ENTRIES of room.
 */
void port_client_send(struct port_client *client, const struct virtq_chain *chain, uint32_t skip,
                      const void *header, uint32_t header_bytes);
void port_client_post(struct port_client *client, const struct virtq_chain *chain);

/*
 * Puts a chain into `send` that is a header alone, of the device's own; one entry of room. `flags`:
 * 0 or PORT_PATIENT.
 */
void port_client_send_own(struct port_client *client, uint16_t id, uint16_t flags,
                          const void *header, uint32_t header_bytes);

/* Publishes what was put in and notifies the switch, once, if it waits for that. */
void port_client_flush(struct port_client *client);

/*
 * Whether `send` has PORT_CHAIN_ENTRIES of room; all in it is flushed. False: the switch will
 * notify when it has.
 */
bool port_client_wait_room(struct port_client *client);

/*
 * The next chain that is sent, or the next entry of what was received. False: there is none now,
 * and the switch will notify when there is one, if there can be; or the port is broken.
 */
bool port_client_sent(struct port_client *client, struct port_entry *entry);
bool port_client_received(struct port_client *client, struct port_entry *entry);

/*
 * Where the first `bytes` of a chain lie, of which `first` is the first segment: in one piece, then
 * at[0] says where and at[1] is NULL; or each in a place of its own. Two bytes or more.
 */
void port_header_find(const struct virtq_segment *first, uint8_t **at, unsigned bytes);
void port_header_write(uint8_t *const *at, const void *header, unsigned bytes);
