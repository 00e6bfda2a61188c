/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls with every kind of wrong argument: each must be refused with the right error and
 * change nothing. Then the child, wrong_child.c, is started in ways that must not give it more than
 * EL0. Channels: 0 may only be notified, 1 may be called, 61 is an interrupt; child 7, vCPU 0.
 */
#include "sdk/kernel/include/kernel/syscall.h"
#include "tests/system/sdk/test_pd.h"

#define NOTIFY_ONLY 0
#define ADDER       1
#define INTERRUPT   61
#define CHILD       7
#define ALL         UINT64_MAX
#define KERNEL      0xffffff8070000000ul
#define MODE_BITS   0x1ful
#define EL2H_MASKED 0x3c9ul

struct wrong_call {
    uint64_t number, x0, x1, x2, x3, x4, error;
};

/* What is no channel, for each call that takes one. */
#define NO_CHANNEL(number)                                                                         \
    { number, 2, 0, 0, 0, 0, SYS_INVALID_SLOT }, { number, 62, 0, 0, 0, 0, SYS_INVALID_SLOT },     \
        { number, 63, 0, 0, 0, 0, SYS_INVALID_SLOT },                                              \
        { number, 64, 0, 0, 0, 0, SYS_INVALID_SLOT },                                              \
        { number, 256, 0, 0, 0, 0, SYS_INVALID_SLOT },                                             \
        { number, 1ul << 32, 0, 0, 0, 0, SYS_INVALID_SLOT },                                       \
        { number, 1ul << 63, 0, 0, 0, 0, SYS_INVALID_SLOT },                                       \
        { number, KERNEL, 0, 0, 0, 0, SYS_INVALID_SLOT },                                          \
    {                                                                                              \
        number, ALL, ALL, ALL, ALL, ALL, SYS_INVALID_SLOT                                          \
    }
/* What is no vCPU. */
#define NO_VCPU(number)                                                                            \
    { number, 1, 0, 0, 0, 0, SYS_INVALID_SLOT }, { number, 7, 0, 0, 0, 0, SYS_INVALID_SLOT },      \
        { number, 8, 0, 0, 0, 0, SYS_INVALID_SLOT },                                               \
        { number, 1ul << 32, 0, 0, 0, 0, SYS_INVALID_SLOT },                                       \
    {                                                                                              \
        number, ALL, ALL, ALL, ALL, ALL, SYS_INVALID_SLOT                                          \
    }
/* What is no TCB. */
#define NO_TCB(number)                                                                             \
    { number, 0, 0, 0, 0, 0, SYS_INVALID_SLOT }, { number, CHILD, 0, 0, 0, 0, SYS_INVALID_SLOT },  \
        { number, SLOT_CHILD, 0, 0, 0, 0, SYS_INVALID_SLOT },                                      \
        { number, SLOT_CHILD + 62, 0, 0, 0, 0, SYS_INVALID_SLOT },                                 \
        { number, SLOT_VCPU - 1, 0, 0, 0, 0, SYS_INVALID_SLOT },                                   \
        { number, SLOT_VCPU + 1, 0, 0, 0, 0, SYS_INVALID_SLOT },                                   \
        { number, SLOT_VCPU + 8, 0, 0, 0, 0, SYS_INVALID_SLOT },                                   \
        { number, 0x300, 0, 0, 0, 0, SYS_INVALID_SLOT },                                           \
        { number, 1ul << 32 | (SLOT_CHILD + CHILD), 0, 0, 0, 0, SYS_INVALID_SLOT },                \
    {                                                                                              \
        number, ALL, ALL, ALL, ALL, ALL, SYS_INVALID_SLOT                                          \
    }

