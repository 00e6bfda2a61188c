/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is freed all at once. The tool runs for a moment and keeps nearly everything until
 * its end, so nothing is freed alone.
 */
#pragma once

#include <stddef.h>

struct arena {
    struct arena_block *blocks;
};

/* Returns zeroed memory; ends the program when the host has none left. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* Returns a copy of `text`; NULL stays NULL. */
char *arena_text(struct arena *arena, const char *text);

/* Returns `items` with room for one more item, which is zeroed. The array may have moved. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_bytes);

/* Frees all that was allocated. */
void arena_free(struct arena *arena);
