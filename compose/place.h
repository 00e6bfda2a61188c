/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a guest's boot images lie in its RAM. */
#pragma once

#include "compose/image.h"

struct placement {
    uint64_t kernel_gpa;
    uint64_t dtb_gpa;
    uint64_t initrd_gpa;      /* 0: none */
    uint64_t least_ram_bytes; /* with which the guest has a chance to boot */
};

/* Places kernel, device tree and initial RAM disk (or NULL) in RAM that begins at `ram_gpa`. */
struct placement place_images(uint64_t ram_gpa, const struct image *kernel,
                              const struct image *initrd);
