/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters as a protection domain; counters_core.h tells what it does. */
#include "services/counters/counters_core.h"

#include <cloister/restart.h>
#include <microkit.h>

struct counters_config config __attribute__((section(".counters_config"), used));

static struct counters_core core;

static void op_notify(uint8_t channel)
{
    microkit_notify(channel);
}

#ifdef MICROKIT_THREAD_COUNTS
static bool op_extra(uint32_t n, struct counters_extra *row)
{
    static const char *const texts[MICROKIT_THREAD_COUNTS] = { "kernel entries", "switches to it",
                                                               "cycles" };
    seL4_Word counts[MICROKIT_THREAD_COUNTS];
    if (!microkit_thread_counts(n / MICROKIT_THREAD_COUNTS, row->name, counts)) {
        return false;
    }
    row->text = texts[n % MICROKIT_THREAD_COUNTS];
    row->count = counts[n % MICROKIT_THREAD_COUNTS];
    return true;
}
#else
#define op_extra NULL
#endif

static const struct counters_ops ops = {
    .notify = op_notify,
    .extra = op_extra,
};

void init(void)
{
    if (config.magic != COUNTERS_CONFIG_MAGIC || !counters_core_init(&core, &config, &ops)) {
        microkit_dbg_puts("counters: .counters_config is not filled in\n");
    }
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (core.config == NULL) {
        return; /* not configured */
    }
    if (ch == config.ask_channel) {
        counters_core_ask(&core);
    } else {
        counters_core_run(&core);
    }
}
