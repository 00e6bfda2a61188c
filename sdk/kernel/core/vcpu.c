/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/vcpu.h"

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/fault.h"
#include "sdk/kernel/core/ipc.h"
#include "sdk/kernel/core/sched.h"
#include "sdk/kernel/gic/gic.h"

/* The virtual timer's registers by seL4's numbers, and bits of CNTV_CTL (Arm ARM D17.11.13). */
enum { REG_CNTV_CTL = 20, REG_CNTV_CVAL = 21, REG_CNTVOFF = 22 };

#define CNTV_ENABLE (1ul << 0)
#define CNTV_IMASK  (1ul << 1)

static bool is_loaded(const struct thread *thread)
{
    return this_cpu()->vcpu == thread;
}

static void set_vtimer_masked(struct cpu *cpu, bool masked)
{
    if (cpu->vtimer_masked != masked) {
        cpu->vtimer_masked = masked;
        if (masked) {
            gic_disable(INTID_VTIMER);
        } else {
            gic_enable(INTID_VTIMER);
        }
    }
}

static void save_lrs(struct vcpu *vcpu)
{
    for (unsigned n = 0; n < VCPU_LRS; n++) {
        if ((vcpu->lrs_used & 1u << n) != 0) {
            vcpu->lr[n] = gic_read_lr(n);
            gic_write_lr(n, 0);
        }
    }
    gic_virtual_save(&vcpu->vmcr, &vcpu->apr);
}

static void load_lrs(const struct vcpu *vcpu)
{
    for (unsigned n = 0; n < VCPU_LRS; n++) {
        if ((vcpu->lrs_used & 1u << n) != 0) {
            gic_write_lr(n, vcpu->lr[n]);
        }
    }
    gic_virtual_load(vcpu->vmcr, vcpu->apr);
}

/* When a vCPU in WFI that is not in the core must be woken by its timer, if ever. */
static uint64_t vtimer_deadline(const struct vcpu *vcpu)
{
    uint64_t control = vcpu->regs[REG_CNTV_CTL] & (CNTV_ENABLE | CNTV_IMASK);
    if (control != CNTV_ENABLE || vcpu->vtimer_masked) {
        return UINT64_MAX;
    }
    uint64_t deadline = vcpu->regs[REG_CNTV_CVAL] + vcpu->regs[REG_CNTVOFF];
    return deadline < vcpu->regs[REG_CNTV_CVAL] ? UINT64_MAX : deadline;
}

/* Of a vCPU that is not in the core: looks after its timer while it waits. */
static void watch_vtimer(struct cpu *cpu, struct thread *thread)
{
    uint64_t deadline = vtimer_deadline(&thread->vcpu);
    if (thread->state == THREAD_WFI && deadline != UINT64_MAX) {
        sched_sleep(cpu, thread, deadline);
    } else if (thread->state == THREAD_WFI) {
        sched_dequeue(cpu, thread);
    }
}

void vcpu_unload(struct cpu *cpu)
{
    struct thread *thread = cpu->vcpu;
    if (thread == 0) {
        return;
    }
    vcpu_maintenance(cpu); /* what the guest has ended shows only in the core */
    arch_vcpu_save(&thread->vcpu);
    save_lrs(&thread->vcpu);
    cpu->vcpu = 0;
    watch_vtimer(cpu, thread);
}

/*
 * The vCPUs of a VM share its VMID, and expect translations that are local to a core to be theirs
 * alone. The VM's stage 2 is loaded.
 */
static void forget_other_vcpu(struct thread *thread)
{
    struct thread *vmm = thread_at(thread->image->parent);
    if (vmm->last_vcpu != 0 && vmm->last_vcpu != thread) {
        arch_flush_vm();
    }
    vmm->last_vcpu = thread;
}

void vcpu_load(struct cpu *cpu, struct thread *thread)
{
    vcpu_unload(cpu);
    arch_load_vm(cpu, thread);
    forget_other_vcpu(thread);
    arch_vcpu_restore(&thread->vcpu);
    load_lrs(&thread->vcpu);
    set_vtimer_masked(cpu, thread->vcpu.vtimer_masked);
    cpu->vcpu = thread;
}

