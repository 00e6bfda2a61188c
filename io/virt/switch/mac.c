/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/mac.h"

static uint32_t find_own(const struct mac_table *table, uint64_t mac)
{
    uint32_t port = 0;
    while (port < MAC_PORTS && table->own[port] != mac) {
        port++;
    }
    return port;
}

/* Its place among what was learnt of the port, or MAC_LEARNT. */
static uint32_t find_learnt(const struct mac_table *table, uint32_t port, uint64_t mac)
{
    uint32_t i = 0;
    while (i < table->num_learnt[port] && table->learnt[port][i].mac != mac) {
        i++;
    }
    return i < table->num_learnt[port] ? i : MAC_LEARNT;
}

uint32_t mac_find(const struct mac_table *table, uint64_t mac)
{
    uint32_t port = find_own(table, mac);
    if (mac == 0) { /* is nobody's: it marks a port without one */
        return MAC_UNKNOWN;
    }
    if (port < MAC_PORTS) {
        return port;
    }
    for (port = 0; port < MAC_PORTS; port++) {
        if (find_learnt(table, port, mac) < MAC_LEARNT) {
            return port;
        }
    }
    return MAC_UNKNOWN;
}

static void remove_at(struct mac_table *table, uint32_t port, uint32_t i)
{
    table->learnt[port][i] = table->learnt[port][--table->num_learnt[port]];
}

/* A free place, or that of the one that was silent longest. */
static uint32_t place_for_one(struct mac_table *table, uint32_t port)
{
    uint32_t oldest = 0;
    if (table->num_learnt[port] < MAC_LEARNT) {
        return table->num_learnt[port]++;
    }
    for (uint32_t i = 1; i < MAC_LEARNT; i++) {
        if (table->now - table->learnt[port][i].seen >
            table->now - table->learnt[port][oldest].seen) {
            oldest = i;
        }
    }
    return oldest;
}

static void learn(struct mac_table *table, uint32_t port, uint64_t mac)
{
    uint32_t i = find_learnt(table, port, mac);
    if (i == MAC_LEARNT) {
        uint32_t before = mac_find(table, mac);
        if (before != MAC_UNKNOWN) { /* it has moved */
            remove_at(table, before, find_learnt(table, before, mac));
        }
        i = place_for_one(table, port);
        table->learnt[port][i].mac = mac;
    }
    table->learnt[port][i].seen = table->now;
}

bool mac_source(struct mac_table *table, uint32_t port, uint64_t mac)
{
    uint32_t owner = find_own(table, mac);
    if (mac_is_group(mac) || mac == 0) {
        return false;
    }
    if (owner < MAC_PORTS || !table->learns[port]) {
        return owner == port;
    }
    learn(table, port, mac);
    return true;
}

void mac_forget(struct mac_table *table, uint32_t port)
{
    table->num_learnt[port] = 0;
}

void mac_tick(struct mac_table *table)
{
    table->now++;
    for (uint32_t port = 0; port < MAC_PORTS; port++) {
        for (uint32_t i = table->num_learnt[port]; i-- > 0;) {
            if (table->now - table->learnt[port][i].seen > MAC_MAX_AGE) {
                remove_at(table, port, i);
            }
        }
    }
}
