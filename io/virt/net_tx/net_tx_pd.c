/* SPDX-License-Identifier: BSD-2-Clause */
/* The transmit virtualiser as a protection domain; net_tx_core.h says what it does. */
#include "io/virt/net_pd.h"
#include "io/virt/net_tx/net_tx_core.h"

struct net_virt_tx_config config __attribute__((section(".net_virt_tx_config"), used));

static struct tx_core core;

void init(void)
{
    if (!sddf_magic_ok(&config.magic, SDDF_NET)) {
        microkit_dbg_puts("network tx: .net_virt_tx_config is not filled in\n");
        return;
    }
    net_tx_core_init(&core, &config, &net_pd_ops);
    for (uint32_t i = 0; i < core.num_clients; i++) {
        core.clients[i].counts = counters_of(&counters_page, core.clients[i].counts, 1 + i);
    }
    net_tx_core_run(&core);
    restart_signal();
}

void notified(microkit_channel ch)
{
    (void)ch; /* driver or client: all are cheap to look at */
    if (core.config != NULL) {
        pd_count(COUNT_PD_NOTIFIED);
        net_tx_core_run(&core);
    }
}
