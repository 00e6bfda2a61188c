/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and reads the files that a system names, and the kernel's. */
#pragma once

#include "sdk/tool/error.h"
#include "sdk/tool/model.h"

/* Folders in which a relative path is looked for, after the working directory. */
struct load_paths {
    const char *const *folders;
    unsigned count;
};

/* Reads a whole file; says so in `error` if it cannot. */
bool load_file(struct arena *arena, const char *path, const uint8_t **bytes, size_t *size,
               struct error *error);

/* Reads the regions' prefill files, and sets the size of regions that leave it to the file. */
bool load_prefills(struct system *system, const struct load_paths *paths, struct error *error);

/* Reads the PDs' programs, and checks that each is one. */
bool load_programs(struct system *system, const struct load_paths *paths, struct error *error);

/* Reads the kernel, and checks that it is of this tool's version. */
bool load_kernel(struct kernel *kernel, struct arena *arena, const char *path, struct error *error);
