/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4), which SP 800-90B 3.1.5.1.1 has among the conditioning functions. */
#pragma once

#include <stdint.h>

#define SHA256_WORDS       8
#define SHA256_BLOCK_BYTES 64

struct sha256 {
    uint32_t state[SHA256_WORDS];
    uint64_t bytes; /* hashed until now */
    uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_init(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, uint32_t bytes);

/* Gives the digest, its words as numbers (the first holds the digest's first four bytes). */
void sha256_end(struct sha256 *hash, uint32_t digest[SHA256_WORDS]);
