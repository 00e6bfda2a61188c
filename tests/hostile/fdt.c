/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/hostile/fdt.h"

#include <stddef.h>
#include <string.h>

#define BEGIN_NODE 1u
#define PROPERTY   3u
#define NOP        4u
#define FIRST_SPI  32u

static uint32_t cell(const void *fdt, uint32_t offset)
{
    const uint8_t *at = (const uint8_t *)fdt + offset;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t two_cells(const void *fdt, uint32_t offset)
{
    return (uint64_t)cell(fdt, offset) << 32 | cell(fdt, offset + 4);
}

static bool is_text(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

/* Takes what counts of a property; returns where the next token is. */
static uint32_t read_property(const void *fdt, uint32_t at, struct fdt_node *node)
{
    uint32_t length = cell(fdt, at), value = at + 8;
    const char *name = (const char *)fdt + cell(fdt, 12) + cell(fdt, at + 4);
    if (is_text(name, "reg") && length >= 16) {
        node->address = two_cells(fdt, value);
        node->bytes = two_cells(fdt, value + 8);
    } else if (is_text(name, "interrupts")) {
        node->intid = cell(fdt, value + 4) + FIRST_SPI;
    }
    return value + ((length + 3) & ~3u);
}

/* Behind a node's name: its properties, which come before its children. */
static uint32_t read_node(const void *fdt, uint32_t at, struct fdt_node *node)
{
    uint32_t token;
    while ((token = cell(fdt, at)) == PROPERTY || token == NOP) {
        at = token == NOP ? at + 4 : read_property(fdt, at + 4, node);
    }
    return at;
}

bool fdt_next(const void *fdt, const char *prefix, uint32_t *at, struct fdt_node *node)
{
    uint32_t begin = cell(fdt, 8), end = begin + cell(fdt, 36);
    uint32_t here = *at != 0 ? *at : begin;
    while (here < end) {
        uint32_t token = cell(fdt, here);
        here += 4;
        if (token != BEGIN_NODE) {
            continue; /* the end of a node or of all: between nodes there are no properties */
        }
        *node = (struct fdt_node){ .name = (const char *)fdt + here };
        here += ((uint32_t)strlen(node->name) + 4) & ~3u;
        here = read_node(fdt, here, node);
        if (strlen(node->name) >= strlen(prefix) &&
            memcmp(node->name, prefix, strlen(prefix)) == 0) {
            *at = here;
            return true;
        }
    }
    return false;
}
