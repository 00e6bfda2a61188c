/* SPDX-License-Identifier: BSD-2-Clause */
/* The way into the kernel and out of it. */
#pragma once

#include "sdk/kernel/thread.h"

/* With what a thread goes on; vectors.S takes it from x0 and x1. */
struct resume {
    struct frame *frame;
    uint64_t spsr;
};

/* At boot, from start.S. */
struct resume kernel_main(void);

/* Exceptions from EL0 and EL1, from vectors.S. */
struct resume trap_sync(void);
struct resume trap_irq(void);
struct resume trap_serror(void);

/* Chooses who runs next, idles until there is somebody, and makes the core ready for it. */
struct resume kernel_exit(struct cpu *cpu);

/* Carries out the system call in the PD's x7. False: there is none of that number. */
bool syscall_dispatch(struct thread *pd);

/* Takes the pending interrupt, if any: it goes to its PD, or is the kernel's own. */
void irq_handle(struct cpu *cpu);
/* Sets up the interrupts of the image's table, all masked. */
void irq_init(void);

/* Puts the thread's FP registers into the core; whoever had its own there finds them saved. */
void fp_give(struct cpu *cpu, struct thread *thread);

/* vectors.S */
extern char vectors[];
void fp_save(struct fp_state *state);
void fp_load(const struct fp_state *state);
