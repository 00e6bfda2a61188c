/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses the next thread, and loads what it needs where the core holds another thread's. */
#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/cycle_count.h"
#include "sdk/kernel/core/kernel.h"
#include "sdk/kernel/core/sched.h"
#include "sdk/kernel/core/timer.h"
#include "sdk/kernel/core/vcpu.h"

/* Waits for an interrupt and handles it. No context is charged for the time. */
static void idle(struct cpu *cpu)
{
    /* A pending virtual interrupt of a vCPU that is not in WFI would end each wait at once. */
    if (cpu->vcpu != 0 && cpu->vcpu->state != THREAD_WFI) {
        vcpu_unload(cpu);
    }
    timer_arm(cpu, cpu->sleepers != 0 ? cpu->sleepers->wake_at : UINT64_MAX);
    arch_wait_for_interrupt();
    irq_handle(cpu);
    cpu->run_since = arch_now();
}

/* Picks the next thread. A vCPU with pending events faults to its VMM instead. */
static struct thread *choose(struct cpu *cpu)
{
    for (;;) {
        struct thread *next = sched_head(cpu);
        if (next == 0) {
            if (cpu->sc != 0) {
                sched_charge(cpu, arch_now());
                cpu->sc = 0;
                cpu->current = 0;
                count_switch(cpu, 0);
            }
            idle(cpu);
        } else if (next->vcpu.events != 0) {
            vcpu_deliver_event(next);
        } else {
            return next;
        }
    }
}

/* Returns true if another vCPU was saved; saving may have made it runnable. */
static bool switch_to(struct cpu *cpu, struct thread *next)
{
    bool is_guest = thread_is_vcpu(next);
    bool load = is_guest && cpu->vcpu != next;
    count_switch(cpu, next);
    cpu->current = next;
    if (is_guest) {
        arch_load_guest(cpu);
    } else {
        arch_load_pd(cpu, next);
    }
    if (load) {
        vcpu_load(cpu, next);
    }
    arch_load_fp(cpu, next, is_guest);
    return load;
}

/* Charges the thread that ran, and picks the next one. */
static struct thread *take_turns(struct cpu *cpu)
{
    struct thread *next = choose(cpu);
    if (next->sc != cpu->sc || cpu->timer_fired) {
        if (sched_charge(cpu, arch_now())) {
            next = choose(cpu);
        }
        cpu->timer_fired = false;
        sched_begin(cpu, next);
    }
    return next;
}

struct thread *turn_next(struct cpu *cpu)
{
    struct thread *next = take_turns(cpu);
    while (next != cpu->current && switch_to(cpu, next)) {
        next = take_turns(cpu);
    }
    timer_arm(cpu, sched_deadline(cpu, next));
    return next;
}
