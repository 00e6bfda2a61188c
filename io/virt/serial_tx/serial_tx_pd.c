/* SPDX-License-Identifier: BSD-2-Clause */
/* The transmit virtualiser as a protection domain; serial_tx_core.h says what it does. */
#include "io/virt/serial_tx/serial_tx_core.h"

#include <cloister/restart.h>
#include <microkit.h>
#include <sddf/timer.h>

struct serial_virt_tx_config config __attribute__((section(".serial_virt_tx_config"), used));

static struct tx_core core;

static void op_notify(uint8_t channel)
{
    microkit_notify(channel);
}

static uint64_t op_now(void)
{
    return timer_now(config.timer_channel);
}

static void op_set_timeout(uint64_t ns)
{
    timer_set_timeout(config.timer_channel, ns);
}

static const struct serial_ops ops = {
    .notify = op_notify,
    .now = op_now,
    .set_timeout = op_set_timeout,
    .report = microkit_dbg_puts,
};

void init(void)
{
    if (!sddf_magic_ok(&config.magic, SDDF_SERIAL)) {
        microkit_dbg_puts("serial tx: .serial_virt_tx_config is not filled in\n");
        return;
    }
    serial_tx_core_init(&core, &config, &ops);
    serial_tx_core_run(&core);
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (core.config == NULL) {
        return; /* not configured */
    }
    if (ch == config.timer_channel) {
        serial_tx_core_timeout(&core);
    } else {
        serial_tx_core_run(&core);
    }
}
