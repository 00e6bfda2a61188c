/* SPDX-License-Identifier: BSD-2-Clause */
/* One way into the kernel; the numbers and registers are kernel/syscall.h's. */
#pragma once

#include "kernel/syscall.h"

struct syscall_result {
    uint64_t x0, x1;
};

static inline struct syscall_result syscall(enum syscall_number number, uint64_t a0, uint64_t a1,
                                            uint64_t a2, uint64_t a3, uint64_t a4)
{
    register uint64_t x0 __asm__("x0");
    register uint64_t x1 __asm__("x1");
    register uint64_t x2 __asm__("x2");
    register uint64_t x3 __asm__("x3");
    register uint64_t x4 __asm__("x4");
    register uint64_t x7 __asm__("x7");
    x0 = a0;
    x1 = a1;
    x2 = a2;
    x3 = a3;
    x4 = a4;
    x7 = (uint64_t)number;
    __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x3), "r"(x4), "r"(x7) : "memory");
    return (struct syscall_result){ x0, x1 };
}
