/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and reads the files that a system names, and the kernel's. */
#pragma once

#include "sdk/tool/model.h"

/* Folders in which a relative path is looked for, after the working directory. */
struct load_paths {
    const char *const *folders;
    unsigned count;
};

/* Reads a whole file that line `line` of the system file names. */
bool load_file(const struct system *system, const char *path, unsigned long line,
               const struct load_paths *paths, const uint8_t **bytes, size_t *size);

/* Reads the regions' prefill files, and sets the size of regions that leave it to the file. */
bool load_prefills(struct system *system, const struct load_paths *paths);

/* Reads the PDs' programs, and checks that each is one. */
bool load_programs(struct system *system, const struct load_paths *paths);

/* Reads the kernel, and checks that it is of this tool's version. */
bool load_kernel(struct kernel *kernel, const struct system *system, const char *path);
