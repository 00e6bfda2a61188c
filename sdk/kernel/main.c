/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/arch.h"
#include "sdk/kernel/board.h"
#include "sdk/kernel/console.h"
#include "sdk/kernel/count.h"
#include "sdk/kernel/kernel.h"

#include <string.h>

/* Filled in by bin/microkit, of which the compiler must not think that it never happens. */
__attribute__((used)) struct image_info image_info = { .magic = IMAGE_MAGIC };

static struct cpu boot_cpu;

#define PAGE_WORDS 512

/* Stage 2: 39-bit gpa, start at level 1, write-back inner shareable walks; PS is added. */
#define VTCR_VALUE    (IMAGE_T0SZ | 1ul << 6 | 1ul << 8 | 1ul << 10 | 3ul << 12 | 1ul << 31)
#define VTCR_PS(bits) ((uint64_t)(bits) << 16)

static void core_init(void)
{
    uint64_t pa_range = read_sysreg(id_aa64mmfr0_el1) & 7;
    write_sysreg(tpidr_el2, &boot_cpu);
    write_sysreg(ttbr0_el2, image_info.idle_ttbr0);
    write_sysreg(vtcr_el2, VTCR_VALUE | VTCR_PS(pa_range));
    write_sysreg(vpidr_el2, read_sysreg(midr_el1));
    write_sysreg(mdcr_el2, (read_sysreg(mdcr_el2) & 0x1f) | MDCR_TPMCR | MDCR_TPM | MDCR_TDA |
                               MDCR_TDOSA | MDCR_TDRA | MDCR_TPMS | MDCR_TTRF);
    write_sysreg(mdscr_el1, 0);
    write_sysreg(hstr_el2, 0);
    write_sysreg(cptr_el2, CPTR_FPEN_PD_TRAPS);
    isb();
    __asm__ volatile("tlbi alle2\n\ttlbi alle1\n\tdsb sy\n\tisb" ::: "memory");
    count_init();
    boot_cpu.cptr = CPTR_FPEN_PD_TRAPS;
    boot_cpu.ttbr0 = image_info.idle_ttbr0;
    boot_cpu.timer_at = UINT64_MAX;
    boot_cpu.vtimer_masked = true;
}

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

struct resume kernel_main(void)
{
    core_init();
    clear_memory();
    irq_init();
    threads_init();
#ifdef CONFIG_DEBUG
    console_print("kernel: %s, %u PDs and vCPUs, %u interrupts\n", BOARD_NAME,
                  image_info.num_threads, image_info.num_irqs);
#endif
    return kernel_exit(&boot_cpu);
}
