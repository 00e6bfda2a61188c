/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole tool as one function, for main() and the tests. */
#pragma once

#include "compose/system.h"

struct compose_options {
    const char *system_path; /* the YAML file */
    const char *board_path;  /* the board's device tree */
    const char *out_folder;
    struct defaults defaults;
};

/* Composes a system; errors go to `err`. Returns whether there were none. */
bool compose(const struct compose_options *options, FILE *err);
