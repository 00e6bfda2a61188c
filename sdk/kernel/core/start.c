/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/debug_console.h"
#include "sdk/kernel/core/kernel.h"

#include <string.h>

/* Filled in by bin/microkit, of which the compiler must not think that it never happens. */
__attribute__((used)) struct image_info image_info = { .magic = IMAGE_MAGIC };

#define PAGE_WORDS 512

static bool is_clear(const uint64_t *words, uint64_t count)
{
    uint64_t any = 0;
    for (uint64_t i = 0; i < count; i += 8) {
        any |= words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] | words[i + 5] |
               words[i + 6] | words[i + 7];
    }
    return any == 0;
}

/*
 * RAM that PDs and guests find cleared: not left to what the firmware had there. A page that is
 * clear already is only read, since a machine that gives its guests memory on first write (QEMU)
 * then need not have all of it.
 */
static void clear_memory(void)
{
    const struct image_range *zero = (const struct image_range *)image_info.zero_vaddr;
    for (unsigned i = 0; i < image_info.num_zero; i++) {
        uint64_t *page = (uint64_t *)(zero[i].base_paddr + KERNEL_VADDR_OFFSET);
        const uint64_t *end = page + zero[i].size_bytes / sizeof(*page);
        for (; page < end; page += PAGE_WORDS) {
            if (!is_clear(page, PAGE_WORDS)) {
                memset(page, 0, PAGE_WORDS * sizeof(*page));
            }
        }
    }
}

void kernel_start(void)
{
    clear_memory();
    irq_init();
    threads_init();
#ifdef CONFIG_DEBUG
    console_print("kernel: %s, %u PDs and vCPUs, %u interrupts\n", BOARD_NAME,
                  image_info.num_threads, image_info.num_irqs);
#endif
}
