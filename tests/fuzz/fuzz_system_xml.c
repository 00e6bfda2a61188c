/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a system file: parsed, checked and, if they are good, laid out on a small board with
 * programs of one page each, down to the page tables and the report.
 */
#include "sdk/tool/build.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOAD_PADDR 0x40000000ul
#define OFFSET     0xffffff8000000000ul

/* Little RAM, so that a run is short: page tables may fill a quarter of it. */
static const struct kernel_info board = {
    .magic = IMAGE_MAGIC,
    .board = "fuzz",
    .load_paddr = LOAD_PADDR,
    .vaddr_offset = OFFSET,
    .thread_bytes = 1280,
    .num_irqs = 288,
    .ram = { { LOAD_PADDR, 64ul << 20 } },
    .device = { { 0x8000000, 0x20000 } },
    .shared_device = { { 0x9000000, 0x1000 } },
    .irq_alias = { { 30, 26 } },
    .reserved_irq = { 25, 27 },
};

static const uint8_t page[0x1000];

static struct elf one_page(uint64_t vaddr, uint64_t paddr)
{
    return (struct elf){ .entry = vaddr,
                         .num_segments = 1,
                         .segments = { { .vaddr = vaddr,
                                         .mem_bytes = sizeof page,
                                         .file_bytes = sizeof page,
                                         .data = page,
                                         .perms = PERM_READ | PERM_EXECUTE,
                                         .base = vaddr,
                                         .bytes = sizeof page,
                                         .paddr = paddr } } };
}

/* What load.c does, without files. */
static void load(struct build *b)
{
    b->kernel = (struct kernel){ .elf = one_page(OFFSET + LOAD_PADDR, LOAD_PADDR), .info = board };
    for (EACH(pd, &b->system, pds)) {
        pd->elf = one_page(0x200000, 0);
        pd->ipc_vaddr = 0x201000;
    }
}

static void load_prefilled(struct system *s)
{
    for (EACH(r, s, regions)) {
        if (r->prefill_path) {
            r->prefill = page;
            r->prefill_bytes = sizeof page;
            r->size = r->size ? r->size : MODEL_PAGE;
        }
    }
}

static bool parse(struct system *s, const uint8_t *data, size_t size)
{
    if (!xml_parse(s, (const char *)data, size)) {
        return false;
    }
    load_prefilled(s);
    return check_system(s);
}

static bool place(struct build *b)
{
    load(b);
    if (!check_loaded(&b->system, &b->kernel)) {
        return false;
    }
    for (int round = 0; round < 2; round++) {
        if (!layout_place(&b->layout, &b->system, &b->kernel, b->tables.num_pages) ||
            !tables_build(&b->tables, &b->system, &b->kernel, &b->layout)) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = { .file = "fuzz.system" };
    struct build b = { .system = { .arena = &b.arena, .error = &error } };
    char *text = NULL;
    size_t length = 0;
    bool good = parse(&b.system, data, size) && place(&b);
    if (good) {
        FILE *out = open_memstream(&text, &length);
        report_write(&b, "system.xml", "debug", out);
        fclose(out);
        free(text);
    }
    if (good != (error.text[0] == 0)) {
        abort(); /* a mistake without its sentence, or the other way about */
    }
    build_free(&b);
    return 0;
}
