/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's timer: the EL1 physical timer (CNTP_*_EL02), which no guest may use (CNTHCTL_EL2).
 * The EL2 physical timer is left to a PD: at EL0 under TGE, CNTP_*_EL0 names it.
 */
#pragma once

#include "sdk/kernel/arch.h"
#include "sdk/kernel/thread.h"

static inline uint64_t timer_now(void)
{
    isb(); /* the counter may be read early otherwise (Arm ARM D11.1.2) */
    return read_sysreg(cntpct_el0);
}

/* Ticks of `us` microseconds, at least 1. */
uint64_t timer_ticks(uint64_t us);

/* Makes sure that the timer fires at `deadline` or earlier; UINT64_MAX: need not fire. */
static inline void timer_arm(struct cpu *cpu, uint64_t deadline)
{
    if (deadline < cpu->timer_at) {
        cpu->timer_at = deadline;
        write_sysreg(CNTP_CVAL_EL02, deadline);
        write_sysreg(CNTP_CTL_EL02, TIMER_ENABLE);
    }
}

/* Its interrupt: turns it off until it is armed again. */
static inline void timer_fired(struct cpu *cpu)
{
    cpu->timer_at = UINT64_MAX;
    cpu->timer_fired = true;
    write_sysreg(CNTP_CTL_EL02, 0);
}
