/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's RAM as oracle O2 sees it: all of it holds a pattern or the program, but for what a
 * row has taken, and what the row has taken for the driver alone does not change under a kick.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mem_writer {
    MEM_DRIVER, /* the device must not write it */
    MEM_DEVICE, /* it may */
};

/* Takes over RAM from the program's end to ram_end. */
void mem_init(uint64_t ram_end);

/* The first address behind RAM. */
uint64_t mem_end(void);

/* Everything that was taken is given back. */
void mem_begin(void);

/* Zeroed bytes between stretches of the pattern; `alignment` is a power of two. */
void *mem_take(uint64_t bytes, uint64_t alignment, enum mem_writer writer);

/* The same at an address far behind all that mem_take() gives: at the end of RAM. */
void *mem_take_at(uint64_t address, uint64_t bytes, enum mem_writer writer);

/* What the driver's parts hold from now on they must hold at mem_is_intact(). */
void mem_seal(void);
/* The driver changes its parts while the device works: they are not looked at in this row. */
void mem_unseal(void);

/* Whether nothing was written that may not be. Looks at all of RAM. */
bool mem_is_intact(void);
