/* SPDX-License-Identifier: BSD-2-Clause */
/* The timer driver without its hardware: who waits until which tick of the counter. */
#pragma once

#include <stdint.h>

#define TIMER_MAX_CLIENTS 62
#define TIMER_NEVER       UINT64_MAX

struct timer_core {
    uint64_t hz;
    uint64_t deadline[TIMER_MAX_CLIENTS]; /* in ticks; TIMER_NEVER: waits for nothing */
};

/* Nobody waits. `hz`: the counter's frequency, below 18 GHz; 0 (never set by firmware) counts as 1.
 */
void timer_core_init(struct timer_core *core, uint64_t hz);

/* Ticks as nanoseconds, rounded down; the largest value where they do not fit. */
uint64_t timer_core_ns(const struct timer_core *core, uint64_t ticks);

/* Nanoseconds as ticks, rounded up, so that no timeout comes early; saturates likewise. */
uint64_t timer_core_ticks(const struct timer_core *core, uint64_t ns);

/* `client` waits for `ns` from tick `now` on, and no longer for what it waited for before. */
void timer_core_set(struct timer_core *core, unsigned int client, uint64_t now, uint64_t ns);

/* The clients (a bit each) whose time has come at tick `now`; they wait no more. */
uint64_t timer_core_expire(struct timer_core *core, uint64_t now);

/* The earliest tick that a client waits for, or TIMER_NEVER. */
uint64_t timer_core_next(const struct timer_core *core);
