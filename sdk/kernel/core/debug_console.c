/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/debug_console.h"

#include "sdk/libc/format.h"

void console_print(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    format_text_v(text, sizeof(text), format, args);
    va_end(args);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            console_putc('\r');
        }
        console_putc(*at);
    }
}
