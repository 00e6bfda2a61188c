/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/timer/timer_core.h"

#define NS_PER_SECOND 1000000000ull

void timer_core_init(struct timer_core *core, uint64_t hz)
{
    core->hz = hz != 0 ? hz : 1;
    for (unsigned int i = 0; i < TIMER_MAX_CLIENTS; i++) {
        core->deadline[i] = TIMER_NEVER;
    }
}

/*
 * value * to / from, rounded up if asked, without 128-bit arithmetic: whole seconds and the rest
 * apart. The rest times `to` fits, since both are below 2^34 and one of them is 10^9.
 */
static uint64_t convert(uint64_t value, uint64_t from, uint64_t to, uint64_t round_up)
{
    uint64_t rest = (value % from * to + (round_up ? from - 1 : 0)) / from;
    uint64_t result;
    if (__builtin_mul_overflow(value / from, to, &result) ||
        __builtin_add_overflow(result, rest, &result)) {
        return UINT64_MAX;
    }
    return result;
}

uint64_t timer_core_ns(const struct timer_core *core, uint64_t ticks)
{
    return convert(ticks, core->hz, NS_PER_SECOND, 0);
}

uint64_t timer_core_ticks(const struct timer_core *core, uint64_t ns)
{
    return convert(ns, NS_PER_SECOND, core->hz, 1);
}

void timer_core_set(struct timer_core *core, unsigned int client, uint64_t now, uint64_t ns)
{
    uint64_t deadline;
    if (client >= TIMER_MAX_CLIENTS) {
        return;
    }
    /* Saturation gives TIMER_NEVER, which is what centuries amount to. */
    if (__builtin_add_overflow(now, timer_core_ticks(core, ns), &deadline)) {
        deadline = TIMER_NEVER;
    }
    core->deadline[client] = deadline;
}

uint64_t timer_core_expire(struct timer_core *core, uint64_t now)
{
    uint64_t due = 0;
    for (unsigned int i = 0; i < TIMER_MAX_CLIENTS; i++) {
        if (core->deadline[i] != TIMER_NEVER && core->deadline[i] <= now) {
            core->deadline[i] = TIMER_NEVER;
            due |= 1ull << i;
        }
    }
    return due;
}

uint64_t timer_core_next(const struct timer_core *core)
{
    uint64_t next = TIMER_NEVER;
    for (unsigned int i = 0; i < TIMER_MAX_CLIENTS; i++) {
        next = core->deadline[i] < next ? core->deadline[i] : next;
    }
    return next;
}
