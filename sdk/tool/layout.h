/* SPDX-License-Identifier: BSD-2-Clause */
/* Where everything lies in physical memory. */
#pragma once

#include "sdk/tool/model.h"

/* One thing in RAM. */
struct layout_part {
    const char *what;  /* "kernel", "page tables", "stack", ... */
    const char *owner; /* name of the PD, VM or region; "" */
    uint64_t base, bytes;
    bool in_image;
};

struct layout {
    struct arena *arena;
    uint64_t image_base, image_end;
    uint64_t threads_paddr, irqs_paddr, zero_paddr, objects_paddr, tables_paddr;
    struct image_range *zero; /* RAM that the kernel clears at boot, ascending */
    unsigned num_zero;
    struct layout_part *parts; /* ascending */
    unsigned num_parts;
};

/*
 * Places all objects: `table_pages` pages of translation tables, and what `system` and `kernel`
 * name. Writes the addresses into `layout` and `system`. The same input gives the same places.
 */
bool layout_place(struct layout *layout, struct system *system, struct kernel *kernel,
                  uint64_t table_pages);

/* The RAM that the board is sure to have, as at most 4 ranges; returns how many. */
unsigned layout_sure_ram(const struct kernel_info *info, struct image_range ranges[4]);
