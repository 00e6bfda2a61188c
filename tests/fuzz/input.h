/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzz target's input as a program of steps: bytes taken one after the other, zeros at its end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

/* The next `bytes` bytes (up to 8), the first of them the highest. */
static inline uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->left > 0; i++, in->left--) {
        value = value << 8 | *in->at++;
    }
    return value;
}
