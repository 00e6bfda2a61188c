/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs: a guest's EL1 registers, virtual timer and list registers. They stay in the core while its
 * VMM or other PDs run, and are exchanged only when another vCPU is to run.
 */
#pragma once

#include "sdk/kernel/core/thread.h"

/* Puts the vCPU's state into the core, in place of another's. Not its general registers. */
void vcpu_load(struct cpu *cpu, struct thread *thread);

/* Takes the vCPU in the core, if any, out of it. */
void vcpu_unload(struct cpu *cpu);

/* Clears list registers, active priorities and the timer, as at reset. The vCPU is stopped. */
void vcpu_reset_interrupts(struct thread *thread);

/* Register `reg` (below VCPU_REGS) wherever it is. */
uint64_t vcpu_read_reg(struct thread *thread, unsigned reg);
void vcpu_write_reg(struct thread *thread, unsigned reg, uint64_t value);

/*
 * Writes list register `lr` (below VCPU_LRS) with a pending interrupt and wakes the vCPU from WFI.
 * False: the register holds an active interrupt.
 */
bool vcpu_inject(struct thread *thread, unsigned lr, uint32_t intid, unsigned priority,
                 unsigned group);

/* Lets the virtual timer's interrupt come again. */
void vcpu_ack_vtimer(struct thread *thread);

/* Physical interrupts that concern the vCPU in the core. */
void vcpu_vtimer_fired(struct cpu *cpu);
void vcpu_maintenance(struct cpu *cpu);

/* The guest has executed WFI: blocks the vCPU unless something is pending. The pc has moved on. */
void vcpu_wait(struct cpu *cpu, struct thread *thread);

/* Tells the VMM of the next of the vCPU's events, of which there is one: the vCPU faults. */
void vcpu_deliver_event(struct thread *thread);
