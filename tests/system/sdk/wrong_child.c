/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes system calls that do not exist, and reads what only EL1 and above may; see wrong_calls.c.
 */
#include "sdk/kernel/include/kernel/syscall.h"
#include "tests/system/sdk/test_pd.h"

#define PARENT 3

static void unknown_call(seL4_Word number)
{
    register seL4_Word x0 __asm__("x0") = number;
    register seL4_Word x7 __asm__("x7") = number;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x7) : "x1", "memory");
}

static void ask_level(void)
{
    __asm__ volatile("mrs x0, currentel" ::: "x0");
    say("got away with it");
}

void init(void)
{
    static const seL4_Word numbers[] = {
        NUM_SYSCALLS, NUM_SYSCALLS + 1,   63,   64,   255, 256, 0x7fffffff, 1ul << 32,
        1ul << 63,    0xffffff8070000000, -1ul, -2ul,
    };
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        unknown_call(numbers[i]);
    }
    microkit_mr_set(0, (seL4_Word)ask_level);
    microkit_ppcall(PARENT, microkit_msginfo_new(0, 1));
    ask_level();
}

void notified(microkit_channel ch)
{
    (void)ch;
}
