/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache lines of our own memory that others see uncached. Both return when all is done. */
#pragma once

#include <stdint.h>

/* Writes dirty lines back to memory. */
void cache_clean(uint64_t vaddr, uint64_t bytes);

/* Writes them back, and forgets all lines: EL0 may not forget a dirty one. */
void cache_drop(uint64_t vaddr, uint64_t bytes);
