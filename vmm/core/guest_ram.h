/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory as its VMM sees it. A gpa comes from a hostile guest: guest_ram_at() is the one
 * door from a gpa to a pointer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t gpa_t; /* a guest physical address */

struct guest_ram {
    uint8_t *base; /* where `gpa` lies in the VMM's address space */
    gpa_t gpa;
    uint64_t size_bytes;
};

/*
 * Returns where the `bytes` bytes at `gpa` lie, or NULL unless all of them are guest RAM. Zero
 * bytes are RAM only at an address that is. Any gpa and length may be passed.
 */
static inline void *guest_ram_at(const struct guest_ram *ram, gpa_t gpa, uint64_t bytes)
{
    uint64_t offset = gpa - ram->gpa;
    if (gpa < ram->gpa || offset >= ram->size_bytes || bytes > ram->size_bytes - offset) {
        return NULL;
    }
    return ram->base + offset;
}
