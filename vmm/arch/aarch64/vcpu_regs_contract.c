/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers through seL4's interface: read as a whole at get(), written at put(). */
#include "vmm/arch/aarch64/vcpu_control.h"

#include "vmm/core/vmm_config.h"

#include <microkit.h>
#include <stddef.h>

#define CONTEXT_WORDS (sizeof(seL4_UserContext) / sizeof(seL4_Word))

struct cached_regs {
    struct vcpu_regs regs;
    bool valid; /* between get() and put() */
};

static struct cached_regs cache[VMM_MAX_VCPUS];

/* Where x0 to x30 lie in a seL4_UserContext, whose members are all words. */
#define WORD(member) (offsetof(seL4_UserContext, member) / sizeof(seL4_Word))
static const uint8_t word_of_x[31] = {
    WORD(x0),  WORD(x1),  WORD(x2),  WORD(x3),  WORD(x4),  WORD(x5),  WORD(x6),  WORD(x7),
    WORD(x8),  WORD(x9),  WORD(x10), WORD(x11), WORD(x12), WORD(x13), WORD(x14), WORD(x15),
    WORD(x16), WORD(x17), WORD(x18), WORD(x19), WORD(x20), WORD(x21), WORD(x22), WORD(x23),
    WORD(x24), WORD(x25), WORD(x26), WORD(x27), WORD(x28), WORD(x29), WORD(x30)
};

static struct vcpu_regs from_context(const seL4_UserContext *context)
{
    const seL4_Word *words = (const seL4_Word *)context;
    struct vcpu_regs regs = {
        .sp_el0 = context->sp,
        .pc = context->pc,
        .spsr = context->spsr,
        .tpidr_el0 = context->tpidr_el0,
        .tpidrro_el0 = context->tpidrro_el0,
    };
    for (unsigned i = 0; i < 31; i++) {
        regs.x[i] = words[word_of_x[i]];
    }
    return regs;
}

static seL4_UserContext to_context(const struct vcpu_regs *regs)
{
    seL4_UserContext context = {
        .sp = regs->sp_el0,
        .pc = regs->pc,
        .spsr = regs->spsr,
        .tpidr_el0 = regs->tpidr_el0,
        .tpidrro_el0 = regs->tpidrro_el0,
    };
    seL4_Word *words = (seL4_Word *)&context;
    for (unsigned i = 0; i < 31; i++) {
        words[word_of_x[i]] = regs->x[i];
    }
    return context;
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
