/* SPDX-License-Identifier: BSD-2-Clause */
/* What the architecture's entry code calls. */
#pragma once

#include "sdk/kernel/core/thread.h"

/* At boot: clears memory, sets up interrupts and threads. The architecture is initialised. */
void kernel_start(void);

/* Picks the next thread to run, idles until there is one, and loads it into the core. */
struct thread *turn_next(struct cpu *cpu);

/* Executes the system call in the PD's x7. Returns false if there is none of that number. */
bool syscall_dispatch(struct thread *pd);

/* Handles the pending interrupt, if any: the kernel's own, or a PD's, which is notified. */
void irq_handle(struct cpu *cpu);

/* Sets up the interrupts of the image's table, enabled. */
void irq_init(void);
