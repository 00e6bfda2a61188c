/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of EL2 that differ between threads; written only where the core holds another value. */
#include "sdk/kernel/aarch64/vhe/el2_registers.h"
#include "sdk/kernel/aarch64/vhe/entry.h"
#include "sdk/kernel/core/arch.h"

#define HCR_GUEST                                                                                  \
    (HCR_E2H | HCR_RW | HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TWI | HCR_TID3 |     \
     HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TLOR | HCR_TERR)
#define HCR_PD      (HCR_GUEST | HCR_TGE)
#define CNTHCTL_ALL (CNTHCTL_EL0PCTEN | CNTHCTL_EL0VCTEN | CNTHCTL_EL1PCTEN)

static void load_hcr(struct cpu *cpu, uint64_t hcr)
{
    if (cpu->hcr != hcr) {
        cpu->hcr = hcr;
        write_sysreg(hcr_el2, hcr);
    }
}

void fp_give(struct cpu *cpu, struct thread *thread)
{
    cpu->cptr = CPTR_FPEN_NO_TRAPS;
    write_sysreg(cptr_el2, CPTR_FPEN_NO_TRAPS);
    isb();
    if (cpu->fp_owner != 0) {
        fp_save(&cpu->fp_owner->fp);
    }
    fp_load(&thread->fp);
    cpu->fp_owner = thread;
}

/*
 * A guest always runs with its FP registers loaded (FPEN cannot trap a guest alone), a PD only
 * after it has trapped once.
 */
void arch_load_fp(struct cpu *cpu, struct thread *next, bool is_guest)
{
    if (is_guest && cpu->fp_owner != next) {
        fp_give(cpu, next);
    }
    uint64_t cptr = !is_guest && cpu->fp_owner == next ? CPTR_FPEN_NO_TRAPS : CPTR_FPEN_PD_TRAPS;
    if (cpu->cptr != cptr) {
        cpu->cptr = cptr;
        write_sysreg(cptr_el2, cptr);
    }
}

void arch_load_pd(struct cpu *cpu, const struct thread *pd)
{
    if (cpu->ttbr0 != pd->image->space) {
        cpu->ttbr0 = pd->image->space;
        write_sysreg(ttbr0_el2, cpu->ttbr0);
    }
    uint64_t cnthctl = CNTHCTL_ALL | ((pd->image->flags & IMAGE_PTIMER) != 0 ? CNTHCTL_EL0PTEN : 0);
    if (cpu->cnthctl != cnthctl) {
        cpu->cnthctl = cnthctl;
        write_sysreg(cnthctl_el2, cnthctl);
    }
    load_hcr(cpu, HCR_PD);
}

void arch_load_guest(struct cpu *cpu)
{
    load_hcr(cpu, HCR_GUEST);
}

struct resume kernel_exit(struct cpu *cpu)
{
    struct thread *next = turn_next(cpu);
    return (struct resume){ next->frame,
                            thread_is_vcpu(next) ? vcpu_spsr(next) : next->frame->spsr };
}
