/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU as the VMM handles it: its registers, starting and stopping it, interrupts into it. The
 * rest of the VMM reaches the kernel's vCPU interface through this header only.
 *
 * General registers come from one of two files, chosen by the linker: vcpu_regs_frame.c (the
 * embedded SDK maps them into our memory) or vcpu_regs_contract.c (system calls, on any SDK).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu_regs {
    uint64_t x[31], sp_el0, pc, spsr, tpidr_el0, tpidrro_el0;
};

/*
 * The registers of a vCPU that is stopped or whose fault is being handled. Valid until put(). A
 * vCPU whose registers were changed takes them up at put().
 */
struct vcpu_regs *vcpu_regs_get(unsigned vcpu);
void vcpu_regs_put(unsigned vcpu);

enum vcpu_sysreg {
    VCPU_SCTLR,
    VCPU_CPACR,
    VCPU_TCR,
    VCPU_ESR,
    VCPU_FAR,
    VCPU_VBAR,
    VCPU_VMPIDR,
    VCPU_SP_EL1,
    VCPU_ELR,
    VCPU_SPSR,
    VCPU_CNTV_CTL,
    VCPU_CNTKCTL,
    VCPU_NUM_SYSREGS,
};

/* A system register of a vCPU as above: one system call each. */
uint64_t vcpu_sysreg_read(unsigned vcpu, enum vcpu_sysreg reg);
void vcpu_sysreg_write(unsigned vcpu, enum vcpu_sysreg reg, uint64_t value);

/*
 * Starts a vCPU as after reset: at `pc` with x0, EL1h with interrupts masked, MMU, caches and timer
 * off, no interrupt in its list registers.
 */
void vcpu_start(unsigned vcpu, uint64_t pc, uint64_t x0);
void vcpu_stop(unsigned vcpu);

/* Resumes a vCPU whose fault was handled and not answered, where its registers say. */
void vcpu_resume(unsigned vcpu);

/* The operations of struct vgic_ops. */
void vcpu_inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group, unsigned index);
void vcpu_ack_ppi(unsigned vcpu, unsigned intid);
