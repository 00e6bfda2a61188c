/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For Frama-C, in front of every file: what it does not know of clang's C, and values that may be
 * anything. A load from shared memory goes through a volatile type: Eva takes any value for it,
 * each time another. Fences and orders mean nothing to it; tests/model is about those.
 */
#pragma once

#include <__fc_builtin.h>
#include <stddef.h>
#include <stdint.h>

#define __atomic_load_n(at, order)         (*(const volatile __typeof__(*(at)) *)(at))
#define __atomic_store_n(at, value, order) ((void)(*(at) = (value)))
#define __atomic_thread_fence(order)       ((void)0)

extern volatile uint64_t any; /* any value at each look */

/* A number of `low` to `high`. */
static inline uint64_t any_of(uint64_t low, uint64_t high)
{
    uint64_t value = any;
    return value >= low && value <= high ? value : low;
}

#define any_bytes(at, bytes) Frama_C_make_unknown((char *)(at), (bytes))
