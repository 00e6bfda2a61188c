/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's EL1 state: to the core and back. */
#include "sdk/kernel/aarch64/vhe/el2_registers.h"
#include "sdk/kernel/aarch64/vhe/entry.h"
#include "sdk/kernel/core/arch.h"

/*
 * A vCPU's registers by seL4's numbers, with their names at EL2. ACTLR (8) is trapped and has only
 * its memory; the timer's (20 to 22) are handled apart, since their order matters.
 */
#define VCPU_REG_TABLE(X)                                                                          \
    X(0, SCTLR_EL12)                                                                               \
    X(1, CPACR_EL12)                                                                               \
    X(2, TTBR0_EL12)                                                                               \
    X(3, TTBR1_EL12)                                                                               \
    X(4, TCR_EL12)                                                                                 \
    X(5, MAIR_EL12)                                                                                \
    X(6, AMAIR_EL12)                                                                               \
    X(7, CONTEXTIDR_EL12)                                                                          \
    X(9, AFSR0_EL12)                                                                               \
    X(10, AFSR1_EL12)                                                                              \
    X(11, ESR_EL12)                                                                                \
    X(12, FAR_EL12)                                                                                \
    X(13, par_el1)                                                                                 \
    X(14, VBAR_EL12)                                                                               \
    X(15, tpidr_el1)                                                                               \
    X(16, vmpidr_el2)                                                                              \
    X(17, sp_el1)                                                                                  \
    X(18, ELR_EL12)                                                                                \
    X(19, SPSR_EL12)                                                                               \
    X(20, CNTV_CTL_EL02)                                                                           \
    X(21, CNTV_CVAL_EL02)                                                                          \
    X(22, cntvoff_el2)                                                                             \
    X(23, CNTKCTL_EL12)

enum { REG_SCTLR = 0, REG_VMPIDR = 16 };

#define SCTLR_RESET 0x30d00800ul /* MMU and caches off, RES1 bits set */
#define VMPIDR_RES1 (1ul << 31)

void arch_vcpu_init(struct thread *thread)
{
    struct vcpu *vcpu = &thread->vcpu;
    vcpu->regs[REG_SCTLR] = SCTLR_RESET;
    vcpu->regs[REG_VMPIDR] = VMPIDR_RES1 | thread->image->id;
}

uint64_t arch_vcpu_entry_spsr(void)
{
    return SPSR_EL1H | SPSR_DAIF;
}

static bool has_vdisr(void)
{
    return PFR0_RAS(read_sysreg(id_aa64pfr0_el1)) != 0;
}

void arch_vcpu_save(struct vcpu *vcpu)
{
#define X(number, name) vcpu->regs[number] = read_sysreg(name);
    VCPU_REG_TABLE(X)
#undef X
    vcpu->csselr = read_sysreg(csselr_el1);
    if (has_vdisr()) {
        vcpu->vdisr = read_sysreg(VDISR_EL2);
    }
    write_sysreg(CNTV_CTL_EL02, 0); /* the next vCPU's offset must not make this one's fire */
}

void arch_vcpu_restore(const struct vcpu *vcpu)
{
#define X(number, name) write_sysreg(name, vcpu->regs[number]);
    VCPU_REG_TABLE(X)
#undef X
    write_sysreg(csselr_el1, vcpu->csselr);
    if (has_vdisr()) {
        write_sysreg(VDISR_EL2, vcpu->vdisr);
    }
}

void arch_load_vm(struct cpu *cpu, const struct thread *thread)
{
    if (cpu->vttbr != thread->image->space) {
        cpu->vttbr = thread->image->space;
        write_sysreg(vttbr_el2, cpu->vttbr);
    }
}

void arch_flush_vm(void)
{
    isb();
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

bool arch_vcpu_read(unsigned reg, uint64_t *value)
{
    switch (reg) {
#define X(number, name)                                                                            \
    case number:                                                                                   \
        *value = read_sysreg(name);                                                                \
        return true;
        VCPU_REG_TABLE(X)
#undef X
    default:
        return false;
    }
}

void arch_vcpu_write(unsigned reg, uint64_t value)
{
    switch (reg) {
#define X(number, name)                                                                            \
    case number:                                                                                   \
        write_sysreg(name, value);                                                                 \
        break;
        VCPU_REG_TABLE(X)
#undef X
    default:
        break;
    }
}

uint64_t vcpu_spsr(const struct thread *thread)
{
    uint64_t spsr = thread->frame->spsr & 0xfffffffful & ~(SPSR_SS | SPSR_IL);
    uint64_t mode = spsr & SPSR_MODE_MASK;
    bool legal = mode == SPSR_EL0T || mode == SPSR_EL1T || mode == SPSR_EL1H ||
                 (mode == SPSR_A32_USER && PFR0_EL0(read_sysreg(id_aa64pfr0_el1)) == 2);
    return legal ? spsr : SPSR_EL1H | SPSR_DAIF;
}
