/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/entropy/sha256.h"

#include <string.h>

#define ROUNDS       64
#define LENGTH_BYTES 8 /* at the end of the last block */

/* FIPS 180-4, 4.2.2: of the cube roots of the first 64 primes. */
static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* 5.3.3: of the square roots of the first 8. */
static const uint32_t first_state[SHA256_WORDS] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
};

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

/* 6.2.2, step 1 */
static void schedule(uint32_t *words, const uint8_t *block)
{
    for (unsigned i = 0; i < 16; i++, block += 4) {
        words[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 |
                   block[3];
    }
    for (unsigned i = 16; i < ROUNDS; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + words[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

/* Steps 2 to 4. The working variables a to h turn by one place a round. */
static void compress(uint32_t *state, const uint8_t *block)
{
    uint32_t words[ROUNDS], v[SHA256_WORDS];
    schedule(words, block);
    memcpy(v, state, sizeof(v));
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + constants[i] + words[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(&v[1], &v[0], sizeof(v) - sizeof(*v));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < SHA256_WORDS; i++) {
        state[i] += v[i];
    }
}

void sha256_init(struct sha256 *hash)
{
    memcpy(hash->state, first_state, sizeof(first_state));
    hash->bytes = 0;
}

void sha256_add(struct sha256 *hash, const void *data, uint32_t bytes)
{
    const uint8_t *from = data;
    for (uint32_t i = 0; i < bytes; i++) {
        hash->block[hash->bytes++ % SHA256_BLOCK_BYTES] = from[i];
        if (hash->bytes % SHA256_BLOCK_BYTES == 0) {
            compress(hash->state, hash->block);
        }
    }
}

void sha256_end(struct sha256 *hash, uint32_t digest[SHA256_WORDS])
{
    uint64_t bits = hash->bytes * 8;
    uint8_t length[LENGTH_BYTES];
    for (unsigned i = 0; i < LENGTH_BYTES; i++) {
        length[i] = (uint8_t)(bits >> (8 * (LENGTH_BYTES - 1 - i)));
    }
    sha256_add(hash, "\x80", 1);
    while (hash->bytes % SHA256_BLOCK_BYTES != SHA256_BLOCK_BYTES - LENGTH_BYTES) {
        sha256_add(hash, "", 1);
    }
    sha256_add(hash, length, LENGTH_BYTES);
    memcpy(digest, hash->state, sizeof(hash->state));
}
