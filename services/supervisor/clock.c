/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/supervisor/clock.h"

uint64_t clock_seconds(void)
{
    uint64_t ticks, hz;
    __asm__ volatile("mrs %0, cntpct_el0" : "=r"(ticks));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz != 0 ? ticks / hz : 0;
}
