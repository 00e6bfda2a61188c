/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system that will be: protection domains, memory regions, channels, interrupts and records,
 * as the Microkit has them. Builders add to it and hand out addresses and ids; writers (xml.c,
 * link.c) print it. Everything is kept in the order in which it was added, so that the same input
 * gives the same output.
 */
#pragma once

#include "compose/diag.h"

#include <stdbool.h>

struct region {
    struct region *next;
    const char *name;
    uint64_t bytes;
    uint64_t page_bytes;
    bool is_device;      /* not cached, not RAM */
    bool is_uncached;    /* RAM that is mapped as devices are */
    bool of_card;        /* rings between the network card's PDs */
    uint64_t phys_addr;  /* 0: anywhere */
    const char *prefill; /* a file in the output folder, or NULL */
};

struct map {
    struct map *next;
    const struct region *region;
    uint64_t vaddr;
    const char *perms; /* "r", "rw", "rwx" */
};

struct irq {
    struct irq *next;
    uint32_t intid;
    bool is_edge;
    uint8_t id;
};

struct record {
    struct record *next;
    const char *section; /* with its dot */
    const char *file;    /* in the output folder */
    void *bytes;
    size_t size_bytes;
};

struct vm {
    const char *name;
    unsigned num_vcpus;
    struct map *maps;
};

struct pd {
    struct pd *next;
    const char *name;
    const char *program; /* the ELF file among the programs that it is a copy of */
    uint8_t priority;
    bool passive;                  /* runs in its callers' time */
    bool smc;                      /* may call the firmware */
    bool of_card;                  /* of the network card's: supervisor_config.h */
    unsigned budget_us, period_us; /* 0: may run for ever */
    uint8_t num_ids;               /* of channels and interrupts, handed out from 0 */
    uint64_t next_vaddr;
    struct map *maps;
    struct irq *irqs;
    struct record *records;
    struct vm *vm; /* or NULL */
};

struct end {
    const struct pd *pd;
    uint8_t id;
    bool calls; /* may make protected calls to the other end */
};

struct channel {
    struct channel *next;
    struct end a, b;
};

/* A sentence for the person who wants to know who reaches what. */
struct note {
    struct note *next;
    const char *text;
};

struct plan {
    struct arena *arena;
    uint64_t next_paddr;      /* of what plan_reserve() hands out below the image... */
    uint64_t next_high_paddr; /* ...and above it; 0: nothing yet */
    uint64_t ram_bytes; /* of the board; with the number of guests known before anything else */
    unsigned num_guests;
    struct region *regions;
    struct pd *pds;
    struct pd *supervisor; /* the first of them, parent of all others */
    struct channel *channels;
    struct note *notes;
};

/* Appends to a list that is kept by its first element. */
#define APPEND(first, element)                                                                     \
    do {                                                                                           \
        __typeof__(element) *end = &(first);                                                       \
        while (*end != NULL)                                                                       \
            end = &(*end)->next;                                                                   \
        *end = (element);                                                                          \
    } while (0)

/* Where a PD's mappings begin: above its program, below the guest's RAM. */
#define PLAN_FIRST_VADDR 0x10000000ul

/* Adds a PD that runs a copy of a program. */
struct pd *plan_pd(struct plan *plan, const char *name, const char *program, uint8_t priority);

/* Limits a PD to a part of each period. */
void plan_budget(struct pd *pd, unsigned budget_us, unsigned period_us);

/* Gives a PD a virtual machine. */
struct vm *plan_vm(struct plan *plan, struct pd *pd, const char *name, unsigned num_vcpus);

/* Adds a region of zeroed memory of at least `bytes` bytes, whole pages. */
struct region *plan_region(struct plan *plan, const char *name, uint64_t bytes,
                           uint64_t page_bytes);

/* Adds a device's registers. */
struct region *plan_device(struct plan *plan, const char *name, uint64_t phys_addr, uint64_t bytes);

/*
 * Returns a place in the board's RAM, a multiple of a large page, for regions that a device
 * reaches: who programs it has to know their phys_addr. What the image holds must be planned
 * before.
 */
uint64_t plan_reserve(struct plan *plan, uint64_t bytes);

/* Maps a region where there is room and returns the address; pages beside it stay unmapped. */
uint64_t plan_map(struct plan *plan, struct pd *pd, const struct region *region, const char *perms);

/* Maps a region at an address; what plan_map() maps later in this PD comes after it. */
void plan_map_at(struct plan *plan, struct pd *pd, const struct region *region, uint64_t vaddr,
                 const char *perms);

/* Maps a region into a virtual machine. */
void plan_map_vm(struct plan *plan, struct vm *vm, const struct region *region, uint64_t gpa,
                 const char *perms);

/* Joins two PDs; its ends tell the ids. Each may notify the other. */
struct channel *plan_channel(struct plan *plan, struct pd *a, struct pd *b);

/* Gives an interrupt to a PD and returns its id there. */
uint8_t plan_irq(struct plan *plan, struct pd *pd, uint32_t intid, bool is_edge);

/* Adds a record for a section of the PD's program and returns it, zeroed, to be filled in. */
void *plan_record(struct plan *plan, struct pd *pd, const char *section, size_t bytes);

/* Adds a sentence to the report. */
void plan_note(struct plan *plan, const char *text);

/* Returns where the image ends at most, all PDs and images being planned. */
uint64_t plan_image_end(const struct plan *plan);
