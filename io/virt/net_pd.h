/* SPDX-License-Identifier: BSD-2-Clause */
/* The network virtualisers' surroundings as a protection domain has them. */
#pragma once

#include "io/virt/net_ops.h"
#include "lib/pd/pd.h"

/* Line by line, each after the other is seen to be done. Host tests have caches of their own. */
#ifndef NET_EACH_LINE
#define NET_EACH_LINE(vaddr, bytes, instruction)                                                   \
    do {                                                                                           \
        uint64_t ctr;                                                                              \
        __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));                                           \
        uintptr_t line = 4ul << (ctr >> 16 & 0xf);                                                 \
        for (uintptr_t at = (vaddr) & ~(line - 1); at < (vaddr) + (bytes); at += line) {           \
            __asm__ volatile(instruction : : "r"(at) : "memory");                                  \
        }                                                                                          \
        __asm__ volatile("dsb sy" : : : "memory");                                                 \
    } while (0)
#endif

static inline void net_pd_cache_clean(uintptr_t vaddr, uint64_t bytes)
{
    NET_EACH_LINE(vaddr, bytes, "dc cvac, %0");
}

/* EL0 may not invalidate without a clean; the lines are clean, for nobody has written there. */
static inline void net_pd_cache_invalidate(uintptr_t vaddr, uint64_t bytes)
{
    NET_EACH_LINE(vaddr, bytes, "dc civac, %0");
}

static const struct net_ops net_pd_ops = {
    .notify = pd_notify,
    .report = microkit_dbg_puts,
    .cache_clean = net_pd_cache_clean,
    .cache_invalidate = net_pd_cache_invalidate,
};
