/* SPDX-License-Identifier: BSD-2-Clause */
/* From a system file to an image: all steps, in order. */
#pragma once

#include "sdk/tool/load.h"
#include "sdk/tool/tables.h"

struct build {
    struct arena arena; /* all that the rest points to */
    struct system system;
    struct kernel kernel;
    struct layout layout;
    struct tables tables;
    uint8_t *image;
    size_t image_bytes;
};

/* Builds the image of `system_path` for the kernel at `kernel_path`. Whatever it returns, free it
 * with build_free(). `build` needs no preparation. */
bool build_run(struct build *build, const char *system_path, const char *kernel_path,
               const struct load_paths *paths, struct error *error);

void build_free(struct build *build);
