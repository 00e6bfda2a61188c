/* SPDX-License-Identifier: BSD-2-Clause */
/* The receive virtualiser as a protection domain; serial_rx_core.h says what it does. */
#include "io/virt/serial_rx/serial_rx_core.h"

#include <cloister/power.h>
#include <cloister/restart.h>
#include <microkit.h>
#include <sddf/timer.h>

struct serial_virt_rx_config config __attribute__((section(".serial_virt_rx_config"), used));

static struct rx_core core;

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

static void power_off(void)
{
    (void)microkit_ppcall(config.supervisor_channel, microkit_msginfo_new(POWER_OFF, 0));
}

void init(void)
{
    if (!sddf_magic_ok(&config.magic, SDDF_SERIAL)) {
        microkit_dbg_puts("serial rx: .serial_virt_rx_config is not filled in\n");
        return;
    }
    serial_rx_core_init(&core, &config, &ops);
    serial_rx_core_run(&core);
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (core.config == NULL) {
        return; /* not configured */
    }
    if (ch != config.timer_channel) {
        serial_rx_core_run(&core);
    } else if (serial_rx_core_timeout(&core)) {
        power_off();
    }
}
