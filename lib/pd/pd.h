/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the virtualisers have in common as protection domains: they count their notifications. To be
 * included by the one file of a program that is the PD.
 */
#pragma once

#include <cloister/counters.h>
#include <cloister/restart.h>
#include <microkit.h>

struct counters_page counters_page __attribute__((section(".counters_page"), used));

static inline void pd_count(unsigned what)
{
    static uint64_t own[COUNTERS_GROUP]; /* where there is no page */
    counters_of(&counters_page, own, 0)[what]++;
}

static inline void pd_notify(uint8_t channel)
{
    pd_count(COUNT_PD_NOTIFIES);
    microkit_notify(channel);
}
