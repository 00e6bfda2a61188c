/* SPDX-License-Identifier: BSD-2-Clause */
/* The board: what its device tree says of the devices that the system uses itself. */
#pragma once

#include "compose/diag.h"

#include <stdbool.h>

struct board_range {
    uint64_t addr;
    uint64_t bytes;
};

struct board_irq {
    uint32_t intid; /* as the GIC numbers it: SPIs from 32, PPIs from 16 */
    bool is_edge;
};

#define BOARD_SLOTS 32 /* for virtio-mmio devices on QEMU's virt */

/* A virtio-mmio transport; bytes 0: there is none. */
struct board_slot {
    struct board_range registers;
    struct board_irq irq;
    bool is_coherent; /* the device sees what is in the caches */
};

struct board {
    uint64_t ram_paddr; /* of its first stretch of RAM */
    uint64_t ram_bytes;
    struct board_range uart;
    struct board_irq uart_irq;
    const char *uart_program; /* the driver's ELF file */
    struct board_range gicv;  /* the virtual CPU interface, mapped into guests */
    struct board_irq timer;   /* EL1 physical timer, for the timer driver */
    struct board_slot slots[BOARD_SLOTS];
};

/* Reads a board's device tree. Returns false if errors were told; they name the file `path`. */
bool board_read(struct diag *diag, const char *path, const void *dtb, size_t bytes,
                struct board *board);
