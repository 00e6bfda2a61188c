/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a guest's RAM suffices for what it boots from, as Linux uses it. */
#pragma once

#include "compose/image.h"

/* What a guest boots from. */
struct fit {
    const struct image *kernel;
    const struct image *initrd; /* or NULL */
    const char *cmdline;        /* or NULL */
};

/* Returns whether the guest has a chance to boot with so much RAM. */
bool fit_boots(const struct fit *fit, uint64_t ram_bytes);

/* Returns the least RAM from which on it always has; 0: not known. */
uint64_t fit_least_bytes(const struct fit *fit);
