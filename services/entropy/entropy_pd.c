/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy driver. Its noise is how long a walk through memory takes, in ticks of the generic
 * timer's counter: what caches, refills, interrupts and, in an emulator, the host make of it.
 * Nobody has certified that. Passive: clients pay for what they draw.
 */
#include "services/entropy/entropy_core.h"

#include <cloister/entropy.h>
#include <microkit.h>
#include <string.h>

#define MEMORY_BYTES 0x10000u /* about a first-level cache */
#define STEPS        64u      /* of a walk; enough for some ticks of a slow counter */
#define BAD_REQUEST  1        /* label of a reply to what is no request */

extern struct entropy_config entropy_config;
__attribute__((section(".entropy_config"), used)) struct entropy_config entropy_config;

static struct entropy_core core;
static volatile uint8_t memory[MEMORY_BYTES];

static uint64_t counter(void)
{
    uint64_t ticks;
    __asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

/* Ticks that a walk takes. Where it goes hangs on where it has been, and on the time. */
static uint64_t walk(void)
{
    uint64_t start = counter();
    uint32_t at = (uint32_t)start;
    for (unsigned i = 0; i < STEPS; i++) {
        at = (at * 1664525u + 1013904223u + memory[at % MEMORY_BYTES]) ^ at >> 16;
        memory[at % MEMORY_BYTES]++;
    }
    return counter() - start;
}

static void tell(void)
{
    if (core.health.failed) {
        microkit_dbg_puts("entropy: the counter's jitter fails its tests; ");
        microkit_dbg_puts(core.ready ? "the seed alone serves, each start gives the same bytes\n"
                                     : "there are no random bytes, give the system a `seed`\n");
    }
}

void init(void)
{
    const struct entropy_config *config = &entropy_config;
    if (config->magic != ENTROPY_CONFIG_MAGIC || config->seed_bytes > ENTROPY_SEED_MAX) {
        microkit_dbg_puts("entropy: .entropy_config is not filled in\n");
        return;
    }
    entropy_core_init(&core, walk, config->seed, config->seed_bytes);
    tell();
}

void notified(microkit_channel ch)
{
    (void)ch; /* clients call, they do not notify */
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    uint64_t words[ENTROPY_MAX_BYTES / sizeof(uint64_t)];
    (void)ch;
    if (microkit_msginfo_get_label(msginfo) != ENTROPY_GET ||
        microkit_msginfo_get_count(msginfo) < 1) {
        return microkit_msginfo_new(BAD_REQUEST, 0);
    }
    seL4_Word wanted = microkit_mr_get(0);
    uint32_t bytes = wanted < sizeof(words) ? (uint32_t)wanted : sizeof(words);
    bytes = entropy_core_get(&core, words, bytes);
    memset((uint8_t *)words + bytes, 0, sizeof(words) - bytes);
    seL4_Uint8 count = (seL4_Uint8)((bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    for (seL4_Uint8 i = 0; i < count; i++) {
        microkit_mr_set(i, words[i]);
    }
    return microkit_msginfo_new(0, count);
}