static const struct wrong_call wrong_calls[] = {
    NO_CHANNEL(SYSCALL_CALL),
    NO_CHANNEL(SYSCALL_NOTIFY),
    NO_CHANNEL(SYSCALL_IRQ_ACK),
    NO_CHANNEL(SYSCALL_PD_STOP),
    NO_CHANNEL(SYSCALL_PD_RESTART),
    { SYSCALL_CALL, NOTIFY_ONLY, 0, 0, 0, 0, SYS_INVALID_SLOT },
    { SYSCALL_CALL, INTERRUPT, 0, 0, 0, 0, SYS_INVALID_SLOT },
    { SYSCALL_NOTIFY, INTERRUPT, 0, 0, 0, 0, SYS_INVALID_SLOT },
    { SYSCALL_NOTIFY, ADDER, 0, 0, 0, 0, SYS_INVALID_SLOT }, /* notify="false" */
    { SYSCALL_IRQ_ACK, NOTIFY_ONLY, 0, 0, 0, 0, SYS_INVALID_SLOT },
    { SYSCALL_IRQ_ACK, ADDER, 0, 0, 0, 0, SYS_INVALID_SLOT },
    { SYSCALL_PD_STOP, 0, 0, 0, 0, 0, SYS_INVALID_SLOT }, /* a vCPU is no child PD */
    { SYSCALL_VCPU_STOP, CHILD, 0, 0, 0, 0, SYS_INVALID_SLOT },
    NO_VCPU(SYSCALL_VCPU_STOP),
    NO_VCPU(SYSCALL_VCPU_RESTART),
    NO_VCPU(SYSCALL_VCPU_INJECT),
    NO_VCPU(SYSCALL_VCPU_ACK_VPPI),
    NO_VCPU(SYSCALL_VCPU_READ_REG),
    NO_VCPU(SYSCALL_VCPU_WRITE_REG),
    { SYSCALL_VCPU_INJECT, 0, 1020, 0, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_INJECT, 0, ALL, 0, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_INJECT, 0, 40, 256, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_INJECT, 0, 40, 0, 2, 0, SYS_RANGE },
    { SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 4, SYS_RANGE },
    { SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 1ul << 32, SYS_RANGE },
    { SYSCALL_VCPU_INJECT, 0, ALL, ALL, ALL, ALL, SYS_RANGE },
    { SYSCALL_VCPU_ACK_VPPI, 0, 26, 0, 0, 0, SYS_INVALID_ARGUMENT },
    { SYSCALL_VCPU_ACK_VPPI, 0, ALL, 0, 0, 0, SYS_INVALID_ARGUMENT },
    { SYSCALL_VCPU_READ_REG, 0, 24, 0, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_READ_REG, 0, 1ul << 32, 0, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_READ_REG, 0, ALL, 0, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_WRITE_REG, 0, 24, ALL, 0, 0, SYS_RANGE },
    { SYSCALL_VCPU_WRITE_REG, 0, ALL, ALL, 0, 0, SYS_RANGE },
    NO_TCB(SYSCALL_TCB_READ),
    NO_TCB(SYSCALL_TCB_WRITE),
    { SYSCALL_TCB_READ, SLOT_CHILD + CHILD, TCB_WORDS + 1, 0, 0, 0, SYS_RANGE },
    { SYSCALL_TCB_READ, SLOT_CHILD + CHILD, ALL, 0, 0, 0, SYS_RANGE },
    { SYSCALL_TCB_WRITE, SLOT_CHILD + CHILD, TCB_WORDS + 1, ALL, 0, 0, SYS_RANGE },
    { SYSCALL_TCB_WRITE, SLOT_VCPU, ALL, ALL, 0, 0, SYS_RANGE },
    { SYSCALL_SMC, 0, 0, 0, 0, 0, SYS_INVALID_SLOT },
    { SYSCALL_SMC, ALL, ALL, ALL, ALL, ALL, SYS_INVALID_SLOT },
};
#define WRONG_CALLS (sizeof wrong_calls / sizeof *wrong_calls)

struct answer {
    uint64_t x0, x1;
};

static struct answer call(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                          uint64_t a4)
{
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = a4;
    register uint64_t x7 __asm__("x7") = number;
    __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x3), "r"(x4), "r"(x7) : "memory");
    return (struct answer){ x0, x1 };
}

static void make_wrong_calls(void)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < WRONG_CALLS; i++) {
        const struct wrong_call *c = &wrong_calls[i];
        uint64_t error = call(c->number, c->x0, c->x1, c->x2, c->x3, c->x4).x0;
        if (error != c->error) {
            say_number("row", i);
            say_number("got", error);
            wrong++;
        }
    }
    say_number("wrong calls not refused:", wrong);
}

