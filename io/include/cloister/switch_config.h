/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record of the switch (section ".switch_config"), ours: one for each network and one for
 * vsock. compose writes it; it is trusted.
 */
#pragma once

#include <sddf/config.h>
#include <stdint.h>

#define SWITCH_CONFIG_MAGIC 0x3230686374697773ul /* "switch02", little endian */
#define SWITCH_PORTS        16u
#define SWITCH_NO_CHANNEL   0xffu
#define SWITCH_HELD_BYTES   0x23000ul /* for what waits of a port on a vsock */

enum switch_kind { SWITCH_NET = 0, SWITCH_VSOCK = 1 };

struct switch_port {
    uint64_t port_vaddr;       /* struct port, shared with the VMM */
    struct sddf_region memory; /* what the port's entries count in: the guest's RAM */
    uint64_t cid;              /* vsock: the guest's */
    uint32_t allow;            /* bit n: its frames may go to port n, bit SWITCH_PORTS: uplink */
    uint16_t mtu;              /* net: bytes of a frame behind its Ethernet header */
    uint8_t channel;           /* to the VMM */
    uint8_t mac[6];            /* net: the guest's */
    bool fixed;                /* net: it has this MAC and no other; if not, the switch learns */
    char name[SDDF_NAME_BYTES];
};

/* A network's way out: the switch as a client of sDDF's network virtualisers. */
struct switch_uplink {
    struct sddf_net_connection rx, tx;
    struct sddf_region rx_data; /* the receive DMA region, read-only */
    struct sddf_region tx_data; /* the switch's own */
    uint32_t allow;             /* bit n: frames from outside may go to port n */
    uint16_t mtu;               /* with ETHERNET_LINK_BYTES at most NET_BUFFER_SIZE */
};

struct switch_config {
    uint64_t magic;
    uint8_t kind; /* enum switch_kind */
    uint8_t num_ports;
    bool has_uplink;
    uint8_t timer_channel; /* sDDF's timer, for what is to be forgotten; or SWITCH_NO_CHANNEL */
    uint64_t held_vaddr;   /* vsock: SWITCH_HELD_BYTES for each port, mapped rw */
    struct switch_port ports[SWITCH_PORTS];
    struct switch_uplink uplink;
};

static inline uint32_t switch_header_bytes(enum switch_kind kind)
{
    return kind == SWITCH_NET ? 12 : 44;
}
