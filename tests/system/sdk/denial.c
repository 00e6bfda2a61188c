/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks for more than its part, beside one who works: steady counts for a while alone and for a
 * while among PDs above it that notify without end, call without end, never return, and fault again
 * as soon as their parent has restarted them. Each of those has a tenth of the time, and no more.
 */
#include "tests/system/sdk/test_pd.h"

#define TEST_MS     200
#define COUNTS_STEP 100 /* between two looks at the clock */
#define SERVER      1
#define CHILD       7
#define OTHERS      4 /* steady's channels, from 0 */
#define CHILD_ENTRY 0x200000

struct count {
    seL4_Word steps, longest_gap;
};

static struct count count_for_ms(seL4_Word ms)
{
    struct count count = { 0 };
    seL4_Word last = counter(), end = last + ticks_of_ms(ms);
    while (last < end) {
        for (volatile unsigned i = 0; i < COUNTS_STEP; i++) {
        }
        seL4_Word now = counter();
        count.longest_gap = now - last > count.longest_gap ? now - last : count.longest_gap;
        count.steps++;
        last = now;
    }
    return count;
}

static void work(void)
{
    struct count alone = count_for_ms(TEST_MS);
    for (microkit_channel other = 0; other < OTHERS; other++) {
        microkit_notify(other);
    }
    struct count among_others = count_for_ms(TEST_MS);
    say_number("its part of the steps in percent:", among_others.steps * 100 / alone.steps);
    say_number("longest time without a step in us:",
               among_others.longest_gap * 1000 / ticks_of_ms(1));
}

void init(void)
{
    if (is_named("steady")) {
        work();
    } else if (is_named("faulter")) {
        *(volatile seL4_Word *)0 = 1;
    }
}

void notified(microkit_channel ch)
{
    if (is_named("parent")) {
        microkit_pd_restart(CHILD, CHILD_ENTRY);
    }
    while (is_named("flooder")) {
        microkit_notify(ch);
    }
    while (is_named("caller")) {
        microkit_ppcall(SERVER, microkit_msginfo_new(0, 64));
    }
    if (is_named("spinner")) {
        for (;;) {
        }
    }
}

/* Its child's first fault comes before anything is measured; from the go on each is answered. */
seL4_Bool fault(microkit_child child, microkit_msginfo info, microkit_msginfo *reply)
{
    static bool again;
    (void)info;
    (void)reply;
    if (again) {
        microkit_pd_restart(child, CHILD_ENTRY);
    }
    again = true;
    return seL4_False;
}
