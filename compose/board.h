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
    const void *dtb;
    uint64_t ram_paddr; /* of its first stretch of RAM */
    uint64_t ram_bytes;
    struct board_range uart;
    struct board_irq uart_irq;
    const char *uart_program; /* the driver's ELF file */
    struct board_range gicv;  /* the virtual CPU interface, mapped into guests */
    struct board_irq timer;   /* EL1 physical timer, for the timer driver */
    bool can_power_off;       /* its firmware has PSCI, by SMC */
    bool is_qemu;
    struct board_slot slots[BOARD_SLOTS];
};

#define BOARD_DEVICE_REGISTERS 4
#define BOARD_DEVICE_IRQS      8

/* Returns the number of the slot with these registers. */
static inline unsigned board_slot(const struct board_range *registers)
{
    return (unsigned)(registers->addr / registers->bytes % BOARD_SLOTS);
}

/* A device that a guest may be given, whole. */
struct board_device {
    int node;       /* in the device tree */
    bool is_virtio; /* a virtio-mmio transport */
    unsigned num_registers, num_irqs;
    struct board_range registers[BOARD_DEVICE_REGISTERS + 1];
    struct board_irq irqs[BOARD_DEVICE_IRQS + 1];
};

/* Reads a board's device tree. Returns false if errors were told; they name the file `path`. */
bool board_read(struct diag *diag, const char *path, const void *dtb, size_t bytes,
                struct board *board);

/* Reads entry `index` of a node's `reg`, as it stands there; false: there is none. */
bool board_reg(const void *dtb, int node, int index, struct board_range *range);

/* Reads entry `index` of a node's `interrupts`, in the GIC's three cells; false: there is none. */
bool board_interrupt(const void *dtb, int node, int index, struct board_irq *irq);

/* Returns whether a node's `status`, if it has one, says that the device is there for us. */
bool board_is_enabled(const void *dtb, int node);

/* Returns whether a node is a GIC that we know. */
bool board_is_gic(const void *dtb, int node);

/* board_device.c. Finds the device of a path; returns what is wrong with it, as the end of a
 * sentence, or NULL. The tree must be one that board_read() found good. */
const char *board_find_device(const void *dtb, const char *path, struct board_device *device);

/* Returns the paths of all devices that are found so, ending with NULL. */
const char *const *board_device_paths(struct arena *arena, const void *dtb);

/* Returns whether a property points to other nodes: its numbers mean nothing in another tree. */
bool board_refers(const char *property);
