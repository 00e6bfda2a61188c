/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/arena.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_piece {
    struct arena_piece *next;
    max_align_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct arena_piece *piece = calloc(1, sizeof(*piece) + bytes);
    if (piece == NULL) {
        fputs("compose: out of memory\n", stderr);
        exit(1);
    }
    piece->next = arena->pieces;
    arena->pieces = piece;
    return piece->bytes;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *text = arena_alloc(arena, length + 1);
    if (length > 0) {
        memcpy(text, bytes, length);
    }
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t bytes = length < 0 ? 1 : (size_t)length + 1;
    char *text = arena_alloc(arena, bytes);
    va_start(arguments, format);
    (void)vsnprintf(text, bytes, format, arguments);
    va_end(arguments);
    return text;
}

char *arena_size(struct arena *arena, uint64_t bytes)
{
    static const struct {
        unsigned shift;
        char unit;
    } units[] = { { 30, 'G' }, { 20, 'M' }, { 10, 'K' } };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t unit = 1ul << units[i].shift;
        if (bytes >= unit && bytes % unit == 0) {
            return arena_printf(arena, "%" PRIu64 "%c", bytes / unit, units[i].unit);
        }
    }
    return arena_printf(arena, "%" PRIu64 " bytes", bytes);
}

void arena_free(struct arena *arena)
{
    while (arena->pieces != NULL) {
        struct arena_piece *next = arena->pieces->next;
        free(arena->pieces);
        arena->pieces = next;
    }
}
