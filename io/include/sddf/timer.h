/* SPDX-License-Identifier: BSD-2-Clause */
/* sDDF's timer protocol, and a client's side of it. A timeout comes as a notification. */
#pragma once

#include <microkit.h>
#include <stdint.h>

#define NS_IN_S  1000000000ull
#define NS_IN_MS 1000000ull

enum timer_request {
    TIMER_GET_TIME = 0,    /* -> MR0: nanoseconds since some fixed moment */
    TIMER_SET_TIMEOUT = 1, /* MR0: nanoseconds from now; replaces the client's pending one */
};

/* The time in nanoseconds; never goes back. */
static inline uint64_t timer_now(microkit_channel driver)
{
    microkit_ppcall(driver, microkit_msginfo_new(TIMER_GET_TIME, 0));
    return microkit_mr_get(0);
}

/* Asks for one notification on `driver` when `ns` have passed, not earlier. */
static inline void timer_set_timeout(microkit_channel driver, uint64_t ns)
{
    microkit_mr_set(0, ns);
    microkit_ppcall(driver, microkit_msginfo_new(TIMER_SET_TIMEOUT, 1));
}
