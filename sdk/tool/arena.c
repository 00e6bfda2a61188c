/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/arena.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_CAPACITY 8

struct arena_block {
    struct arena_block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct arena_block *block =
        bytes < SIZE_MAX - sizeof *block ? calloc(1, sizeof *block + bytes) : NULL;
    if (!block) {
        fprintf(stderr, "error: no memory left on this host\n");
        exit(EXIT_FAILURE);
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    return length ? memcpy(copy, bytes, length) : copy;
}

void *arena_read(struct arena *arena, const char *path, size_t *bytes)
{
    struct stat stat;
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    /* fopen() alone would take a folder. */
    bool good = fstat(fileno(file), &stat) == 0 && S_ISREG(stat.st_mode);
    *bytes = good ? (size_t)stat.st_size : 0;
    void *buffer = arena_alloc(arena, *bytes + 1);
    errno = good ? 0 : EISDIR;
    good = good && fread(buffer, 1, *bytes, file) == *bytes;
    fclose(file);
    return good ? buffer : NULL;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_bytes)
{
    /* The capacity is not stored: it is FIRST_CAPACITY, then each power of two. */
    bool full = count == 0 || (count >= FIRST_CAPACITY && (count & (count - 1)) == 0);
    if (!full) {
        return items;
    }
    void *grown = arena_alloc(arena, (count ? 2 * count : FIRST_CAPACITY) * item_bytes);
    return count ? memcpy(grown, items, count * item_bytes) : grown;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
