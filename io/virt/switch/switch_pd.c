/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch as a protection domain; switch_core.h tells what it does. */
#include "io/virt/switch/switch_core.h"
#include "lib/pd/pd.h"

#include <sddf/timer.h>

struct switch_config config __attribute__((section(".switch_config"), used));

static struct switch_core core;

static void op_set_timeout(uint64_t ns)
{
    timer_set_timeout(config.timer_channel, ns);
}

static const struct switch_ops ops = {
    .notify = pd_notify,
    .report = microkit_dbg_puts,
    .set_timeout = op_set_timeout,
};

void init(void)
{
    if (config.magic != SWITCH_CONFIG_MAGIC) {
        microkit_dbg_puts("switch: .switch_config is not filled in\n");
        return;
    }
    switch_core_init(&core, &config, &ops);
    core.counters = (struct counters *)counters_of(&counters_page, (uint64_t *)core.counters, 1);
    switch_core_run(&core);
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (core.config == NULL) {
        return; /* not configured */
    }
    pd_count(COUNT_PD_NOTIFIED);
    if (ch == config.timer_channel) {
        switch_core_timeout(&core);
    }
    switch_core_run(&core);
}
