/* SPDX-License-Identifier: BSD-2-Clause */
/* The block virtualiser as a protection domain; blk_virt_core.h says what it does. */
#include "io/virt/blk/blk_virt_core.h"
#include "lib/pd/pd.h"

struct blk_virt_config config __attribute__((section(".blk_virt_config"), used));

static struct virt_core core;

static const struct virt_ops ops = {
    .notify = pd_notify,
    .report = microkit_dbg_puts,
};

void init(void)
{
    if (!sddf_magic_ok(&config.magic, SDDF_BLOCK) ||
        config.data.region.size_bytes < VIRT_DATA_SIZE) {
        microkit_dbg_puts("block: .blk_virt_config is not filled in\n");
        return;
    }
    virt_core_init(&core, &config, &ops);
    for (uint32_t i = 0; i < core.num_clients; i++) {
        core.clients[i].counts = counters_of(&counters_page, core.clients[i].counts, 1 + i);
    }
    virt_core_run(&core);
    restart_signal();
}

void notified(microkit_channel ch)
{
    (void)ch; /* driver or client: all are cheap to look at */
    if (core.config != NULL) {
        pd_count(COUNT_PD_NOTIFIED);
        virt_core_run(&core);
    }
}
