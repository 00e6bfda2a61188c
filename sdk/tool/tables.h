/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds every translation table of the system. */
#pragma once

#include "sdk/tool/layout.h"

struct tables {
    struct arena *arena;
    struct error *error;
    uint64_t base_paddr; /* of pages[0]; the others follow */
    uint64_t **pages;    /* 512 descriptors each */
    unsigned num_pages;
    uint64_t max_pages;    /* more cannot be right */
    unsigned kernel_pages; /* of them, those that belong to no PD and no VM */
    uint64_t kernel_ttbr1, boot_ttbr0, idle_ttbr0;
};

/*
 * Builds the tables for the places that layout_place() has chosen, as if they lay at the layout's
 * tables_paddr. How many there are does not depend on physical addresses of the system's objects,
 * so a first run tells layout_place() how much room to leave.
 */
bool tables_build(struct tables *tables, struct system *system, const struct kernel *kernel,
                  const struct layout *layout);
