/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest wants of its flattened device tree (Devicetree Specification 0.4, chapter 5). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fdt_node {
    const char *name; /* with its unit address */
    uint64_t address, bytes;
    uint32_t intid; /* of its first interrupt, an SPI; 0: none */
};

/*
 * The nodes whose name begins with `prefix`, one after the other: *at is 0 for the first. False:
 * there is no further one. Cells are two for an address, two for a size, three for an interrupt, as
 * in every tree that a VMM gives its guest.
 */
bool fdt_next(const void *fdt, const char *prefix, uint32_t *at, struct fdt_node *node);
