/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of bin/microkit: small ELF files made here, a board, and a folder of its own that
 * the test works in. Include after setting up cmocka's headers.
 */
#pragma once

#include "sdk/tool/build.h"

#define FIXTURE_LOAD   0x70000000ul
#define FIXTURE_OFFSET 0xffffff8000000000ul
#define FIXTURE_THREAD 1280

struct fixture_segment {
    uint64_t vaddr;
    const void *data;
    uint64_t file_bytes, mem_bytes;
    uint32_t flags; /* PF_R ... */
};

struct fixture_symbol {
    const char *name;
    uint64_t vaddr, bytes;
};

/* What an ELF file is made of; arrays end with a zero entry. */
struct fixture_elf {
    uint64_t entry;
    struct fixture_segment segments[20];
    struct fixture_symbol symbols[20];
};

/* A good program: text at 0x200000, rodata, data with the Microkit's variables and var_a, var_b,
 * var_c, var_d (8 bytes each) and small (4 bytes); IPC buffer at 0x204000. */
struct fixture_elf fixture_program(void);

/* Lays out an ELF file; free() the bytes. */
uint8_t *fixture_make_elf(const struct fixture_elf *elf, size_t *size);

/* A board like QEMU's: 1 GiB from 0x40000000, devices at 0x8000000, shared UART at 0x9000000,
 * irq 30 stands for 26, irqs 25 and 27 are the kernel's. */
struct kernel_info fixture_board(void);

void fixture_write(const char *path, const void *bytes, size_t size);
void fixture_write_elf(const char *path, const struct fixture_elf *elf);
void fixture_write_kernel(const struct kernel_info *info);

/* cmocka's group setup and teardown: a fresh folder with kernel.elf, p.elf, and file.bin (5000
 * bytes, each 0x5a). */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Builds test.system with the given text (without <system>); false: see error->text. */
bool fixture_build(struct build *build, const char *xml, struct error *error);

/* The same, and it must be good. */
void fixture_build_good(struct build *build, const char *xml);

/* A pointer into the image, for a physical or a kernel's address. */
void *fixture_at(const struct build *build, uint64_t address);

/* The image's description of itself, and of its threads. */
const struct image_info *fixture_info(const struct build *build);
const struct image_thread *fixture_threads(const struct build *build);

struct fixture_leaf {
    uint64_t descriptor; /* 0: not mapped */
    uint64_t paddr;      /* of the address asked for */
    uint64_t bytes;      /* of the page or block */
};

/* Walks the tables in the image, from level 1. */
struct fixture_leaf fixture_walk(const struct build *build, uint64_t root, uint64_t vaddr);
