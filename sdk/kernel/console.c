/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/console.h"

#include "sdk/kernel/board.h"
#include "sdk/libc/format.h"

#include <stdint.h>

/* ARM DDI 0183, 3.2 */
#define UART(offset) (*(volatile uint32_t *)(BOARD_UART_VADDR + (offset)))
#define UARTDR       0x00
#define UARTFR       0x18
#define UARTFR_TXFF  (1u << 5)

void console_putc(char c)
{
    while ((UART(UARTFR) & UARTFR_TXFF) != 0) {
    }
    UART(UARTDR) = (uint8_t)c;
}

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
