/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an ELF file: whatever the reader then hands out lies in the file. */
#include "sdk/tool/arena.h"
#include "sdk/tool/elf_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segment(const struct elf *elf, const struct elf_segment *segment)
{
    volatile uint8_t sum = 0;
    uint64_t last = segment->vaddr + segment->mem_bytes - 1;
    for (uint64_t i = 0; i < segment->file_bytes; i++) {
        sum = (uint8_t)(sum + segment->data[i]);
    }
    if (segment->base > segment->vaddr || segment->base + segment->bytes <= last ||
        !elf_segment_at(elf, last, 1)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "kernel_info", "microkit_name", "", "a" };
    struct elf elf;
    if (elf_parse(&elf, data, size)) {
        return 0;
    }
    for (EACH(segment, &elf, segments)) {
        check_segment(&elf, segment);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint64_t vaddr = 0, bytes = 0;
        char contents[64];
        if (elf_symbol(&elf, names[i], &vaddr, &bytes)) {
            elf_read(&elf, vaddr, contents, bytes < sizeof contents ? bytes : sizeof contents);
        }
    }
    elf_segment_at(&elf, elf.entry, 4);
    return 0;
}
