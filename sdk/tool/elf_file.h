/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads AArch64 ELF files. The bytes are not trusted: every offset and length is checked before
 * it is used, so that any bytes at all give an answer or a sentence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16

enum elf_permission { PERM_READ = 1, PERM_WRITE = 2, PERM_EXECUTE = 4 };

/* A part of the program that is loaded; mem_bytes is never 0, nor below file_bytes. */
struct elf_segment {
    uint64_t vaddr;
    uint64_t mem_bytes;
    uint64_t file_bytes;
    const uint8_t *data; /* file_bytes of them */
    unsigned perms;
    uint64_t base, bytes; /* of its pages */
    uint64_t paddr;       /* where they lie; set by layout_place() */
};

/* Entries in the file; a string table is one of single bytes. */
struct elf_table {
    uint64_t offset, count, entry_bytes;
};

struct elf {
    const uint8_t *bytes; /* must outlive this structure */
    size_t size;
    uint64_t entry;
    unsigned num_segments;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
    struct elf_table sections;
    struct elf_table symbols, symbol_names; /* count 0: stripped */
};

/* Reads headers and segments. Returns NULL, or what is wrong as the end of a sentence
 * ("is not an ELF file"). */
const char *elf_parse(struct elf *elf, const uint8_t *bytes, size_t size);

/* Finds a defined symbol. */
bool elf_symbol(const struct elf *elf, const char *name, uint64_t *vaddr, uint64_t *bytes);

/* Copies what the file holds for an address. */
bool elf_read(const struct elf *elf, uint64_t vaddr, void *to, size_t bytes);

/* The segment that holds all of [vaddr, vaddr + bytes), or NULL. */
const struct elf_segment *elf_segment_at(const struct elf *elf, uint64_t vaddr, uint64_t bytes);
