/* SPDX-License-Identifier: BSD-2-Clause */
/* A system description read back, by a reader that shares nothing with the writer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sddf/config.h>

#define XML_NAME 80

struct xml_region {
    char name[XML_NAME];
    char prefill[XML_NAME];
    uint64_t size, page, phys;
};

struct xml_map {
    char region[XML_NAME];
    char perms[8];
    uint64_t vaddr;
    bool cached;
    int pd;
    bool in_vm;
};

struct xml_pd {
    char name[XML_NAME];
    char program[XML_NAME];
    char vm[XML_NAME];
    unsigned priority, vm_priority, budget, period, vcpus, pd_budget, pd_period, id;
    bool passive, smc;
};

struct xml_irq {
    int pd;
    unsigned irq, id;
    bool is_edge;
};

struct xml_end {
    int pd;
    unsigned id;
    bool pp;
};

struct xml_system {
    size_t num_regions, num_maps, num_pds, num_irqs, num_ends;
    struct xml_region regions[512];
    struct xml_map maps[2048];
    struct xml_pd pds[64];
    struct xml_irq irqs[64];
    struct xml_end ends[512]; /* two of each channel, one after the other */
};

/* Reads a description; anything that is not one fails the test. To be freed. */
struct xml_system *xml_read(const char *path);

/* Returns the PD's index, or -1. */
int xml_pd(const struct xml_system *xml, const char *name);

/* Returns the region, or NULL. */
const struct xml_region *xml_region(const struct xml_system *xml, const char *name);

/* Returns what the PD (or its VM) has mapped at exactly that address, or NULL. */
const struct xml_map *xml_map_at(const struct xml_system *xml, int pd, bool in_vm, uint64_t vaddr);

/* Returns the other end of a PD's channel, or NULL. */
const struct xml_end *xml_peer(const struct xml_system *xml, int pd, unsigned id);

/* A composed system: its description, to be freed, and its records on demand. */
struct composed {
    const char *folder;
    struct xml_system *xml;
};

/* Composes a good file. */
struct composed composed_yaml(const char *yaml, const char *folder);

/* Reads a PD's record, which must be exactly as large as its structure. */
void composed_record(const struct composed *system, const char *pd, const char *section, void *to,
                     size_t bytes);

/* Returns the map that a record tells of, with these rights. */
const struct xml_map *composed_region(const struct composed *system, int pd,
                                      const struct sddf_region *region, const char *perms);
