/* SPDX-License-Identifier: BSD-2-Clause */
/* From one thread to the next: what the core must hold is compared with what it holds. */
#include "sdk/kernel/arch.h"
#include "sdk/kernel/count.h"
#include "sdk/kernel/kernel.h"
#include "sdk/kernel/sched.h"
#include "sdk/kernel/timer.h"
#include "sdk/kernel/vcpu.h"

#define HCR_GUEST                                                                                  \
    (HCR_E2H | HCR_RW | HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TWI | HCR_TID3 |     \
     HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TLOR | HCR_TERR)
#define HCR_PD      (HCR_GUEST | HCR_TGE)
#define CNTHCTL_ALL (CNTHCTL_EL0PCTEN | CNTHCTL_EL0VCTEN | CNTHCTL_EL1PCTEN)

/* Waits for an interrupt and handles it. Nobody pays for the time. */
static void idle(struct cpu *cpu)
{
    /* A virtual interrupt of a vCPU that does not wait for one would end each WFI at once. */
    if (cpu->vcpu != 0 && cpu->vcpu->state != THREAD_WFI) {
        vcpu_unload(cpu);
    }
    timer_arm(cpu, cpu->sleepers != 0 ? cpu->sleepers->wake_at : UINT64_MAX);
    dsb_sy();
    wfi();
    irq_handle(cpu);
    cpu->run_since = timer_now();
}

/* Whoever is to run; vCPUs whose VMMs must hear of something first become callers. */
static struct thread *choose(struct cpu *cpu)
{
    for (;;) {
        struct thread *next = sched_head(cpu);
        if (next == 0) {
            if (cpu->sc != 0) {
                sched_charge(cpu, timer_now());
                cpu->sc = 0;
                cpu->current = 0;
                count_switch(cpu, 0);
            }
            idle(cpu);
        } else if (next->vcpu.events != 0) {
            vcpu_deliver_event(next);
        } else {
            return next;
        }
    }
}

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
static void load_fp(struct cpu *cpu, struct thread *next, bool guest)
{
    if (guest && cpu->fp_owner != next) {
        fp_give(cpu, next);
    }
    uint64_t cptr = !guest && cpu->fp_owner == next ? CPTR_FPEN_NO_TRAPS : CPTR_FPEN_PD_TRAPS;
    if (cpu->cptr != cptr) {
        cpu->cptr = cptr;
        write_sysreg(cptr_el2, cptr);
    }
}

static void load_pd(struct cpu *cpu, const struct thread *pd)
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

/* True: another vCPU had to make room, and may have woken up over it. */
static bool switch_to(struct cpu *cpu, struct thread *next)
{
    bool guest = thread_is_vcpu(next);
    bool load = guest && cpu->vcpu != next;
    count_switch(cpu, next);
    cpu->current = next;
    if (guest) {
        load_hcr(cpu, HCR_GUEST);
    } else {
        load_pd(cpu, next);
    }
    if (load) {
        vcpu_load(cpu, next);
    }
    load_fp(cpu, next, guest);
    return load;
}

/* Who is to run, after the one who ran has paid. */
static struct thread *take_turns(struct cpu *cpu)
{
    struct thread *next = choose(cpu);
    if (next->sc != cpu->sc || cpu->timer_fired) {
        cpu->timer_fired = false;
        if (sched_charge(cpu, timer_now())) {
            next = choose(cpu);
        }
        sched_begin(cpu, next);
    }
    return next;
}

struct resume kernel_exit(struct cpu *cpu)
{
    struct thread *next = take_turns(cpu);
    while (next != cpu->current && switch_to(cpu, next)) {
        next = take_turns(cpu);
    }
    timer_arm(cpu, sched_deadline(cpu, next));
    return (struct resume){ next->frame,
                            thread_is_vcpu(next) ? vcpu_spsr(next) : next->frame->spsr };
}
