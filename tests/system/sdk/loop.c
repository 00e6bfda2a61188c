/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endless loops that count. The one with `reporter` in its region's word 2 tells after half a
 * second which part of all counts is its own, in percent.
 */
#include "tests/system/sdk/test_pd.h"

#define TEST_MS     500
#define COUNTS_STEP 1000 /* between two looks at the clock */

seL4_Word counts_vaddr PATCHED = 0;

void notified(microkit_channel ch)
{
    (void)ch;
}

static void report(volatile seL4_Word *counts, bool reporter)
{
    seL4_Word all = counts[0] + counts[1];
    say_number("its part of the counts in percent:", counts[reporter] * 100 / all);
}

/* Alone: how often it was kept from the core for half a period or more. */
static void count_gaps(void)
{
    seL4_Word gaps = 0, last = counter(), end = last + ticks_of_ms(TEST_MS);
    while (last < end) {
        seL4_Word now = counter();
        gaps += now - last > ticks_of_ms(5);
        last = now;
    }
    say_number("times that its budget ended:", gaps);
}

void init(void)
{
    if (is_named("alone")) {
        count_gaps();
        return;
    }
    volatile seL4_Word *counts = (volatile seL4_Word *)counts_vaddr;
    bool reporter = is_named("low") || is_named("right");
    seL4_Word end = counter() + ticks_of_ms(TEST_MS);
    for (;;) {
        for (unsigned i = 0; i < COUNTS_STEP; i++) {
            counts[reporter]++;
        }
        if (counter() >= end && reporter) {
            report(counts, reporter);
            return;
        }
    }
}
