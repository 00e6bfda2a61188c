/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/arena.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 8

struct arena_block {
    struct arena_block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct arena_block *block = NULL;

    if (bytes < SIZE_MAX - sizeof *block)
        block = calloc(1, sizeof *block + bytes);
    if (!block) {
        fprintf(stderr, "microkit: error: no memory left on this host\n");
        exit(EXIT_FAILURE);
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

char *arena_text(struct arena *arena, const char *text)
{
    if (!text)
        return NULL;
    size_t bytes = strlen(text) + 1;
    return memcpy(arena_alloc(arena, bytes), text, bytes);
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_bytes)
{
    /* The capacity is not stored: it is FIRST_CAPACITY, then each power of two. */
    bool full = count == 0 || (count >= FIRST_CAPACITY && (count & (count - 1)) == 0);
    if (!full)
        return items;
    size_t capacity = count ? 2 * count : FIRST_CAPACITY;
    void *grown = arena_alloc(arena, capacity * item_bytes);
    if (count)
        memcpy(grown, items, count * item_bytes);
    return grown;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
