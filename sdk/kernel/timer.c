/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/timer.h"

uint64_t timer_ticks(uint64_t us)
{
    uint64_t ticks = us * read_sysreg(cntfrq_el0) / 1000000; /* us < 2^32, frequency < 2^32 */
    return ticks != 0 ? ticks : 1;
}
