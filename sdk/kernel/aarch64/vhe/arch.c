/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core, its timer and its firmware. The kernel's timer is the EL1 physical timer (CNTP_*_EL02),
 * which no guest may use (CNTHCTL_EL2). The EL2 physical timer is left to a PD: at EL0 under TGE,
 * CNTP_*_EL0 names it.
 */
#include "sdk/kernel/core/arch.h"

#include "sdk/kernel/aarch64/vhe/el2_registers.h"

#define PMCR_ENABLE    1ul
#define PMCR_RESET     (1ul << 2) /* of the cycle counter */
#define PMCR_LONG      (1ul << 6) /* it has 64 bits */
#define PMCNTEN_CYCLES (1ul << 31)
#define PMCCFILTR_EL2  (1ul << 27) /* EL2 counts as well (Arm ARM D19.5.2) */

struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__("mrs %0, tpidr_el2" : "=r"(cpu));
    return cpu;
}

uint64_t arch_now(void)
{
    isb(); /* the counter may be read early otherwise (Arm ARM D11.1.2) */
    return read_sysreg(cntpct_el0);
}

uint64_t arch_ticks(uint64_t us)
{
    uint64_t ticks = us * read_sysreg(cntfrq_el0) / 1000000; /* us < 2^32, frequency < 2^32 */
    return ticks != 0 ? ticks : 1;
}

void arch_timer_set(uint64_t deadline)
{
    write_sysreg(CNTP_CVAL_EL02, deadline);
    write_sysreg(CNTP_CTL_EL02, TIMER_ENABLE);
}

void arch_timer_off(void)
{
    write_sysreg(CNTP_CTL_EL02, 0);
}

void arch_wait_for_interrupt(void)
{
    dsb_sy();
    wfi();
}

void arch_cycles_start(void)
{
    write_sysreg(pmccfiltr_el0, PMCCFILTR_EL2);
    write_sysreg(pmcr_el0, PMCR_ENABLE | PMCR_RESET | PMCR_LONG);
    write_sysreg(pmcntenset_el0, PMCNTEN_CYCLES);
    isb();
}

uint64_t arch_cycles(void)
{
    return read_sysreg(pmccntr_el0);
}

uint64_t arch_pd_spsr(uint64_t spsr)
{
    return spsr & SPSR_NZCV; /* EL0, with interrupts */
}

void arch_smc(uint64_t words[8])
{
    register uint64_t x0 __asm__("x0");
    register uint64_t x1 __asm__("x1");
    register uint64_t x2 __asm__("x2");
    register uint64_t x3 __asm__("x3");
    register uint64_t x4 __asm__("x4");
    register uint64_t x5 __asm__("x5");
    register uint64_t x6 __asm__("x6");
    register uint64_t x7 __asm__("x7");
    x0 = words[0];
    x1 = words[1];
    x2 = words[2];
    x3 = words[3];
    x4 = words[4];
    x5 = words[5];
    x6 = words[6];
    x7 = words[7];
    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
                       "+r"(x7)::"x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "memory");
    words[0] = x0;
    words[1] = x1;
    words[2] = x2;
    words[3] = x3;
    words[4] = x4;
    words[5] = x5;
    words[6] = x6;
    words[7] = x7;
}
