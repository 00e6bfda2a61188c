/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/vmm_count.h"

static uint64_t own[COUNTERS_GROUP];

uint64_t *vmm_counts = own;

void vmm_count_init(const struct counters_page *page)
{
    vmm_counts = counters_of(page, own, 1);
}
