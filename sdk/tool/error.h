/* SPDX-License-Identifier: BSD-2-Clause */
/* The first mistake found, as one sentence for the user. */
#pragma once

#include <stdbool.h>

struct error {
    const char *file; /* the system file */
    char text[2048];  /* empty: no error yet */
};

/* Notes "FILE:LINE: error: ..." unless an error is noted already; line 0 is left out. Always
 * returns false, for `return error_at(...)`. */
bool error_at(struct error *error, unsigned long line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
