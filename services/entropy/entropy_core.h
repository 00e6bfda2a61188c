/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy driver without its hardware. Samples of a noise source, tested and hashed, make a
 * key; ChaCha20 makes bytes from it and, with each answer, the next key in place of it: who sees
 * all of our memory later can't compute what was given out before. New samples go into the key as
 * answers are given.
 */
#pragma once

#include "services/entropy/chacha20.h"
#include "services/entropy/health.h"
#include "services/entropy/sha256.h"

#include <stdbool.h>
#include <stdint.h>

#define ENTROPY_START_SAMPLES 2048u /* claimed: 512 bits; SP 800-90B 4.3 wants 1,024 tested */
#define ENTROPY_POOL_SAMPLES  1024u /* one an answer: 256 bits until they go into the key */

struct entropy_core {
    uint64_t (*sample)(void); /* the low 8 bits are what is tested */
    struct health health;
    struct sha256 pool;
    uint32_t pooled;
    uint32_t key[CHACHA20_KEY_WORDS];
    bool ready; /* read only: the key is nobody else's to know */
};

/*
 * Gathers the first samples. `seed` (or 0 bytes) is mixed in; it also serves alone where the source
 * fails its tests (health.failed): then each start gives the same bytes. With neither there are
 * none.
 */
void entropy_core_init(struct entropy_core *core, uint64_t (*sample)(void), const void *seed,
                       uint32_t seed_bytes);

/* Gives `bytes` bytes, at most ENTROPY_MAX_BYTES of them; returns how many: 0 if it is not ready.
 */
uint32_t entropy_core_get(struct entropy_core *core, void *to, uint32_t bytes);
