/* SPDX-License-Identifier: BSD-2-Clause */
/* Files: reading inputs whole, writing the output folder. */
#pragma once

#include "compose/diag.h"
#include "compose/system.h"

/* Reads a file whole. Returns its bytes, or NULL with an error told. */
void *file_read(struct arena *arena, struct diag *diag, const char *path, size_t *bytes);

/*
 * Writes all files of a system into a folder, which is made if it is missing. A file that holds
 * the right bytes already is left alone, so that make does nothing for it; system.xml is always
 * written, as the mark of when compose ran. Returns false if errors were told.
 */
bool output_write(struct arena *arena, struct diag *diag, const struct system *system,
                  const char *folder);
