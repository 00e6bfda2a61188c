/* SPDX-License-Identifier: BSD-2-Clause */
/* What the network virtualisers need from around them, and what both of them do. */
#pragma once

#include <cloister/counters.h>
#include <cloister/ethernet.h>
#include <sddf/net_queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NET_HEADER_BYTES ETHERNET_HEADER_BYTES
#define NET_FRAME_MAX    (1500 + ETHERNET_LINK_BYTES)

struct net_ops {
    void (*notify)(uint8_t channel);
    void (*report)(const char *text); /* a piece of text for the developer's log */
    /* For a device that does not see the caches: memory is about to be read by it, or has been
     * written by it. */
    void (*cache_clean)(uintptr_t vaddr, uint64_t bytes);
    void (*cache_invalidate)(uintptr_t vaddr, uint64_t bytes);
};

/* Says of somebody what they do wrong, once: what follows a lie is of no interest. */
static inline void net_tell_of(const struct net_ops *ops, bool *told, const char *who,
                               const char *what)
{
    if (!*told) {
        *told = true;
        ops->report("network: ");
        ops->report(who);
        ops->report(what);
    }
}

static inline bool net_mac_equal(const struct sddf_mac *a, const struct sddf_mac *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whether `mac` is one of the `count` of a list. */
static inline bool net_mac_listed(const struct sddf_mac *macs, uint8_t count,
                                  const struct sddf_mac *mac)
{
    for (uint32_t i = 0; i < count && i < NET_MAX_MACS; i++) {
        if (net_mac_equal(&macs[i], mac)) {
            return true;
        }
    }
    return false;
}

/* The first bit of a group's address (and of the one for all). */
static inline bool net_mac_is_group(const struct sddf_mac *mac)
{
    return (mac->bytes[0] & 1) != 0;
}
