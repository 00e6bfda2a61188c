/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a system's YAML file: one table that the reader, the errors and the reference in the
 * manual are made from.
 */
#pragma once

#include "compose/model.h"

enum key_kind {
    KEY_NAME,       /* text: letters, digits, '-' and '_' */
    KEY_TEXT,       /* text: one line */
    KEY_PATH,       /* text: a file; "none" where the key allows it */
    KEY_SIZE,       /* number: 256M */
    KEY_COUNT,      /* number */
    KEY_CHOICE,     /* number: the index in choices; text: the word */
    KEY_MAC,        /* number: its 48 bits, the first octet highest */
    KEY_MAP,        /* a structure */
    KEY_SWITCH_MAP, /* true, false, or a map that says more; its first key is "enabled" */
    KEY_LIST,       /* struct list of structures, or of what `element` says */
};

struct key_table;

struct key {
    const char *name;
    enum key_kind kind;
    bool required;
    size_t offset;                 /* of the member that it fills */
    uint64_t initial;              /* number, where the key is not written */
    uint64_t min, max, multiple;   /* SIZE, COUNT; of a LIST: how many elements */
    const char *const *choices;    /* CHOICE: ends with NULL */
    const struct key_table *table; /* MAP, SWITCH_MAP, LIST */
    const struct key *element;     /* LIST of values (struct value) or of lists (struct list) */
    const char *fallback;          /* the default, in words */
    const char *help;
};

/* The keys of one map. */
struct key_table {
    const char *what; /* "a guest" */
    size_t bytes;     /* of the structure */
    const struct key *keys;
    size_t num_keys;
};

/* The whole file; fills struct model. */
extern const struct key_table system_keys;

/* The words for colours and what serial_virt_tx writes for each; `none` is the last. */
extern const char *const color_words[];
extern const char *const color_sgr[];
#define NUM_COLORS 6 /* without `none` */

/* Writes the reference of all keys, as Markdown. */
void keys_reference(FILE *out);

/* scalar.c. Reads a value's text by the kind and limits of its key; tells an error if it is wrong.
 * The value's place must be set. */
void scalar_read(struct diag *diag, const struct key *key, const char *text, struct value *value);

/* Returns what a value of the key looks like: "a size such as 256M". */
const char *scalar_wanted(struct arena *arena, const struct key *key);
