/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the core's time goes, in the config `benchmark` alone: entries into the kernel and cycles,
 * of each thread and of the idle core. The time of an entry is whose it was.
 */
#pragma once

#include "sdk/kernel/arch.h"
#include "sdk/kernel/thread.h"

#ifdef CONFIG_BENCHMARK
#define COUNT true
#else
#define COUNT false
#endif

#define PMCR_ENABLE    1ul
#define PMCR_RESET     (1ul << 2) /* of the cycle counter */
#define PMCR_LONG      (1ul << 6) /* it has 64 bits */
#define PMCNTEN_CYCLES (1ul << 31)
#define PMCCFILTR_EL2  (1ul << 27) /* EL2 counts as well (Arm ARM D19.5.2) */

static inline void count_init(void)
{
    if (COUNT) {
        write_sysreg(pmccfiltr_el0, PMCCFILTR_EL2);
        write_sysreg(pmcr_el0, PMCR_ENABLE | PMCR_RESET | PMCR_LONG);
        write_sysreg(pmcntenset_el0, PMCNTEN_CYCLES);
        isb();
    }
}

static inline void count_entry(struct thread *thread)
{
    if (COUNT) {
        thread->counts[THREAD_ENTRIES]++;
    }
}

/* The core goes to `next`; NULL: it has nothing to do. */
static inline void count_switch(struct cpu *cpu, struct thread *next)
{
    if (COUNT) {
        uint64_t now = read_sysreg(pmccntr_el0);
        uint64_t *counts = cpu->counted != 0 ? cpu->counted->counts : cpu->idle_counts;
        counts[THREAD_CYCLES] += now - cpu->counted_since;
        cpu->counted = next;
        cpu->counted_since = now;
        (next != 0 ? next->counts : cpu->idle_counts)[THREAD_SWITCHES]++;
    }
}
