/* SPDX-License-Identifier: BSD-2-Clause */
/* Two PDs of this program notify each other; the one that begins counts the round trips. */
#include <microkit.h>

#define PEER        5
#define ROUND_TRIPS 1000

static bool begins;
static unsigned round_trips;

void init(void)
{
    begins = microkit_name[1] == 'i'; /* "ping", not "pong" */
    if (begins) {
        microkit_notify(PEER);
    }
}

void notified(microkit_channel ch)
{
    if (begins && ++round_trips == ROUND_TRIPS) {
        microkit_dbg_puts("round trips: ");
        microkit_dbg_put32(round_trips);
        microkit_dbg_puts("\n");
        return;
    }
    if (round_trips % 2 == 0) {
        microkit_notify(ch);
    } else {
        microkit_deferred_notify(ch);
    }
}
