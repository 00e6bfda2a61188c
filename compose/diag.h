/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors: `FILE:LINE:COLUMN: error: what is wrong; what would be right`. As many as there are are
 * told, so that a person mends a file in one go; the caller looks at `errors` between two steps.
 */
#pragma once

#include "sdk/tool/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A place in a file, counted from 1. Line 0: no place, what it belongs to was not written. */
struct mark {
    unsigned line;
    unsigned column;
    const char *file; /* NULL: the system's YAML file */
};

static inline struct mark mark_file(const char *path)
{
    return (struct mark){ .file = path };
}

struct diag {
    struct arena *arena; /* of texts, and of all that the run makes */
    FILE *out;
    const char *file;
    unsigned errors;
};

/* Tells one error at a place, or of the whole file where the line is 0. */
void diag_error(struct diag *diag, struct mark at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns " (did you mean 'NEAREST'?)" for the word of the list that `word` was meant to be, "" if
 * none is near. The list ends with NULL. */
const char *diag_meant(struct arena *arena, const char *word, const char *const *words);

/* Returns the list as "a, b, c". It ends with NULL. */
const char *diag_join(struct arena *arena, const char *const *words);

/* Returns text from a file in a form that may be printed: short, without control characters. */
const char *diag_quote(struct arena *arena, const char *text);

/* Returns a formatted text. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns a size as a person writes it: "256M", "1G", "4K", "17 bytes". */
char *arena_size(struct arena *arena, uint64_t bytes);
