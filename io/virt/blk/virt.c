/* SPDX-License-Identifier: BSD-2-Clause */
/* The block virtualiser as a protection domain; virt_core.h tells what it does. */
#include "io/virt/blk/virt_core.h"

#include <microkit.h>

struct blk_virt_config config __attribute__((section(".blk_virt_config"), used));

static struct virt_core core;

static void op_notify(uint8_t channel)
{
    microkit_notify(channel);
}

static const struct virt_ops ops = {
    .notify = op_notify,
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
    virt_core_run(&core);
}

void notified(microkit_channel ch)
{
    (void)ch; /* driver or client: all are cheap to look at */
    if (core.config != NULL) {
        virt_core_run(&core);
    }
}
