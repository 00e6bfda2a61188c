/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is freed all at once: a host tool keeps nearly everything until its end. Each piece
 * is an allocation of its own, so that AddressSanitizer sees its bounds. */
#pragma once

#include <stddef.h>

struct arena {
    struct arena_block *blocks;
};

/* Returns zeroed memory; ends the program when the host has none left. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));

/* Returns a copy of `length` bytes with a zero behind them. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* Returns a whole regular file with a zero behind it; NULL, and errno set, if it cannot be read. */
void *arena_read(struct arena *arena, const char *path, size_t *bytes);

/* Returns `items` with room for one more item, which is zeroed. The array may have moved. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_bytes);

/* Frees all that was allocated. */
void arena_free(struct arena *arena);

/* The head of a loop over `holder`'s array `items` of num_items: for (EACH(pd, system, pds)). */
#define EACH(item, holder, array)                                                                  \
    __typeof__(&(holder)->array[0]) item = (holder)->array;                                        \
    (size_t)(item - (holder)->array) < (holder)->num_##array;                                      \
    item++
