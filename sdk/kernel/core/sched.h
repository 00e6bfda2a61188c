/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling: fixed priorities, 0 to 254, round robin within one; each scheduling context has a
 * budget in each period. A context with budget == period is never throttled: its budget is its time
 * slice. One with less is put to sleep when it has used its budget until its period is over.
 */
#pragma once

#include "sdk/kernel/core/thread.h"

/*
 * Puts a ready thread into its queue if it has budget, or to sleep until it has. One that is in
 * its turn goes on with it, at the head: a guest whose VMM has handled a trap must not lose its
 * turn, however early in it, since going to another guest and back is what costs most.
 */
void sched_enqueue(struct cpu *cpu, struct thread *thread);

/* Takes a thread out of the ready queue and the sleepers, wherever it is. */
void sched_dequeue(struct cpu *cpu, struct thread *thread);

/* Wakes the thread at `when` (counter ticks) by sched_wake_sleepers. */
void sched_sleep(struct cpu *cpu, struct thread *thread, uint64_t when);

/* Wakes all whose time has come. */
void sched_wake_sleepers(struct cpu *cpu, uint64_t now);

/*
 * Charges cpu->sc up to `now`. Who has used up its budget goes to the end of its queue, or to
 * sleep; then it returns true: another may be at the head now.
 */
bool sched_charge(struct cpu *cpu, uint64_t now);

/* From here on `next` pays for the time that passes; what it ran on before has been charged. */
void sched_begin(struct cpu *cpu, const struct thread *next);

/* The ready thread of the highest priority, or NULL. */
struct thread *sched_head(const struct cpu *cpu);

/* When the kernel must look again: the running thread's budget ends or a sleeper wakes. */
uint64_t sched_deadline(const struct cpu *cpu, const struct thread *running);
