/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's timer, which is set anew only where it must fire earlier than it would. */
#pragma once

#include "sdk/kernel/core/arch.h"

/* Makes sure that the timer fires at `deadline` or earlier; UINT64_MAX: need not fire. */
static inline void timer_arm(struct cpu *cpu, uint64_t deadline)
{
    if (deadline < cpu->timer_at) {
        cpu->timer_at = deadline;
        arch_timer_set(deadline);
    }
}

/* Its interrupt: turns it off until it is armed again. */
static inline void timer_fired(struct cpu *cpu)
{
    cpu->timer_at = UINT64_MAX;
    cpu->timer_fired = true;
    arch_timer_off();
}
