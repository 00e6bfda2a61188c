/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/debug_console.h"

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