/* A message has at most 64 words, whatever its sender says; the label is passed on whole. */
static void send_garbage(void)
{
    for (seL4_Uint8 n = 0; n < MESSAGE_WORDS; n++) {
        microkit_mr_set(n, n);
    }
    struct answer got = call(SYSCALL_CALL, ADDER, ALL, 0, 0, 0);
    bool good = got.x0 == SYS_OK && (got.x1 & 0x7f) == MESSAGE_WORDS && got.x1 >> 12 == 0;
    for (seL4_Uint8 n = 0; n < MESSAGE_WORDS; n++) {
        good &= microkit_mr_get(n) == n + 7u;
    }
    say(good ? "garbage in a msginfo is cut" : "garbage in a msginfo went through");
}

/* Nobody has called: the reply goes nowhere, and the notification that waits is received. */
static void reply_without_caller(void)
{
    struct answer got = call(SYSCALL_REPLY_RECV, ALL, ALL, ALL, ALL, ALL);
    say(got.x0 == BADGE_NOTIFICATION && got.x1 == 1ul << NOTIFY_ONLY ? "reply to nobody"
                                                                     : "wrong receive");
}

void init(void)
{
    make_wrong_calls();
    send_garbage();
    reply_without_caller();
}

void notified(microkit_channel ch)
{
    (void)ch;
}

/* ---- The child ----------------------------------------------------------------------------------
 */
static unsigned unknown_calls;
static seL4_Word probe;

/* The child tells where its code begins that asks for the exception level. */
microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    (void)ch;
    (void)msginfo;
    probe = microkit_mr_get(0);
    say_number("unknown calls of the child:", unknown_calls);
    return microkit_msginfo_new(0, 0);
}

/* A step for each fault of the child; the last is wrong in another way than the one before. */
static unsigned step;

static void start_probe_as(seL4_Word spsr)
{
    seL4_UserContext regs;
    seL4_TCB_ReadRegisters(BASE_TCB_CAP + CHILD, seL4_False, 0, 3, &regs);
    regs.pc = probe;
    regs.spsr = spsr;
    seL4_TCB_WriteRegisters(BASE_TCB_CAP + CHILD, seL4_True, 0, 3, &regs);
}

static bool was_user_exception(microkit_msginfo info)
{
    return microkit_msginfo_get_label(info) == seL4_Fault_UserException &&
           (microkit_mr_get(seL4_UserException_SPSR) & MODE_BITS) == 0;
}

static bool was_fetch_of(microkit_msginfo info, seL4_Word address)
{
    return microkit_msginfo_get_label(info) == seL4_Fault_VMFault &&
           microkit_mr_get(seL4_VMFault_Addr) == address &&
           microkit_mr_get(seL4_VMFault_PrefetchFault) == 1;
}

/* The probe's instruction is undefined at EL0, and only there. */
static void next_step(microkit_msginfo info)
{
    static const seL4_Word modes[] = { EL2H_MASKED, UINT64_MAX, 0x3c5, 0x3d3, 0x10, 1ul << 21 };
    enum { MODES = sizeof modes / sizeof *modes };
    bool good = step == 0           ? was_user_exception(info)
                : step <= MODES     ? was_user_exception(info)
                : step == MODES + 1 ? was_fetch_of(info, KERNEL)
                : step == MODES + 2 ? was_fetch_of(info, 0x0001000000000000)
                                    : was_user_exception(info); /* pc not aligned */
    say_number(good ? "good step" : "bad step", step);
    if (step < MODES) {
        start_probe_as(modes[step]);
    } else if (step == MODES) {
        microkit_pd_restart(CHILD, KERNEL);
    } else if (step == MODES + 1) {
        microkit_pd_restart(CHILD, 0x0001000000000000);
    } else if (step == MODES + 2) {
        microkit_pd_restart(CHILD, probe + 2);
    } else {
        microkit_pd_stop(CHILD);
        say("all steps done");
    }
    step++;
}

seL4_Bool fault(microkit_child child, microkit_msginfo info, microkit_msginfo *reply)
{
    (void)child;
    if (microkit_msginfo_get_label(info) == seL4_Fault_UnknownSyscall) {
        unknown_calls += microkit_mr_get(seL4_UnknownSyscall_Syscall) == microkit_mr_get(0);
        *reply = microkit_msginfo_new(0, 0);
        return seL4_True; /* goes on behind its call */
    }
    next_step(info);
    return seL4_False;
}
