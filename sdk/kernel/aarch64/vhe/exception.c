/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/aarch64/vhe/el2_registers.h"
#include "sdk/kernel/aarch64/vhe/entry.h"
#include "sdk/kernel/aarch64/vhe/idregs.h"
#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/cycle_count.h"
#include "sdk/kernel/core/debug_console.h"
#include "sdk/kernel/core/fault.h"
#include "sdk/kernel/core/ipc.h"
#include "sdk/kernel/core/vcpu.h"

#define FSC_IS_PERMISSION(fsc) (((fsc)&0x3c) == 0x0c)
#define PAR_FAILED             1ul
#define PAR_ADDRESS            0x000ffffffffff000ul
#define PAGE_OFFSET            0xffful

/*
 * The guest physical address of a stage-2 abort. HPFAR_EL2 holds it but for permission faults, of
 * which the guest's own translation tells it (Arm ARM D17.2.64). False: the guest has changed that
 * translation meanwhile; when it goes on, the access comes again.
 */
static bool abort_gpa(uint64_t esr, uint64_t far, uint64_t *gpa)
{
    if (!FSC_IS_PERMISSION(ISS_FSC(esr)) || (esr & ISS_S1PTW) != 0) {
        *gpa = (read_sysreg(hpfar_el2) >> 4 << 12) | (far & PAGE_OFFSET);
        return true;
    }
    uint64_t guest_par = read_sysreg(par_el1);
    __asm__ volatile("at s1e1r, %0" ::"r"(far));
    isb();
    uint64_t par = read_sysreg(par_el1);
    write_sysreg(par_el1, guest_par);
    *gpa = (par & PAR_ADDRESS) | (far & PAGE_OFFSET);
    return (par & PAR_FAILED) == 0;
}

static void fault_vm(struct thread *thread, uint64_t esr, uint64_t address)
{
    uint64_t *words = thread->message.fault;
    words[0] = thread->frame->pc;
    words[1] = address;
    words[2] = ESR_EC(esr) == EC_IABT_LOWER;
    words[3] = esr;
    ipc_fault(thread, FAULT_VM, 4);
}

static void fault_vcpu(struct thread *thread, uint64_t esr)
{
    thread->message.fault[0] = esr;
    ipc_fault(thread, FAULT_VCPU, 1);
}

static void fault_user_exception(struct thread *thread, uint64_t esr)
{
    uint64_t *words = thread->message.fault;
    words[0] = thread->frame->pc;
    words[1] = thread->frame->sp_el0;
    words[2] = thread->frame->spsr;
    words[3] = ESR_EC(esr);
    words[4] = esr;
    ipc_fault(thread, FAULT_USER_EXCEPTION, 5);
}

static void fault_unknown_syscall(struct thread *thread)
{
    uint64_t *words = thread->message.fault;
    const struct frame *frame = thread->frame;
    for (unsigned i = 0; i < 8; i++) {
        words[i] = frame->x[i];
    }
    words[8] = frame->pc;
    words[9] = frame->sp_el0;
    words[10] = frame->x[30];
    words[11] = frame->spsr;
    words[12] = frame->x[7];
    ipc_fault(thread, FAULT_UNKNOWN_SYSCALL, FAULT_WORDS);
}

static void guest_exception(struct cpu *cpu, struct thread *thread, uint64_t esr)
{
    uint64_t gpa;
    switch (ESR_EC(esr)) {
    case EC_IABT_LOWER:
    case EC_DABT_LOWER:
        if (abort_gpa(esr, read_sysreg(far_el2), &gpa)) {
            fault_vm(thread, esr, gpa);
        }
        return;
    case EC_WFX:
        thread->frame->pc += (esr & ESR_IL) != 0 ? 4 : 2;
        if ((esr & ISS_WFX_IS_WFE) == 0) {
            vcpu_wait(cpu, thread);
        }
        return;
    case EC_SYSREG:
        if (idregs_emulate(thread->frame, ESR_ISS(esr))) {
            return;
        }
        break;
    default:
        break;
    }
    fault_vcpu(thread, esr);
}

static void pd_exception(struct cpu *cpu, struct thread *thread, uint64_t esr)
{
    switch (ESR_EC(esr)) {
    case EC_SVC64:
        if (!syscall_dispatch(thread)) {
            fault_unknown_syscall(thread);
        }
        return;
    case EC_FP:
        fp_give(cpu, thread);
        return;
    case EC_IABT_LOWER:
    case EC_DABT_LOWER:
        fault_vm(thread, esr, read_sysreg(far_el2));
        return;
    default:
        fault_user_exception(thread, esr);
    }
}

struct resume trap_sync(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *thread = cpu->current;
    uint64_t esr = read_sysreg(esr_el2);
    count_entry(thread);
    if (thread_is_vcpu(thread)) {
        guest_exception(cpu, thread, esr);
    } else {
        pd_exception(cpu, thread, esr);
    }
    return kernel_exit(cpu);
}

struct resume trap_irq(void)
{
    struct cpu *cpu = this_cpu();
    count_entry(cpu->current);
    irq_handle(cpu);
    return kernel_exit(cpu);
}

/* Asynchronous: nobody can say whose access it was, but it was the running one's more likely. */
struct resume trap_serror(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t esr = read_sysreg(esr_el2);
    console_print("kernel: SError, ESR_EL2 0x%lx, while %s ran\n", esr, cpu->current->image->name);
    if (thread_is_vcpu(cpu->current)) {
        fault_vcpu(cpu->current, esr);
    } else {
        fault_user_exception(cpu->current, esr);
    }
    return kernel_exit(cpu);
}
