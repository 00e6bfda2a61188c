/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for logs and reports, without floating point and without allocation. Used by the kernel
 * and by PDs (picolibc's printf would pull in the FP registers).
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most `size` bytes, always with a terminating zero, and returns the length without it
 * (what fits). Understands %s %c %d %u %x %lu %ld %lx %p %%, a width, and 0 as a fill.
 */
size_t format_text_v(char *to, size_t size, const char *format, va_list args);
size_t format_text(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
