/* SPDX-License-Identifier: BSD-2-Clause */
/* The FP registers as a pattern: both halves of qN hold seed + N. */
#pragma once

#include <stdint.h>

void fp_fill(uint64_t seed);
/* How many of the 32 registers hold something else. */
uint64_t fp_wrong(uint64_t seed);
void fp_set_control(uint64_t fpcr);
uint64_t fp_control(void);
