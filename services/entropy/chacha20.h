/* SPDX-License-Identifier: BSD-2-Clause */
/* The block function of ChaCha20 (RFC 8439, 2.3). */
#pragma once

#include <stdint.h>

#define CHACHA20_KEY_WORDS   8
#define CHACHA20_BLOCK_WORDS 16
#define CHACHA20_BLOCK_BYTES 64

/* Words are little endian, as both our targets are: a block's words lie in memory as its bytes. */
void chacha20_block(const uint32_t key[CHACHA20_KEY_WORDS], uint32_t counter,
                    const uint32_t nonce[3], uint32_t block[CHACHA20_BLOCK_WORDS]);
