/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every system call, and numbers that are none, with every kind of argument in x0 and x1, others in
 * x2 to x4, and stack pointers that point nowhere. What x0 names decides who may be meant, so each
 * call with an x0 that is none of the sweeper's is refused as such; with one that is, the answer is
 * success or one of the errors. A number that is no call goes to the parent, here the keeper, which
 * counts it and lets the sweeper go on. At the end the child and the vCPU, with whatever they have
 * got by then, may run.
 */
#include "sdk/kernel/include/kernel/syscall.h"
#include "tests/system/sdk/test_pd.h"

#define NOTIFIER  0 /* notifies back at once */
#define ADDER     1
#define KEEPER    2
#define INTERRUPT 61
#define CHILD     7
#define VCPU      0
#define NONE      UINT64_MAX

static const seL4_Word values[] = {
    0,
    1,
    2,
    3,
    7,
    8,
    36,
    37,
    61,
    62,
    63,
    64,
    127,
    128,
    129,
    256,
    SLOT_CHILD + CHILD,
    SLOT_VCPU,
    SLOT_VCPU + 8,
    0x300,
    1020,
    0x200000, /* our text */
    0x200001,
    0x7fffffff,
    1ul << 31,
    1ul << 32,
    1ul << 39,
    0x0001000000000000, /* neither half of the address space */
    0xffffff8070000000, /* the kernel's text */
    1ul << 63,
    UINT64_MAX - 1,
    UINT64_MAX,
};
#define VALUES ((unsigned)(sizeof values / sizeof *values))

/* Per call: which x0 are taken, NONE for those behind. */
static const seL4_Word taken[NUM_SYSCALLS][3] = {
    [SYSCALL_CALL] = { ADDER, KEEPER, NONE },
    [SYSCALL_NOTIFY] = { NOTIFIER, NONE, NONE },
    [SYSCALL_IRQ_ACK] = { INTERRUPT, NONE, NONE },
    [SYSCALL_PD_STOP] = { CHILD, NONE, NONE },
    [SYSCALL_PD_RESTART] = { CHILD, NONE, NONE },
    [SYSCALL_VCPU_STOP] = { VCPU, NONE, NONE },
    [SYSCALL_VCPU_RESTART] = { VCPU, NONE, NONE },
    [SYSCALL_VCPU_INJECT] = { VCPU, NONE, NONE },
    [SYSCALL_VCPU_ACK_VPPI] = { VCPU, NONE, NONE },
    [SYSCALL_VCPU_READ_REG] = { VCPU, NONE, NONE },
    [SYSCALL_VCPU_WRITE_REG] = { VCPU, NONE, NONE },
    [SYSCALL_TCB_READ] = { SLOT_CHILD + CHILD, SLOT_VCPU, NONE },
    [SYSCALL_TCB_WRITE] = { SLOT_CHILD + CHILD, SLOT_VCPU, NONE },
    [SYSCALL_SMC] = { NONE, NONE, NONE },
    [SYSCALL_THREAD_COUNTS] = { NONE, NONE, NONE }, /* but in the config `benchmark` */
};

static const seL4_Word numbers_that_are_none[] = {
    NUM_SYSCALLS, NUM_SYSCALLS + 1, 63, 64, 255, 256, 1ul << 31, 1ul << 32, 1ul << 63, UINT64_MAX,
};
#define WRONG_NUMBERS ((unsigned)(sizeof numbers_that_are_none / sizeof(seL4_Word)))

static seL4_Word calls, wrong, unknown;

/* With another stack pointer, if `sp` is not 0. */
static seL4_Word call(seL4_Word number, const seL4_Word args[5], seL4_Word sp)
{
    register seL4_Word x0 __asm__("x0") = args[0];
    register seL4_Word x1 __asm__("x1") = args[1];
    register seL4_Word x2 __asm__("x2") = args[2];
    register seL4_Word x3 __asm__("x3") = args[3];
    register seL4_Word x4 __asm__("x4") = args[4];
    register seL4_Word x7 __asm__("x7") = number;
    __asm__ volatile("mov x9, sp\n\t"
                     "cbz %[sp], 1f\n\t"
                     "mov sp, %[sp]\n"
                     "1:\tsvc #0\n\t"
                     "mov sp, x9"
                     : "+r"(x0), "+r"(x1)
                     : "r"(x2), "r"(x3), "r"(x4), "r"(x7), [sp] "r"(sp)
                     : "x9", "memory");
    calls++;
    return x0;
}

