/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/fault.h"

#include "sdk/kernel/aarch64/vhe/el2_registers.h"
#include "sdk/kernel/aarch64/vhe/entry.h"
#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/debug_console.h"

/* FSC of an abort's ISS (Arm ARM D17.2.37): the kind is in bits 5 to 2, the level in 1 to 0. */
static const char *abort_kind(unsigned fsc)
{
    static const char *const kinds[16] = {
        [0] = "address size fault", [1] = "translation fault", [2] = "access flag fault",
        [3] = "permission fault",   [4] = "external abort",    [8] = "alignment fault",
    };
    const char *kind = kinds[fsc >> 2];
    return kind != 0 ? kind : "abort";
}

static void report_vm_fault(const uint64_t *words)
{
    uint64_t esr = words[3];
    const char *access = words[2] != 0          ? "instruction fetch"
                         : (esr & ISS_WNR) != 0 ? "write"
                                                : "read";
    console_print("%s of 0x%lx: %s, level %u", access, words[1], abort_kind(ISS_FSC(esr)),
                  ISS_FSC(esr) & 3);
}

static void report_registers(const struct frame *frame)
{
    console_print("  pc 0x%016lx  sp 0x%016lx  spsr 0x%lx\n", frame->pc, frame->sp_el0,
                  frame->spsr);
    for (unsigned i = 0; i < 31; i++) {
        console_print("  x%u%s 0x%016lx%s", i, i < 10 ? " " : "", frame->x[i],
                      i % 4 == 3 || i == 30 ? "\n" : "");
    }
}

void fault_report(const struct thread *thread)
{
    const uint64_t *words = thread->message.fault;
    uint64_t label = thread->message.info >> 12;
    console_print("\nkernel: PD %s has stopped: ", thread->image->name);
    if (label == FAULT_VM) {
        report_vm_fault(words);
    } else if (label == FAULT_UNKNOWN_SYSCALL) {
        console_print("unknown system call %ld", words[12]);
    } else {
        console_print("exception class 0x%x (ESR_EL2 0x%lx)", ESR_EC(words[4]), words[4]);
    }
    console_print("\n");
    report_registers(thread->frame);
}

_Noreturn void fault_kernel(uint64_t esr, uint64_t elr, uint64_t far)
{
    const struct thread *current = this_cpu()->current;
    console_print("\nkernel: exception in the kernel: ESR_EL2 0x%lx at 0x%lx, FAR_EL2 0x%lx, "
                  "running %s. Halted.\n",
                  esr, elr, far, current != 0 ? current->image->name : "nothing");
    for (;;) {
        wfi();
    }
}
