/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzz targets of the network virtualisers stand on: rings, and lies in them. */
#pragma once

#include "io/virt/net_ops.h"

#include <stdlib.h>
#include <string.h>

#define FUZZ_CLIENTS  2u
#define FUZZ_CAPACITY 16u
#define FUZZ_STEP     12u /* bytes of the input */

struct fuzz_rings {
    uint64_t free[(8 + FUZZ_CAPACITY * 16) / 8];
    uint64_t active[(8 + FUZZ_CAPACITY * 16) / 8];
};

static void fuzz_notify(uint8_t channel)
{
    (void)channel;
}

static void fuzz_report(const char *text)
{
    (void)text;
}

static void fuzz_cache(uintptr_t vaddr, uint64_t bytes)
{
    /* What is maintained is mapped: ASan looks. */
    if (bytes > 0) {
        (void)*(volatile uint8_t *)vaddr;
        (void)*(volatile uint8_t *)(vaddr + bytes - 1);
    }
}

static const struct net_ops fuzz_ops = { fuzz_notify, fuzz_report, fuzz_cache, fuzz_cache };

static struct sddf_net_connection fuzz_connect(struct fuzz_rings *rings)
{
    memset(rings, 0, sizeof(*rings));
    return (struct sddf_net_connection){
        .free = { (uintptr_t)rings->free, sizeof(rings->free) },
        .active = { (uintptr_t)rings->active, sizeof(rings->active) },
        .num_buffers = FUZZ_CAPACITY,
    };
}

/* Writes what the step says somewhere into the rings: an index, a flag, an entry, or any bytes. */
static void fuzz_corrupt(struct fuzz_rings *rings, const uint8_t *step)
{
    uint8_t *ring = (uint8_t *)(step[1] & 1 ? rings->free : rings->active);
    struct net_queue *queue = (struct net_queue *)ring;
    switch (step[1] / 2 % 4) {
    case 0: /* an entry, and it is published */
        memcpy(&queue->entries[queue->tail % FUZZ_CAPACITY].io_or_offset, step + 2, 8);
        queue->entries[queue->tail++ % FUZZ_CAPACITY].len = (uint16_t)(step[10] | step[11] << 8);
        break;
    case 1: /* the same, of a buffer that there might be */
        queue->entries[queue->tail % FUZZ_CAPACITY].io_or_offset =
            (uint64_t)(step[2] % 32) * NET_BUFFER_SIZE + (step[3] & 1 ? 0x140000000ull : 0);
        queue->entries[queue->tail++ % FUZZ_CAPACITY].len = (uint16_t)(step[10] | step[11] << 8);
        break;
    case 2: /* an index */
        memcpy(step[2] & 1 ? &queue->head : &queue->tail, step + 3, 2);
        break;
    default:
        memcpy(ring + (step[2] | step[3] << 8) % (sizeof(rings->free) - 8), step + 4, 8);
    }
}