static bool is_error(seL4_Word result)
{
    return result == SYS_OK || result == SYS_INVALID_ARGUMENT || result == SYS_INVALID_SLOT ||
           result == SYS_RANGE || result == SYS_BUSY;
}

static bool is_right(seL4_Word number, seL4_Word x0, seL4_Word result)
{
    if (number == SYSCALL_RECV || number == SYSCALL_REPLY_RECV) {
        return result == BADGE_NOTIFICATION;
    }
    if (number == SYSCALL_DEBUG_PUTS) {
        return result == (x0 <= DEBUG_TEXT_BYTES ? SYS_OK : SYS_RANGE);
    }
    for (unsigned i = 0; i < 3; i++) {
        if (x0 == taken[number][i] && x0 != NONE) {
            return is_error(result) && result != SYS_INVALID_SLOT;
        }
    }
    return result == SYS_INVALID_SLOT;
}

static void try(seL4_Word number, unsigned i, unsigned j, unsigned turn)
{
    static const seL4_Word sps[] = { 0, 1, 0xffffff8070000000, UINT64_MAX };
    const seL4_Word args[5] = { values[i], values[j], values[(i + 5 * turn) % VALUES],
                                values[(j + 7 * turn) % VALUES], values[(i + j + turn) % VALUES] };
    if (number == SYSCALL_DEBUG_PUTS && j + turn > 0) {
        return; /* the console has seen it */
    }
    microkit_notify(NOTIFIER); /* so that a receive has something to receive */
    seL4_Word result = call(number, args, sps[(i + turn) % 4]);
    if (number < NUM_SYSCALLS && !is_right(number, args[0], result)) {
        if (wrong++ == 0) {
            say_number("first wrong answer: call", number);
            say_number("x0", args[0]);
            say_number("x1", args[1]);
            say_number("result", result);
        }
    }
    unknown += number >= NUM_SYSCALLS;
}

static void sweep(seL4_Word number)
{
    for (unsigned i = 0; i < VALUES; i++) {
        for (unsigned j = 0; j < VALUES; j++) {
            for (unsigned turn = 0; turn < 3; turn++) {
                try(number, i, j, turn);
            }
        }
    }
}

static void sweep_all(void)
{
    for (seL4_Word number = 0; number < NUM_SYSCALLS; number++) {
        sweep(number);
    }
    for (unsigned n = 0; n < WRONG_NUMBERS; n++) {
        sweep(numbers_that_are_none[n]);
    }
    (void)microkit_ppcall(KEEPER, microkit_msginfo_new(0, 0));
    say_number("calls:", calls);
    say_number("wrong answers:", wrong);
    say_number("unknown calls that its parent has not seen:", unknown - microkit_mr_get(0));
}

void init(void)
{
    if (is_named("sweeper")) {
        sweep_all();
    }
}

/* ---- The keeper ---------------------------------------------------------------------------------
 */
static seL4_Word seen;

seL4_Bool fault(microkit_child child, microkit_msginfo info, microkit_msginfo *reply)
{
    (void)child;
    if (is_named("sweeper")) {
        return seL4_False; /* what its child and its vCPU have made of their registers */
    }
    if (microkit_msginfo_get_label(info) == seL4_Fault_UnknownSyscall) {
        seen++;
        *reply = microkit_msginfo_new(0, 0);
        return seL4_True;
    }
    say("the sweeper has faulted");
    return seL4_False;
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo info)
{
    (void)ch;
    (void)info;
    microkit_mr_set(0, seen);
    return microkit_msginfo_new(0, 1);
}

/* The notifier. */
void notified(microkit_channel ch)
{
    if (is_named("notifier")) {
        microkit_notify(ch);
    }
}
