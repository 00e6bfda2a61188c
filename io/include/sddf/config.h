/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration records: how a component of the device framework learns where its queues lie and
 * which channels it has. compose writes each record at build time, `objcopy --update-section` puts
 * it into the program's section of the same name. Records of drivers and clients have exactly the
 * layout of sDDF 0.6/0.7 (each begins with "sDDF" and a type byte), so that an upstream driver can
 * stand in for ours; those of the virtualisers are our own.
 *
 * Records are trusted: they come from the build, not from a guest or a client.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SDDF_MAX_CLIENTS 61
#define SDDF_NAME_BYTES  64

enum sddf_type { SDDF_DEVICE = 1, SDDF_BLOCK = 2, SDDF_SERIAL = 3, SDDF_NET = 5, SDDF_TIMER = 6 };

struct sddf_magic {
    char sddf[4]; /* "sDDF" */
    uint8_t type; /* enum sddf_type */
};

struct sddf_region {
    uint64_t vaddr;
    uint64_t size_bytes;
};

struct sddf_device_region {
    struct sddf_region region;
    uint64_t io_addr;
};

struct sddf_device_irq {
    uint8_t channel;
};

/* Section ".device_resources". */
struct sddf_device_resources {
    struct sddf_magic magic;
    uint8_t num_regions;
    uint8_t num_irqs;
    struct sddf_device_region regions[64];
    struct sddf_device_irq irqs[64];
};

/* One direction between a serial component and its neighbour. */
struct sddf_serial_connection {
    struct sddf_region queue; /* struct serial_queue */
    struct sddf_region data;  /* a power of two */
    uint8_t channel;
};

/* Section ".serial_driver_config". */
struct sddf_serial_driver_config {
    struct sddf_magic magic;
    struct sddf_serial_connection rx; /* to the receive virtualiser; valid if rx_enabled */
    struct sddf_serial_connection tx; /* from the transmit virtualiser */
    uint64_t default_baud;
    bool rx_enabled;
};

/* Section ".serial_client_config". An rx.queue.vaddr of 0 means that there is no input. */
struct sddf_serial_client_config {
    struct sddf_magic magic;
    struct sddf_serial_connection rx;
    struct sddf_serial_connection tx;
};

/* Section ".timer_client_config". */
struct sddf_timer_client_config {
    struct sddf_magic magic;
    uint8_t driver_channel;
};

struct serial_virt_tx_client {
    struct sddf_serial_connection conn;
    char name[SDDF_NAME_BYTES];
    char colour[8]; /* SGR parameters such as "31", or "" */
};

/* Section ".serial_virt_tx_config": our own. */
struct serial_virt_tx_config {
    struct sddf_magic magic;
    uint8_t num_clients;
    uint8_t timer_channel; /* of the timer driver */
    struct sddf_serial_connection driver;
    struct serial_virt_tx_client clients[SDDF_MAX_CLIENTS];
};

/* How input is moved from one client to another. */
enum serial_switch {
    SERIAL_SWITCH_CTRL_BACKSLASH, /* Ctrl-\, index from 0, Enter; Ctrl-\ twice is one Ctrl-\ */
    SERIAL_SWITCH_AT,             /* '@' and a digit from 1, at once; "\@" is a plain '@' */
    SERIAL_SWITCH_RETURN_AT,      /* Return, '@', index from 0 */
};

struct serial_virt_rx_client {
    struct sddf_serial_connection conn;
    char name[SDDF_NAME_BYTES];
};

/* Section ".serial_virt_rx_config": our own. */
struct serial_virt_rx_config {
    struct sddf_magic magic;
    uint8_t num_clients;
    uint8_t switch_keys;      /* enum serial_switch */
    uint8_t timer_channel;    /* of the timer driver */
    uint8_t counters_channel; /* of who prints what is counted (cloister/counters.h) */
    struct sddf_serial_connection driver;
    struct sddf_serial_connection log; /* to the transmit virtualiser: "input to guest1" */
    bool can_power_off;                /* cloister/power.h: by a call to the supervisor */
    uint8_t supervisor_channel;        /* if can_power_off */
    char leave[SDDF_NAME_BYTES];       /* how the operator leaves the console, or "" */
    struct serial_virt_rx_client clients[SDDF_MAX_CLIENTS];
};

/* Between a block client and its server: virtualiser and driver, or VMM and virtualiser. */
struct sddf_blk_connection {
    struct sddf_region storage_info; /* struct blk_storage_info */
    struct sddf_region req;          /* struct blk_req_queue */
    struct sddf_region resp;         /* struct blk_resp_queue */
    uint16_t num_buffers;            /* capacity of both queues in entries, a power of two */
    uint8_t channel;
};

/* Section ".blk_driver_config". */
struct sddf_blk_driver_config {
    struct sddf_magic magic;
    struct sddf_blk_connection virt;
};

