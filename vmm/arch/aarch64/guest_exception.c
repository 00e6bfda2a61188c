/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/guest_exception.h"

#include "vmm/arch/aarch64/esr.h"

#define SPSR_NZCV     0xf0000000u
#define SPSR_DIT      (1u << 24)
#define SPSR_PAN      (1u << 22)
#define SPSR_SSBS     (1u << 12)
#define SPSR_DAIF     0x3c0u
#define SPSR_AARCH32  (1u << 4)
#define SPSR_MODE     0xfu
#define MODE_EL1H     5u

#define SCTLR_SPAN    (1ul << 23)
#define SCTLR_DSSBS   (1ul << 44)

#define VECTORS_BYTES 0x800

/* Offset of the synchronous exception's vector (Arm ARM, table D1-7). */
static uint64_t vector_offset(uint64_t spsr)
{
    if ((spsr & SPSR_AARCH32) != 0) {
        return 0x600;
    }
    if ((spsr & SPSR_MODE) == 0) {
        return 0x400;
    }
    return (spsr & 1) != 0 ? 0x200 : 0x000; /* EL1h or EL1t */
}

/* PSTATE as it is in a handler at EL1h; debug state and BTYPE are cleared. */
static uint64_t handler_pstate(uint64_t spsr, uint64_t sctlr)
{
    uint64_t pstate = (spsr & (SPSR_NZCV | SPSR_DIT | SPSR_PAN)) | SPSR_DAIF | MODE_EL1H;
    pstate |= (sctlr & SCTLR_SPAN) == 0 ? SPSR_PAN : 0;
    pstate |= (sctlr & SCTLR_DSSBS) != 0 ? SPSR_SSBS : 0;
    return pstate;
}

static void enter_el1(unsigned vcpu, struct vcpu_regs *regs, uint64_t esr_el1)
{
    uint64_t vectors = vcpu_sysreg_read(vcpu, VCPU_VBAR);
    vcpu_sysreg_write(vcpu, VCPU_ESR, esr_el1);
    vcpu_sysreg_write(vcpu, VCPU_ELR, regs->pc);
    vcpu_sysreg_write(vcpu, VCPU_SPSR, regs->spsr);
    regs->pc = vectors + vector_offset(regs->spsr);
    regs->spsr = handler_pstate(regs->spsr, vcpu_sysreg_read(vcpu, VCPU_SCTLR));
}

void exception_undefined(unsigned vcpu)
{
    enter_el1(vcpu, vcpu_regs_get(vcpu), (uint64_t)ESR_UNKNOWN << ESR_CLASS_SHIFT | ESR_IL);
}

void exception_external_abort(unsigned vcpu, uint64_t esr, gpa_t gpa)
{
    struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    uint64_t class = esr_is_data_abort(esr) ? ESR_DATA_ABORT_LOWER : ESR_INST_ABORT_LOWER;
    uint64_t syndrome = FSC_EXTERNAL | ESR_IL;
    class += exception_from_el0(regs) ? 0 : 1;
    if (esr_is_data_abort(esr)) {
        /* Nobody tells us the virtual address, so FAR is not valid; the other one may help. */
        syndrome |= ESR_FNV | (esr & (ESR_WNR | ESR_CM));
        vcpu_sysreg_write(vcpu, VCPU_FAR, gpa);
    } else {
        vcpu_sysreg_write(vcpu, VCPU_FAR, regs->pc);
    }
    enter_el1(vcpu, regs, class << ESR_CLASS_SHIFT | syndrome);
}

bool exception_pc_in_vectors(unsigned vcpu)
{
    return vcpu_regs_get(vcpu)->pc - vcpu_sysreg_read(vcpu, VCPU_VBAR) < VECTORS_BYTES;
}
