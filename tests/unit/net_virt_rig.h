/* SPDX-License-Identifier: BSD-2-Clause */
/* What the network virtualisers' tests stand on: rings in memory, counted signals, a log. */
#pragma once

#include "io/virt/net_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS        3u
#define CAPACITY       64u
#define DRIVER_CHANNEL 50

/* The rings of a connection, of exactly the right size. */
struct rig_rings {
    uint64_t free[(8 + CAPACITY * 16) / 8];
    uint64_t active[(8 + CAPACITY * 16) / 8];
};

static unsigned int signals[256];
static char said[4096];
static uint64_t cleaned, invalidated; /* bytes */

static void rig_notify(uint8_t channel)
{
    signals[channel]++;
}

static void rig_report(const char *text)
{
    strncat(said, text, sizeof(said) - strlen(said) - 1);
}

static void rig_clean(uintptr_t vaddr, uint64_t bytes)
{
    (void)vaddr;
    cleaned += bytes;
}

static void rig_invalidate(uintptr_t vaddr, uint64_t bytes)
{
    (void)vaddr;
    invalidated += bytes;
}

static const struct net_ops rig_ops = { rig_notify, rig_report, rig_clean, rig_invalidate };

static struct sddf_net_connection rig_connect(struct rig_rings *rings, uint8_t channel)
{
    memset(rings, 0, sizeof(*rings));
    return (struct sddf_net_connection){
        .free = { (uintptr_t)rings->free, sizeof(rings->free) },
        .active = { (uintptr_t)rings->active, sizeof(rings->active) },
        .num_buffers = CAPACITY,
        .channel = channel,
    };
}

static void rig_forget(void)
{
    memset(signals, 0, sizeof(signals));
    said[0] = '\0';
    cleaned = invalidated = 0;
}

/* guest0 has 52:54:01:00:00:00, and so on. */
static struct sddf_mac rig_mac(uint32_t number)
{
    return (struct sddf_mac){ { 0x52, 0x54, 1, 0, 0, (uint8_t)number } };
}

static void rig_name(char *name, uint32_t number)
{
    memcpy(name, "guest0", 7);
    name[5] = (char)('0' + number);
}
