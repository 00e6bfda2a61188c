/* SPDX-License-Identifier: BSD-2-Clause */
/* Two of these take turns on the core, each with its own pattern in the FP registers. */
#include "tests/system/sdk/fp_pattern.h"
#include "tests/system/sdk/test_pd.h"

#define TEST_MS           300
#define FPCR_TOWARDS_ZERO (3ul << 22)

void init(void)
{
    seL4_Word wrong = 0, end = counter() + ticks_of_ms(TEST_MS);
    seL4_Word control = is_named("fp0") ? FPCR_TOWARDS_ZERO : 0;
    fp_set_control(control);
    for (seL4_Word seed = control + 1; counter() < end; seed += 0x1000) {
        fp_fill(seed);
        spin_ms(3); /* longer than a time slice */
        wrong += fp_wrong(seed) + (fp_control() != control);
    }
    say_number("wrong FP registers:", wrong);
}

void notified(microkit_channel ch)
{
    (void)ch;
}
