/* SPDX-License-Identifier: BSD-2-Clause */
/* What the VMM counts (cloister/counters.h): an increment each, into its page. */
#pragma once

#include <cloister/counters.h>

extern uint64_t *vmm_counts; /* of the guest; never NULL */

/* Counts go to the page from now on, if there is one. */
void vmm_count_init(const struct counters_page *page);

/* `what`: COUNT_GUEST_*. */
static inline void vmm_count(unsigned what, uint64_t more)
{
    vmm_counts[what] += more;
}
