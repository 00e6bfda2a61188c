/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes from the entropy driver: its record (section ".entropy_config"), ours, and its
 * protocol. A client calls and gets bytes that nobody else gets. The driver is passive, so that its
 * work is done in the caller's time.
 */
#pragma once

#include <stdint.h>

#define ENTROPY_CONFIG_MAGIC 0x3130706f72746e65ul /* "entrop01", little endian */
#define ENTROPY_SEED_MIN     32u                  /* bytes of a seed, if there is one */
#define ENTROPY_SEED_MAX     256u
#define ENTROPY_MAX_BYTES    512u /* of an answer: the words of a message */

struct entropy_config {
    uint64_t magic;
    uint32_t seed_bytes; /* 0: none; the user's own, in the image for all who can read that */
    uint8_t seed[ENTROPY_SEED_MAX];
};

/* A label. MR0: how many bytes -> as many in message registers; none without a good source. */
enum entropy_request { ENTROPY_GET = 0 };
