/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers through seL4's interface: read as a whole at get(), written at put(). */
#include "vmm/arch/aarch64/vcpu.h"

#include "vmm/config.h"

#include <microkit.h>

#define CONTEXT_WORDS (sizeof(seL4_UserContext) / sizeof(seL4_Word))

struct cached_regs {
    struct vcpu_regs regs;
    bool valid; /* between get() and put() */
};

static struct cached_regs cache[VMM_MAX_VCPUS];

/* x0 to x30 as they lie in a seL4_UserContext. */
#define GENERAL_REGISTERS(X)                                                                       \
    X(0)                                                                                           \
    X(1)                                                                                           \
    X(2)                                                                                           \
    X(3)                                                                                           \
    X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19)      \
        X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30)

static struct vcpu_regs from_context(const seL4_UserContext *context)
{
    return (struct vcpu_regs){
#define X(n) .x[n] = context->x##n,
        GENERAL_REGISTERS(X)
#undef X
            .sp_el0 = context->sp,
        .pc = context->pc,
        .spsr = context->spsr,
        .tpidr_el0 = context->tpidr_el0,
        .tpidrro_el0 = context->tpidrro_el0,
    };
}

static seL4_UserContext to_context(const struct vcpu_regs *regs)
{
    return (seL4_UserContext){
#define X(n) .x##n = regs->x[n],
        GENERAL_REGISTERS(X)
#undef X
            .sp = regs->sp_el0,
        .pc = regs->pc,
        .spsr = regs->spsr,
        .tpidr_el0 = regs->tpidr_el0,
        .tpidrro_el0 = regs->tpidrro_el0,
    };
}

/* Neither call can fail: the vCPU is a child of this PD, and the count is the whole context. */
struct vcpu_regs *vcpu_regs_get(unsigned vcpu)
{
    struct cached_regs *cached = &cache[vcpu];
    if (!cached->valid) {
        seL4_UserContext context = { 0 };
        (void)seL4_TCB_ReadRegisters(BASE_VM_TCB_CAP + vcpu, false, 0, CONTEXT_WORDS, &context);
        cached->regs = from_context(&context);
        cached->valid = true;
    }
    return &cached->regs;
}

void vcpu_regs_put(unsigned vcpu)
{
    struct cached_regs *cached = &cache[vcpu];
    if (cached->valid) {
        seL4_UserContext context = to_context(&cached->regs);
        (void)seL4_TCB_WriteRegisters(BASE_VM_TCB_CAP + vcpu, false, 0, CONTEXT_WORDS, &context);
        cached->valid = false;
    }
}