void vcpu_reset_interrupts(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    if (is_loaded(thread)) {
        vcpu_unload(cpu);
    }
    struct vcpu *vcpu = &thread->vcpu;
    vcpu->lrs_used = 0;
    vcpu->vmcr = 0;
    vcpu->apr = 0;
    vcpu->events = 0;
    vcpu->vtimer_masked = false;
    vcpu->regs[REG_CNTV_CTL] = 0;
}

uint64_t vcpu_read_reg(struct thread *thread, unsigned reg)
{
    uint64_t value;
    return is_loaded(thread) && arch_vcpu_read(reg, &value) ? value : thread->vcpu.regs[reg];
}

void vcpu_write_reg(struct thread *thread, unsigned reg, uint64_t value)
{
    thread->vcpu.regs[reg] = value;
    if (is_loaded(thread)) {
        arch_vcpu_write(reg, value);
    } else {
        watch_vtimer(this_cpu(), thread);
    }
}

static void wake_from_wfi(struct thread *thread)
{
    if (thread->state == THREAD_WFI) {
        sched_dequeue(this_cpu(), thread);
        thread_resume(thread);
    }
}

bool vcpu_inject(struct thread *thread, unsigned lr, uint32_t intid, unsigned priority,
                 unsigned group)
{
    struct vcpu *vcpu = &thread->vcpu;
    bool loaded = is_loaded(thread);
    if ((vcpu->lrs_used & 1u << lr) != 0 &&
        gic_lr_is_active(loaded ? gic_read_lr(lr) : vcpu->lr[lr])) {
        return false;
    }
    vcpu->lr[lr] = gic_make_lr(intid, priority, group);
    vcpu->lrs_used |= 1u << lr;
    if (loaded) {
        gic_write_lr(lr, vcpu->lr[lr]);
    }
    wake_from_wfi(thread);
    return true;
}

void vcpu_ack_vtimer(struct thread *thread)
{
    thread->vcpu.vtimer_masked = false;
    if (is_loaded(thread)) {
        set_vtimer_masked(this_cpu(), false);
    } else {
        watch_vtimer(this_cpu(), thread);
    }
}

/* An event has come up: the VMM hears of it when the vCPU is next to run. */
static void raise_event(struct thread *thread, uint32_t event)
{
    thread->vcpu.events |= event;
    wake_from_wfi(thread);
}

void vcpu_vtimer_fired(struct cpu *cpu)
{
    set_vtimer_masked(cpu, true);
    if (cpu->vcpu != 0) {
        cpu->vcpu->vcpu.vtimer_masked = true;
        raise_event(cpu->vcpu, VCPU_EVENT_VPPI);
    }
}

void vcpu_maintenance(struct cpu *cpu)
{
    struct thread *thread = cpu->vcpu;
    if (thread == 0 || thread->vcpu.lrs_used == 0) {
        return;
    }
    uint32_t ended = gic_ended_lrs() & thread->vcpu.lrs_used;
    for (unsigned n = 0; n < VCPU_LRS; n++) {
        if ((ended & VCPU_EVENT_LR(n)) != 0) {
            gic_write_lr(n, 0);
            thread->vcpu.lrs_used &= ~VCPU_EVENT_LR(n);
            raise_event(thread, VCPU_EVENT_LR(n));
        }
    }
}

void vcpu_wait(struct cpu *cpu, struct thread *thread)
{
    for (unsigned n = 0; n < VCPU_LRS; n++) {
        if ((thread->vcpu.lrs_used & 1u << n) != 0 && gic_lr_is_pending(gic_read_lr(n))) {
            return;
        }
    }
    /* In the core, its timer's own interrupt wakes it; vcpu_unload() sees to the other case. */
    sched_dequeue(cpu, thread);
    thread->state = THREAD_WFI;
}

void vcpu_deliver_event(struct thread *thread)
{
    uint32_t events = thread->vcpu.events;
    unsigned event = (unsigned)__builtin_ctz(events);
    thread->vcpu.events = events & (events - 1);
    if (1u << event == VCPU_EVENT_VPPI) {
        thread->message.fault[0] = INTID_VTIMER;
        ipc_fault(thread, FAULT_VPPI_EVENT, 1);
    } else {
        thread->message.fault[0] = event;
        ipc_fault(thread, FAULT_VGIC_MAINTENANCE, 1);
    }
}
