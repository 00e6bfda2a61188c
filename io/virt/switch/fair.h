/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may fill how much of a receiver: a sender may have FAIR_SHARE times as much of its room as is
 * left free (the "dynamic threshold" of shared-memory switches). So a flood leaves a part for
 * others, and who has nothing there always may. Room comes back in the order in which it was
 * filled, so a queue of owners tells whose it was. Some may never come back: a receiver that posts
 * anew is taken to hold at most as much as lies there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAIR_SHARE   4u
#define FAIR_ENTRIES 1024u /* a power of two; no receiver has more */
#define FAIR_SENDERS 17u

struct fair {
    bool lasting;   /* all room comes back */
    uint32_t depth; /* the room there is, free or not */
    uint32_t left;  /* of what was free when it was looked at last */
    uint32_t head, tail;
    uint8_t owners[FAIR_ENTRIES];
    uint16_t used[FAIR_SENDERS];
};

/* `free` of the receiver's room is free now (at most FAIR_ENTRIES). */
static inline void fair_see(struct fair *fair, uint32_t free)
{
    uint32_t most = free > fair->left && !fair->lasting ? 2 * free : FAIR_ENTRIES;
    fair->depth = fair->depth < most ? fair->depth : most;
    fair->depth = fair->depth > free ? fair->depth : free;
    fair->left = free;
    while (fair->tail - fair->head > fair->depth - free) {
        fair->used[fair->owners[fair->head++ % FAIR_ENTRIES]]--;
    }
}

/* Whether `sender` may fill `need` of `free`. */
static inline bool fair_may(const struct fair *fair, uint32_t sender, uint32_t free, uint32_t need)
{
    return fair->used[sender] == 0 || fair->used[sender] + need <= FAIR_SHARE * (free - need);
}

/* It does: at most what fair_see() was told. */
static inline void fair_fill(struct fair *fair, uint32_t sender, uint32_t count)
{
    fair->used[sender] = (uint16_t)(fair->used[sender] + count);
    fair->left -= count;
    while (count-- > 0) {
        fair->owners[fair->tail++ % FAIR_ENTRIES] = (uint8_t)sender;
    }
}
