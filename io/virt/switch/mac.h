/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which MAC address is behind which port: the record's own, which nobody else can take, and those
 * learnt from the frames that a port sends. A port has room for a few learnt ones and pushes out
 * only its own, so that a flood of invented addresses makes nobody else's be forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAC_PORTS     17u /* the last is the uplink */
#define MAC_LEARNT    16u /* of one port */
#define MAC_MAX_AGE   10u /* ticks without a frame */
#define MAC_UNKNOWN   MAC_PORTS
#define MAC_BROADCAST 0xffffffffffffull

struct mac_table {
    uint32_t now;            /* ticks */
    uint64_t own[MAC_PORTS]; /* 0: none */
    bool learns[MAC_PORTS];  /* others too */
    uint32_t num_learnt[MAC_PORTS];
    struct {
        uint64_t mac;
        uint32_t seen;
    } learnt[MAC_PORTS][MAC_LEARNT];
};

/* Six bytes as a number; the order is that of memory. */
static inline uint64_t mac_read(const uint8_t *bytes)
{
    uint64_t mac = 0;
    for (uint32_t i = 0; i < 6; i++) {
        mac |= (uint64_t)bytes[i] << 8 * i;
    }
    return mac;
}

/* Group addresses: multicast and broadcast. */
static inline bool mac_is_group(uint64_t mac)
{
    return (mac & 1) != 0;
}

/* The port of a MAC, or MAC_UNKNOWN. */
uint32_t mac_find(const struct mac_table *table, uint64_t mac);

/* A frame from `port` says that it is `mac`. False: it is not; that is another port's own, or this
 * one does not learn. */
bool mac_source(struct mac_table *table, uint32_t port, uint64_t mac);

/* Forgets what was learnt of a port. */
void mac_forget(struct mac_table *table, uint32_t port);

/* A tick: forgets what was not seen for MAC_MAX_AGE of them. */
void mac_tick(struct mac_table *table);
