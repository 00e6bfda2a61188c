/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/emulated_pl011.h"

#include <string.h>

/* Registers (Arm DDI 0183, 3.2), 32 bits apart; drivers use 8, 16 and 32 bit accesses. */
enum {
    UARTDR = 0x000,
    UARTFR = 0x018,
    UARTIBRD = 0x024,
    UARTFBRD = 0x028,
    UARTLCR_H = 0x02c,
    UARTCR = 0x030,
    UARTPERIPHID0 = 0xfe0,
    REGISTERS_END = 0x1000,
};

#define FR_RXFE     (1u << 4) /* nothing received */
#define FR_TXFF     (1u << 5) /* no room for output */
#define FR_TXFE     (1u << 7) /* all output is sent */

#define CR_AT_RESET 0x300u /* transmit and receive enabled, the UART itself not */

/* UARTPeriphID0 to 3 (PL011 r1p5) and UARTPCellID0 to 3. */
static const uint8_t ids[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

void pl011_init(struct pl011 *uart, struct serial_port *port)
{
    *uart = (struct pl011){ .port = port, .cr = CR_AT_RESET };
}

void pl011_flush(struct pl011 *uart)
{
    if (uart->used == 0) {
        return;
    }
    uint32_t taken = serial_port_write(uart->port, uart->line, uart->used);
    uart->used -= taken;
    memmove(uart->line, uart->line + taken, uart->used);
    serial_port_flush(uart->port);
}

void pl011_tick(struct pl011 *uart)
{
    if (uart->quiet) {
        pl011_flush(uart);
    }
    uart->quiet = true;
}

/*
 * Output that the serial port does not take stays in the line buffer, and the flag register then
 * says "transmit FIFO full" as a real UART would: the driver's poll loop waits and nothing is
 * lost. Only a driver that writes in spite of it loses its bytes, again as on a real UART.
 */
static void put(struct pl011 *uart, uint8_t byte)
{
    uart->quiet = false;
    if (uart->used == PL011_LINE_BYTES) {
        pl011_flush(uart);
    }
    if (uart->used == PL011_LINE_BYTES) {
        uart->lost++;
        return;
    }
    uart->line[uart->used++] = byte;
    if (byte == '\n' || uart->used == PL011_LINE_BYTES) {
        pl011_flush(uart);
    }
}

static uint32_t flags(struct pl011 *uart)
{
    if (uart->used == PL011_LINE_BYTES) {
        pl011_flush(uart);
    }
    return FR_RXFE | (uart->used == PL011_LINE_BYTES ? FR_TXFF : FR_TXFE);
}

/* Where a register that reads back what was written is kept, and its width; NULL: another one. */
static uint32_t *storage(struct pl011 *uart, uint64_t offset, uint32_t *mask)
{
    switch (offset) {
    case UARTIBRD:
        *mask = 0xffff;
        return &uart->ibrd;
    case UARTFBRD:
        *mask = 0x3f;
        return &uart->fbrd;
    case UARTLCR_H:
        *mask = 0xff;
        return &uart->lcrh;
    case UARTCR:
        *mask = 0xffff;
        return &uart->cr;
    default:
        return NULL;
    }
}

static uint64_t region_read(void *self, uint64_t offset, unsigned bytes)
{
    struct pl011 *uart = self;
    uint32_t mask;
    uint32_t value = 0;
    if (offset % 4 != 0 || bytes > 4) {
        return 0;
    }
    const uint32_t *stored = storage(uart, offset, &mask);
    if (stored != NULL) {
        value = *stored;
    } else if (offset == UARTFR) {
        value = flags(uart);
    } else if (offset >= UARTPERIPHID0 && offset < REGISTERS_END) {
        value = ids[(offset - UARTPERIPHID0) / 4];
    }
    return bytes == 1 ? value & 0xff : bytes == 2 ? value & 0xffff : value;
}

static void region_write(void *self, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct pl011 *uart = self;
    uint32_t mask;
    if (offset % 4 != 0 || bytes > 4) {
        return;
    }
    if (offset == UARTDR) {
        put(uart, (uint8_t)value);
        return;
    }
    uint32_t *stored = storage(uart, offset, &mask);
    if (stored != NULL) {
        *stored = (uint32_t)value & mask;
    }
}

struct mmio_region pl011_region(struct pl011 *uart, gpa_t gpa, uint64_t size_bytes)
{
    return (struct mmio_region){
        .gpa = gpa,
        .size_bytes = size_bytes,
        .device = uart,
        .read = region_read,
        .write = region_write,
    };
}
