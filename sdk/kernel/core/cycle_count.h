/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the core's time goes, in the config `benchmark` alone: entries into the kernel and cycles,
 * of each thread and of the idle core. The time of an entry is whose it was.
 */
#pragma once

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/thread.h"

#ifdef CONFIG_BENCHMARK
#define COUNT true
#else
#define COUNT false
#endif

static inline void count_init(void)
{
    if (COUNT) {
        arch_cycles_start();
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
        uint64_t now = arch_cycles();
        uint64_t *counts = cpu->counted != 0 ? cpu->counted->counts : cpu->idle_counts;
        counts[THREAD_CYCLES] += now - cpu->counted_since;
        cpu->counted = next;
        cpu->counted_since = now;
        (next != 0 ? next->counts : cpu->idle_counts)[THREAD_SWITCHES]++;
    }
}
