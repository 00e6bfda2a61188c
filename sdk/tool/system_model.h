/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system: what the system file says (xml.c), with names resolved (check.c), files read
 * (load.c), and physical addresses chosen (layout.c). Objects lie in flat arrays in the order of
 * the file; they name each other by index, so arrays may move while they grow.
 */
#pragma once

#include "sdk/tool/arena.h"
#include "sdk/tool/elf_file.h"
#include <kernel/image.h>

#define MODEL_NONE       0xffffffffu
#define MODEL_PAGE       0x1000ul
#define MODEL_LARGE_PAGE 0x200000ul

struct region {
    const char *name;
    unsigned long line; /* in the system file, here and below */
    uint64_t size;      /* 0 until the prefill file is read, where no size is given */
    uint64_t page_size; /* 0 until check_system() where none is given */
    uint64_t paddr;     /* given (fixed), or chosen by layout_place() */
    bool fixed, in_ram;
    const char *prefill_path; /* or NULL */
    const uint8_t *prefill;
    size_t prefill_bytes;
};

enum name_kind { NAME_REGION, NAME_PD, NAME_VM };

/* A name of the system file and what it names: number `index` of its kind. */
struct name {
    enum name_kind kind;
    const char *text;
    unsigned long line;
    unsigned index;
};

struct schedule {
    uint64_t priority, budget_us, period_us;
};

struct pd {
    const char *name;
    unsigned long line;
    unsigned parent, vm; /* indexes, or MODEL_NONE */
    uint64_t id;         /* under the parent */
    struct schedule schedule;
    uint64_t stack_bytes;
    bool passive, smc;
    bool owns_ptimer; /* has the interrupt of the EL0 physical timer */
    const char *program_path;
    unsigned long program_line;
    struct elf elf;
    uint64_t ipc_vaddr, ipc_paddr, stack_paddr; /* paddr: chosen by layout_place() */
    uint64_t root_paddr, table_pages;           /* by tables_build() */
};

struct vm {
    const char *name;
    unsigned long line;
    unsigned pd; /* its VMM */
    struct schedule schedule;
    uint64_t root_paddr, table_pages;
};

struct vcpu {
    unsigned long line;
    unsigned vm;
    uint64_t id, frame_paddr;
};

/* A region in the address space of a PD or of a VM. */
struct mapping {
    unsigned long line;
    bool in_vm, cached;
    unsigned owner;  /* index of the PD or VM */
    unsigned region; /* named region_name; resolved by check_system() */
    const char *region_name;
    uint64_t vaddr;
    unsigned perms; /* enum elf_permission */
};

struct irq {
    unsigned long line;
    unsigned pd;
    uint64_t named; /* the number that the file gives */
    uint64_t intid; /* the number that it has; differs where the kernel has an alias */
    uint64_t id;    /* of the PD's channel */
    bool edge;
};

/* Ends 2n and 2n + 1 are those of channel n, once check_system() has seen that each has two. */
struct channel_end {
    unsigned long line;
    const char *pd_name;
    unsigned pd; /* resolved by check_system() */
    uint64_t id;
    bool may_call, may_notify;
};

struct channel {
    unsigned long line;
    unsigned num_ends;
};

enum setvar_kind { SETVAR_VADDR, SETVAR_SIZE, SETVAR_PADDR, SETVAR_ID };

/* A variable of a program that is given a value. */
struct setvar {
    unsigned long line;
    unsigned pd;
    const char *symbol;
    enum setvar_kind kind;
    unsigned of;             /* index of the mapping, region or irq */
    const char *region_name; /* SETVAR_PADDR: resolved into `of` by check_system() */
};

/* The first mistake found, as one sentence for the user. */
struct error {
    const char *file; /* the system file */
    char text[2048];  /* empty: no error yet */
};

struct system {
    struct arena *arena;
    struct error *error;
    struct name *names;
    struct region *regions;
    struct pd *pds; /* parents before children */
    struct vm *vms;
    struct vcpu *vcpus;
    struct mapping *mappings;
    struct irq *irqs;
    struct channel *channels;
    struct channel_end *ends;
    struct setvar *setvars;
    unsigned num_names, num_regions, num_pds, num_vms, num_vcpus, num_mappings, num_irqs,
        num_channels, num_ends, num_setvars;
};

/* If `wrong`, notes "FILE:LINE: error: ..." unless an error is noted already; line 0 is left out.
 * Returns whether all was right. */
bool refuse_if(const struct system *system, bool wrong, unsigned long line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define refuse(system, line, ...) refuse_if(system, true, line, __VA_ARGS__)

/* Is no error noted? The first one is kept, so work that does no harm may go on after it. */
static inline bool model_good(const struct system *system)
{
    return system->error->text[0] == 0;
}

/* The elements that have names, by enum name_kind. */
extern const char *const model_kinds[];

/* The name of that kind and text, or NULL. */
const struct name *model_find(const struct system *system, enum name_kind kind, const char *text);

/* The kernel's ELF file and what it tells of itself. */
struct kernel {
    struct elf elf;
    struct kernel_info info;
    uint64_t image_info_vaddr;
};

static inline uint64_t model_align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

/* The other end of an end's channel. */
static inline const struct channel_end *model_peer(const struct system *system,
                                                   const struct channel_end *end)
{
    return &system->ends[(size_t)(end - system->ends) ^ 1];
}
