/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The continuous health tests of a noise source (SP 800-90B, 4.4), for samples of 8 bits of which
 * we claim a quarter of a bit of min-entropy. A good source fails one of them once in 2^30 samples.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_REPEATS 121u /* 4.4.1: 1 + 30 / (1/4) equal ones in a row */
#define HEALTH_WINDOW  512u /* 4.4.2, and how many in it may be as its first: */
#define HEALTH_COMMON  477u /* 1 + critbinom(512, 2^-1/4, 1 - 2^-30) */

/* All zero: no sample yet. */
struct health {
    uint8_t last;
    uint8_t first;     /* of the window */
    uint32_t repeats;  /* of the last, itself counted */
    uint32_t position; /* in the window; 0: a new one begins */
    uint32_t common;
    bool failed; /* read only; for good */
};

void health_add(struct health *health, uint8_t sample);
