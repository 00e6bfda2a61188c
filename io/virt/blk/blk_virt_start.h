/* SPDX-License-Identifier: BSD-2-Clause */
/* From the driver's first word to clients that know their partitions; for virt_core.c. */
#pragma once

#include "io/virt/blk/blk_virt_core.h"

/* If the driver is ready: asks it for the disk's ends, or gives every client its blocks at once. */
void virt_start(struct virt_core *core);

/* An answer of the driver while the table is read. */
void virt_start_answer(struct virt_core *core, const struct blk_resp *resp);
