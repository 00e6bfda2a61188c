/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a system file to an image: the steps, in their order. Those that return bool note the first
 * mistake in the system's error, and return false then.
 */
#pragma once

#include "sdk/tool/system_model.h"
#include <stdio.h>

/* One thing in RAM. */
struct layout_part {
    const char *what;  /* "kernel", "page tables", "stack", ... */
    const char *owner; /* name of the PD, VM or region; "" */
    uint64_t base, bytes;
    bool in_image;
};

/* Where everything lies in physical memory. */
struct layout {
    struct arena *arena;
    struct image_range ram[4]; /* that the board is sure to have */
    unsigned num_ram;
    struct image_range *free; /* of it, ascending and apart */
    unsigned num_free;
    uint64_t image_base, image_end;
    uint64_t threads_paddr, irqs_paddr, zero_paddr, objects_paddr, tables_paddr;
    struct image_range *zero; /* RAM that the kernel clears at boot, ascending */
    unsigned num_zero;
    struct layout_part *parts; /* ascending */
    unsigned num_parts;
};

/* Every translation table of the system. */
struct tables {
    const struct system *system;
    uint64_t base_paddr; /* of pages[0]; the others follow */
    uint64_t **pages;    /* 512 descriptors each */
    unsigned num_pages;
    uint64_t max_pages;    /* more cannot be right */
    unsigned kernel_pages; /* of them, those that belong to no PD and no VM */
    uint64_t kernel_ttbr1, boot_ttbr0, idle_ttbr0;
};

struct build {
    struct arena arena; /* all that the rest points to */
    struct system system;
    struct kernel kernel;
    struct layout layout;
    struct tables tables;
    uint8_t *image;
    size_t image_bytes;
};

/* Folders in which a relative path is looked for, after the working directory. */
struct load_paths {
    const char *const *folders;
    unsigned count;
};

/* All steps: builds the image of `system_path` for the kernel at `kernel_path`. Whatever it
 * returns, free it with build_free(). `build` needs no preparation. */
bool build_run(struct build *build, const char *system_path, const char *kernel_path,
               const struct load_paths *paths, struct error *error);
static inline void build_free(struct build *build)
{
    arena_free(&build->arena);
}

/* xml.c. Reads a system file into `system`, of which arena and error are set and the rest is zero.
 * Checks what an element alone can tell: known elements and attributes, ranges, unique names. */
bool xml_parse(struct system *system, const char *bytes, size_t size);

/* load.c. Reads a file that the system file names; the regions' prefill files, which may set their
 * sizes; the PDs' programs; the kernel, which must be of this tool's version. */
bool load_file(const struct system *system, const char *path, unsigned long line,
               const struct load_paths *paths, const uint8_t **bytes, size_t *size);
bool load_prefills(struct system *system, const struct load_paths *paths);
bool load_programs(struct system *system, const struct load_paths *paths);
bool load_kernel(struct kernel *kernel, const struct system *system, const char *path);

/* check.c. First the system file alone (resolves names, chooses page sizes), then it with programs
 * and board, then that nothing of a fixed place lies where the image does. */
bool check_system(struct system *system);
bool check_loaded(struct system *system, const struct kernel *kernel);
bool check_image(const struct system *system, uint64_t base, uint64_t bytes);

/* layout.c. Places all objects: `table_pages` pages of translation tables, and what `system` and
 * `kernel` name, and writes the addresses into `layout` and `system`. */
bool layout_place(struct layout *layout, struct system *system, const struct kernel *kernel,
                  uint64_t table_pages);

/* tables.c. Builds the tables for these places, as if they lay at tables_paddr. How many there are
 * does not depend on the places, so a first run tells layout_place() how much room to leave. */
bool tables_build(struct tables *tables, struct system *system, const struct kernel *kernel,
                  const struct layout *layout);

/* emit.c. Writes the image: kernel, descriptions, tables, prefilled regions, programs with their
 * patched symbols. Returns false when a program lacks a symbol. */
bool emit_image(struct build *build);

/* report.c. Writes for a person what was built, and who reaches what; `system` is the path of the
 * description, `config` the configuration's name. */
void report_write(const struct build *build, const char *system, const char *config, FILE *out);

/* report_head.c. Writes the beginning of the report: a summary, and how to read the rest. */
void report_head(const struct build *build, const char *system, const char *config, FILE *out);

/* A size as text, by value, so that a call can stand among printf()'s arguments. */
struct size_text {
    char bytes[16];
};
struct size_text report_size(uint64_t bytes);
