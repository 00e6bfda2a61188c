/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch at the other end of a device's port, played by a test. It checks all that the port's
 * contract asks of a VMM: whole chains, ids that are unique, places in guest RAM. It answers at
 * once, as one of higher priority does, unless it is slow.
 */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/virtio/port_client.h"

#define CHANNEL    13
#define MAX_CHAINS PORT_ENTRIES /* under way at once, of either kind */

/* A chain of `send` that the switch has taken. */
struct sent {
    uint16_t id;
    union {
        struct virtio_net_hdr_v1 header;
        struct virtio_vsock_hdr vsock;
    };
    unsigned num_entries;
    uint32_t bytes;
    uint8_t *data;
};

/* A chain of `recv` that the switch has taken. */
struct posted {
    uint16_t id;
    unsigned num_entries;
    uint64_t bytes;
    struct port_entry entries[PORT_CHAIN_ENTRIES];
};

/* What the device is: set before port_rig_create(). */
struct port_rig {
    const struct guest *guest;
    uint32_t header_bytes;
    void (*check)(const struct sent *sent); /* each chain that is taken of `send` */
    void (*signal)(void);                   /* the device hears of a notification */
};

extern struct port port;
extern unsigned notified;   /* how often the device has notified the switch */
extern unsigned signalled;  /* and the other way round */
extern bool switch_is_slow; /* it does nothing by itself */
extern struct sent sents[MAX_CHAINS];
extern unsigned num_sents;
extern struct posted posteds[MAX_CHAINS]; /* in their order */
extern unsigned num_posteds;

void port_rig_create(const struct port_rig *rig);
void port_rig_destroy(void);
void port_rig_notify(unsigned channel); /* for the device */

void switch_answer(void); /* looks at `wanted` */
void switch_take(void);   /* takes all that there is in `send` and `recv` */
void switch_serve(void);  /* both, as an event of the switch */
void switch_done(unsigned i);
void switch_forget(unsigned i); /* drops sents[i], without a word to the device */
bool switch_deliver(const void *header, const void *data, uint32_t bytes);
void switch_signal(void); /* notifies, if that was asked for */
void switch_put_done(uint16_t id, uint16_t flags);
void switch_put_received(uint16_t id, uint32_t length, uint16_t flags);
bool switch_is_open(void);
