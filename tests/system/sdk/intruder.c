/* SPDX-License-Identifier: BSD-2-Clause */
/* Goes where its memory map does not let it, in the way that its name tells. */
#include "tests/system/sdk/test_pd.h"

/* As in memory.system: a region of two pages, a read-only one, and one of another PD. */
#define OWN      0x3000000ul
#define OWN_END  0x3002000ul
#define READONLY 0x4000000ul
#define OTHERS   0x5000000ul

static volatile seL4_Word *word(seL4_Word address)
{
    return (volatile seL4_Word *)address;
}

/* Fills the stack to its end (8 KiB) and goes on. */
static __attribute__((noinline)) seL4_Word overflow(volatile seL4_Word *above)
{
    volatile seL4_Word here[32];
    here[0] = above[0] + 1;
    return here[0] == 1000 ? 0 : overflow(here) + here[0];
}

static void go_there(void)
{
    if (is_named("reads_behind")) {
        *word(OWN) = *word(OWN_END);
    } else if (is_named("writes_behind")) {
        *word(OWN_END - 8) = 1; /* the last word of its own */
        *word(OWN_END) = 1;
    } else if (is_named("writes_across")) {
        __asm__ volatile("str x0, [%0]" ::"r"(OWN_END - 4) : "memory");
    } else if (is_named("jumps_behind")) {
        ((void (*)(void))OWN_END)();
    } else if (is_named("runs_data")) {
        *word(OWN) = 0xd65f03c0; /* ret */
        ((void (*)(void))OWN)();
    } else if (is_named("writes_readonly")) {
        *word(OWN) = *word(READONLY);
        *word(READONLY) = 1;
    } else if (is_named("reads_others")) {
        *word(OWN) = *word(OTHERS);
    } else if (is_named("overflows_stack")) {
        volatile seL4_Word first = 0;
        *word(OWN) = overflow(&first);
    } else if (is_named("reads_far")) {
        *word(OWN) = *word(0x0000800000000000);
    } else if (is_named("masks")) {
        __asm__ volatile("msr daifset, #2");
    } else if (is_named("invalidates")) {
        __asm__ volatile("tlbi vmalle1");
    } else if (is_named("calls_firmware")) {
        __asm__ volatile("smc #0");
    } else if (is_named("breaks")) {
        __asm__ volatile("brk #1");
    }
}

void init(void)
{
    if (is_named("owner")) {
        *word(OTHERS) = 0x5ec7e7;
    }
    go_there();
    say(is_named("owner") ? "wrote its own" : "got away with it");
}

void notified(microkit_channel ch)
{
    (void)ch;
}
