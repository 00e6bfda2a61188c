/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's device tree, made for that guest alone from its record. */
#pragma once

#include "compose/board.h"
#include "compose/diag.h"
#include "vmm/core/vmm_config.h"

/* Interrupts in a device tree: {SPI or PPI, number from the first of its kind, flags}. */
#define GIC_SPI       0u
#define GIC_PPI       1u
#define GIC_FIRST_PPI 16u
#define GIC_FIRST_SPI 32u

/* More than a guest's tree ever takes: 16 devices of ours, 8 of the board's of 4 KiB at most, 4
 * vCPUs and a full command line. */
#define DEVICE_TREE_MAX_BYTES 0x10000ul

struct device_tree {
    void *bytes;
    size_t size_bytes;
};

/* The board's devices that the guest has to itself. */
struct passed {
    const void *dtb; /* the board's */
    const struct board_device *devices;
    size_t count;
};

/* Makes the tree. `gicc_gpa` is where the CPU interface is mapped. */
struct device_tree device_tree_make(struct arena *arena, const struct vmm_config *config,
                                    const struct passed *passed, uint64_t gicc_gpa,
                                    const char *bootargs);

/* Returns where in the tree the value of /chosen/rng-seed lies; 0: there is none. */
uint32_t device_tree_seed_offset(const struct device_tree *tree);
