/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch as a protection domain; switch_core.h tells what it does. */
#include "io/virt/switch/switch_core.h"

#include <microkit.h>
#include <sddf/timer.h>

struct switch_config config __attribute__((section(".switch_config"), used));

static struct switch_core core;

static void op_notify(uint8_t channel)
{
    microkit_notify(channel);
}

static void op_set_timeout(uint64_t ns)
{
    timer_set_timeout(config.timer_channel, ns);
}

static const struct switch_ops ops = {
    .notify = op_notify,
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
    switch_core_run(&core);
}

void notified(microkit_channel ch)
{
    if (core.config == NULL)
        return; /* not configured */
    if (ch == config.timer_channel)
        switch_core_timeout(&core);
    else
        switch_core_run(&core);
}
