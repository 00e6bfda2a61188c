/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/entropy/chacha20.h"

#include <string.h>

#define ROUND_PAIRS 10

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

/* RFC 8439, 2.1 */
static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotate(*d ^ *a, 16);
    *c += *d, *b = rotate(*b ^ *c, 12);
    *a += *b, *d = rotate(*d ^ *a, 8);
    *c += *d, *b = rotate(*b ^ *c, 7);
}

void chacha20_block(const uint32_t key[CHACHA20_KEY_WORDS], uint32_t counter,
                    const uint32_t nonce[3], uint32_t block[CHACHA20_BLOCK_WORDS])
{
    /* "expand 32-byte k", key, counter, nonce */
    uint32_t start[CHACHA20_BLOCK_WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    memcpy(&start[4], key, CHACHA20_KEY_WORDS * sizeof(*key));
    start[12] = counter;
    memcpy(&start[13], nonce, 3 * sizeof(*nonce));
    memcpy(block, start, sizeof(start));
    for (unsigned pair = 0; pair < ROUND_PAIRS; pair++) {
        for (unsigned i = 0; i < 4; i++) { /* columns */
            quarter_round(&block[i], &block[4 + i], &block[8 + i], &block[12 + i]);
        }
        for (unsigned i = 0; i < 4; i++) { /* diagonals */
            quarter_round(&block[i], &block[4 + (i + 1) % 4], &block[8 + (i + 2) % 4],
                          &block[12 + (i + 3) % 4]);
        }
    }
    for (unsigned i = 0; i < CHACHA20_BLOCK_WORDS; i++) {
        block[i] += start[i];
    }
}
