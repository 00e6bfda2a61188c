/* SPDX-License-Identifier: BSD-2-Clause */
/* Single values of the YAML file: names, sizes, counts, choices, texts. */
#pragma once

#include "compose/keys.h"

/* Reads a value's text by the kind and limits of its key; tells an error if it is wrong. The
 * value's place must be set. */
void scalar_read(struct arena *arena, struct diag *diag, const struct key *key, const char *text,
                 struct value *value);

/* Returns what a value of the key looks like: "a size such as 256M". */
const char *scalar_wanted(struct arena *arena, const struct key *key);
