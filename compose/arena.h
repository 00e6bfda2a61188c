/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that lives as long as one run. Nothing is freed before the end, so nothing dangles; each
 * piece is an allocation of its own, so that AddressSanitizer sees its bounds. A host tool that
 * gets no memory has nothing better to do than to say so and exit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena_piece;

struct arena {
    struct arena_piece *pieces; /* zero-initialise */
};

/* Returns `bytes` zeroed bytes. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* Returns a zero-terminated copy of `length` bytes. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* Returns a formatted text. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns a size as a person writes it: "256M", "1G", "4K", "17 bytes". */
char *arena_size(struct arena *arena, uint64_t bytes);

/* Frees everything that came from the arena. */
void arena_free(struct arena *arena);
