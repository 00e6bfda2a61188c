/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restart of a PD in a call: worker calls server, which notifies keeper before it answers; keeper
 * restarts the worker at a routine of its own. Registers are as they were (Microkit sets the pc
 * only), the server's late answer goes to nobody, and the worker can call again.
 */
#include "tests/system/sdk/test_pd.h"

#define SERVER 1
#define KEEPER 2
#define WORKER 9
#define STAMP  0x1234567812345678ul

/* What the worker leaves for its keeper, and what its routine finds in its registers. */
struct notes {
    volatile seL4_Word restart_pc, top_sp;
    volatile seL4_Word sp, x28, x27;
    volatile seL4_Word calls, sp_before;
};

seL4_Word notes_vaddr PATCHED = 0;

static struct notes *notes(void)
{
    return (struct notes *)notes_vaddr;
}

static void call_again(void);

/* Where the worker is restarted: notes its registers, then goes on with an empty stack. */
static __attribute__((naked)) void restart(void)
{
    __asm__ volatile("adrp x0, notes_vaddr\n\t"
                     "ldr x0, [x0, :lo12:notes_vaddr]\n\t"
                     "mov x1, sp\n\t"
                     "stp x1, x28, [x0, #16]\n\t"
                     "str x27, [x0, #32]\n\t"
                     "ldr x1, [x0, #8]\n\t"
                     "mov sp, x1\n\t"
                     "b %0" ::"S"(call_again));
}

static void call_again(void)
{
    notes()->calls = 2;
    say(notes()->sp == notes()->sp_before && notes()->x28 == STAMP && notes()->x27 == ~STAMP
            ? "has kept its registers"
            : "has other registers");
    microkit_mr_set(0, 5);
    microkit_msginfo answer = microkit_ppcall(SERVER, microkit_msginfo_new(7, 1));
    say(microkit_mr_get(0) == 6 && microkit_msginfo_get_label(answer) == 8
            ? "answered after its restart"
            : "wrong answer after its restart");
    for (;;) {
    }
}

/* The call with values of ours in registers that no one else needs. */
static void call_with_stamp(void)
{
    register seL4_Word x0 __asm__("x0") = SERVER;
    register seL4_Word x1 __asm__("x1") = 0;
    register seL4_Word x7 __asm__("x7") = 3; /* CALL */
    register seL4_Word x28 __asm__("x28") = STAMP;
    register seL4_Word x27 __asm__("x27") = ~STAMP;
    __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1) : "r"(x7), "r"(x28), "r"(x27) : "memory");
}

void init(void)
{
    if (is_named("worker")) {
        notes()->restart_pc = (seL4_Word)restart;
        notes()->top_sp = (seL4_Word)__builtin_frame_address(0) & ~15ul;
        notes()->calls = 1;
        call_with_stamp();
        say("the first call has returned");
    }
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    (void)ch;
    if (notes()->calls == 1) {
        microkit_notify(KEEPER); /* who is above us: the worker is restarted here */
        say("answers to nobody");
    }
    microkit_mr_set(0, microkit_mr_get(0) + 1);
    return microkit_msginfo_new(microkit_msginfo_get_label(msginfo) + 1, 1);
}

/* keeper */
void notified(microkit_channel ch)
{
    seL4_UserContext before;
    if (ch == SERVER) {
        seL4_TCB_ReadRegisters(BASE_TCB_CAP + WORKER, seL4_False, 0, 36, &before);
        notes()->sp_before = before.sp;
        microkit_pd_restart(WORKER, notes()->restart_pc);
        say(before.x28 == STAMP && before.x27 == ~STAMP ? "reads the registers"
                                                        : "reads other registers");
    }
}
