/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's core asks of an architecture. aarch64/vhe implements it for EL2; the host tests
 * have one without hardware (tests/unit/sdk/kernel/kernel_rig.c). The kernel is linked with
 * link-time optimisation, which inlines these functions.
 */
#pragma once

#include "sdk/kernel/core/thread.h"

/* Returns the state of the core that executes this. */
struct cpu *this_cpu(void);

/* The counter (CNTPCT_EL0), and the ticks of `us` microseconds, at least 1. us is below 2^32. */
uint64_t arch_now(void);
uint64_t arch_ticks(uint64_t us);

/* Sets the kernel's timer to interrupt at `deadline` (counter ticks), or turns it off. */
void arch_timer_set(uint64_t deadline);
void arch_timer_off(void);

/* Returns when an interrupt is pending. Interrupts stay masked. */
void arch_wait_for_interrupt(void);

/* Counts cycles, in the config `benchmark` alone. */
void arch_cycles_start(void);
uint64_t arch_cycles(void);

/* Loads what a PD runs with: translation, traps, access to timers. */
void arch_load_pd(struct cpu *cpu, const struct thread *pd);

/* Loads the traps that all guests run with. */
void arch_load_guest(struct cpu *cpu);

/* Loads the floating-point registers of a guest; makes those of a PD trap unless they are loaded.
 */
void arch_load_fp(struct cpu *cpu, struct thread *next, bool is_guest);

/* ---- vCPUs ------------------------------------------------------------------------------------*/

/* Registers and spsr of a vCPU that has never run; the spsr that a restart gives it. */
void arch_vcpu_init(struct thread *thread);
uint64_t arch_vcpu_entry_spsr(void);

/* Selects the stage 2 of the vCPU's VM. */
void arch_load_vm(struct cpu *cpu, const struct thread *thread);

/* Removes the loaded VM's translations from the core's TLB. */
void arch_flush_vm(void);

/* Copies EL1 state from the core, whose virtual timer is off after it, and into it. */
void arch_vcpu_save(struct vcpu *vcpu);
void arch_vcpu_restore(const struct vcpu *vcpu);

/* Register `reg` (below VCPU_REGS) in the core. False: the core has none of that number. */
bool arch_vcpu_read(unsigned reg, uint64_t *value);
void arch_vcpu_write(unsigned reg, uint64_t value);

/* ---- System calls -----------------------------------------------------------------------------*/

/* Returns the spsr that a PD runs with: of what is asked for, the condition flags. */
uint64_t arch_pd_spsr(uint64_t spsr);

/* Calls the firmware: x0 to x7, in and out. */
void arch_smc(uint64_t words[8]);