/* Section ".blk_client_config". */
struct sddf_blk_client_config {
    struct sddf_magic magic;
    struct sddf_blk_connection virt;
    struct sddf_region data; /* what io_or_offset of its requests counts in */
};

#define BLK_WHOLE_DISK 0xffffu /* as partition: block 0 to the end of the disk */

struct blk_virt_client {
    struct sddf_blk_connection conn;
    struct sddf_device_region data; /* its data region; only io_addr and size are used */
    uint16_t partition;             /* its place in the table, from 0, or BLK_WHOLE_DISK */
    bool read_only;
    bool guest_ram; /* the data region is the RAM of its guest; treated as any other */
    char name[SDDF_NAME_BYTES];
};

/* Section ".blk_virt_config": our own. */
struct blk_virt_config {
    struct sddf_magic magic;
    uint8_t num_clients;
    struct sddf_blk_connection driver;
    struct sddf_device_region data; /* its own, for the partition table */
    struct blk_virt_client clients[SDDF_MAX_CLIENTS];
};

/* One direction between a network component and its neighbour. */
struct sddf_net_connection {
    struct sddf_region free;   /* struct net_queue: buffers without a frame */
    struct sddf_region active; /* struct net_queue: buffers with one */
    uint16_t num_buffers;      /* capacity of both rings in entries, a power of two */
    uint8_t channel;
};

struct sddf_mac {
    uint8_t bytes[6];
};

/* Section ".net_driver_config". */
struct sddf_net_driver_config {
    struct sddf_magic magic;
    struct sddf_net_connection rx; /* to the receive virtualiser */
    struct sddf_net_connection tx; /* from the transmit virtualiser */
};

/* Section ".net_client_config". */
struct sddf_net_client_config {
    struct sddf_magic magic;
    struct sddf_net_connection rx;
    struct sddf_region rx_data; /* the receive DMA region, read-only */
    struct sddf_net_connection tx;
    struct sddf_region tx_data; /* the client's own */
    struct sddf_mac mac;
};

#define NET_MAX_MACS 16

struct net_virt_rx_client {
    struct sddf_net_connection conn;
    uint8_t num_macs;
    struct sddf_mac macs[NET_MAX_MACS];
    bool multicast; /* hears frames to groups; those to all are heard by everybody */
    bool others;    /* hears frames to a MAC that nobody has */
    char name[SDDF_NAME_BYTES];
};

/* Section ".net_virt_rx_config": our own. */
struct net_virt_rx_config {
    struct sddf_magic magic;
    uint8_t num_clients;
    bool coherent; /* the device sees the caches */
    struct sddf_net_connection driver;
    struct sddf_device_region data; /* where the device puts frames */
    struct net_virt_rx_client clients[SDDF_MAX_CLIENTS];
};

struct net_virt_tx_client {
    struct sddf_net_connection conn;
    struct sddf_device_region data; /* its own; vaddr: only for what needs a look at frames */
    uint8_t num_macs;               /* if not 0: it may send from these, and from no other */
    struct sddf_mac macs[NET_MAX_MACS];
    char name[SDDF_NAME_BYTES];
};

/* Section ".net_virt_tx_config": our own. */
struct net_virt_tx_config {
    struct sddf_magic magic;
    uint8_t num_clients;
    bool coherent; /* as in net_virt_rx_config; if not, `data` of each client is mapped */
    struct sddf_net_connection driver;
    struct net_virt_tx_client clients[SDDF_MAX_CLIENTS];
};

_Static_assert(sizeof(struct sddf_device_resources) == 1608, "sDDF layout");
_Static_assert(sizeof(struct sddf_serial_connection) == 40, "sDDF layout");
_Static_assert(sizeof(struct sddf_serial_driver_config) == 104, "sDDF layout");
_Static_assert(sizeof(struct sddf_serial_client_config) == 88, "sDDF layout");
_Static_assert(sizeof(struct sddf_timer_client_config) == 6, "sDDF layout");
_Static_assert(sizeof(struct sddf_blk_connection) == 56, "sDDF layout");
_Static_assert(sizeof(struct sddf_blk_driver_config) == 64, "sDDF layout");
_Static_assert(sizeof(struct sddf_blk_client_config) == 80, "sDDF layout");
_Static_assert(sizeof(struct sddf_net_connection) == 40, "sDDF layout");
_Static_assert(sizeof(struct sddf_net_driver_config) == 88, "sDDF layout");
_Static_assert(sizeof(struct sddf_net_client_config) == 128, "sDDF layout");

static inline bool sddf_magic_ok(const struct sddf_magic *magic, enum sddf_type type)
{
    return magic->sddf[0] == 's' && magic->sddf[1] == 'D' && magic->sddf[2] == 'D' &&
           magic->sddf[3] == 'F' && magic->type == type;
}
