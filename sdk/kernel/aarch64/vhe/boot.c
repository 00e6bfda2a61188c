/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/aarch64/vhe/el2_registers.h"
#include "sdk/kernel/aarch64/vhe/entry.h"
#include "sdk/kernel/core/cycle_count.h"

static struct cpu boot_cpu;

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

struct resume kernel_main(void)
{
    core_init();
    kernel_start();
    return kernel_exit(&boot_cpu);
}
