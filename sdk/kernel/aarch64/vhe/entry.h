/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry into the kernel and exit from it. */
#pragma once

#include "sdk/kernel/core/kernel.h"

/* The frame and spsr of the thread that runs next; vectors.S takes them from x0 and x1. */
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

/* Picks and loads the next thread. */
struct resume kernel_exit(struct cpu *cpu);

/* Loads the thread's FP registers and saves the previous owner's. */
void fp_give(struct cpu *cpu, struct thread *thread);

/* The spsr that a vCPU may run with: its VMM's value, but never EL2 and never single step. */
uint64_t vcpu_spsr(const struct thread *thread);

/* An exception of the kernel itself: prints it and halts the core. */
_Noreturn void fault_kernel(uint64_t esr, uint64_t elr, uint64_t far);

/* vectors.S */
extern char vectors[];
void fp_save(struct fp_state *state);
void fp_load(const struct fp_state *state);
