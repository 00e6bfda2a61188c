/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/entropy/entropy_core.h"

#include <cloister/entropy.h>
#include <string.h>

/* A memset() that the compiler may not leave out. */
static void erase(void *at, size_t bytes)
{
    memset(at, 0, bytes);
    __asm__ volatile("" : : "r"(at) : "memory");
}

static void gather(struct entropy_core *core)
{
    uint64_t sample = core->sample();
    health_add(&core->health, (uint8_t)sample);
    sha256_add(&core->pool, &sample, sizeof(sample));
    core->pooled++;
}

/* The key is from now on what was pooled and what it was. */
static void change_key(struct entropy_core *core)
{
    sha256_add(&core->pool, core->key, sizeof(core->key));
    sha256_end(&core->pool, core->key);
    erase(&core->pool, sizeof(core->pool));
    sha256_init(&core->pool);
    core->pooled = 0;
}

void entropy_core_init(struct entropy_core *core, uint64_t (*sample)(void), const void *seed,
                       uint32_t seed_bytes)
{
    *core = (struct entropy_core){ .sample = sample };
    sha256_init(&core->pool);
    sha256_add(&core->pool, seed, seed_bytes);
    while (core->pooled < ENTROPY_START_SAMPLES) {
        gather(core);
    }
    change_key(core);
    core->ready = seed_bytes > 0 || !core->health.failed;
}

uint32_t entropy_core_get(struct entropy_core *core, void *to, uint32_t bytes)
{
    static const uint32_t nonce[3];
    uint32_t block[CHACHA20_BLOCK_WORDS], next[CHACHA20_KEY_WORDS];
    uint8_t *at = to;
    uint32_t left = bytes < ENTROPY_MAX_BYTES ? bytes : ENTROPY_MAX_BYTES;
    if (!core->ready) {
        return 0;
    }
    gather(core);
    if (core->pooled >= ENTROPY_POOL_SAMPLES && !core->health.failed) {
        change_key(core);
    }
    chacha20_block(core->key, 0, nonce, block);
    memcpy(next, block, sizeof(next));
    for (uint32_t counter = 1; left > 0; counter++) {
        uint32_t part = left < sizeof(block) ? left : sizeof(block);
        chacha20_block(core->key, counter, nonce, block);
        memcpy(at, block, part);
        at += part;
        left -= part;
    }
    memcpy(core->key, next, sizeof(next));
    erase(next, sizeof(next));
    erase(block, sizeof(block));
    return (uint32_t)(at - (uint8_t *)to);
}
