/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/cache.h"

/* CTR_EL0.DminLine: log2 of the words in the smallest line. */
#define EACH_LINE(vaddr, bytes, instruction)                                                       \
    do {                                                                                           \
        uint64_t ctr;                                                                              \
        __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));                                           \
        uint64_t line = 4ul << (ctr >> 16 & 0xf);                                                  \
        for (uint64_t at = (vaddr) & ~(line - 1); at < (vaddr) + (bytes); at += line) {            \
            __asm__ volatile(instruction : : "r"(at) : "memory");                                  \
        }                                                                                          \
        __asm__ volatile("dsb sy" : : : "memory");                                                 \
    } while (0)

void cache_clean(uint64_t vaddr, uint64_t bytes)
{
    EACH_LINE(vaddr, bytes, "dc cvac, %0");
}

void cache_drop(uint64_t vaddr, uint64_t bytes)
{
    EACH_LINE(vaddr, bytes, "dc civac, %0");
}
