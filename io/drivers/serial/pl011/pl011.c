/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts are never cleared through ICR after the start: RX and its timeout fall when the FIFO
 * is read empty, TX when it is filled (DDI 0183G 2.8.2 to 2.8.4). A clear could hit a byte that has
 * come in between, and its interrupt would be lost.
 */
#include "io/drivers/serial/pl011/pl011.h"

#define BUSY_POLLS 100000u /* more than 16 bytes take at 9600 baud; a dead UART ends it */

static void set_unmasked(struct pl011 *uart, uint32_t interrupts, bool on)
{
    uint32_t unmasked = on ? uart->unmasked | interrupts : uart->unmasked & ~interrupts;
    if (unmasked != uart->unmasked) {
        uart->unmasked = unmasked;
        pl011_write(uart->base, PL011_IMSC, unmasked);
    }
}

bool pl011_start(struct pl011 *uart)
{
    pl011_write(uart->base, PL011_IMSC, 0);
    uart->unmasked = 0;
    /* What was typed before the FIFO is reset is input too. */
    bool notify = pl011_receive(uart);
    for (uint32_t i = 0; i < BUSY_POLLS && (pl011_read(uart->base, PL011_FR) & FR_BUSY); i++) {
    }
    /* 3.3.8: disable, wait until idle, change the line control, enable. */
    uint32_t control = pl011_read(uart->base, PL011_CR);
    pl011_write(uart->base, PL011_CR, control & ~CR_UARTEN);
    pl011_write(uart->base, PL011_LCR_H, LCR_H_WLEN_8 | LCR_H_FEN);
    pl011_write(uart->base, PL011_IFLS, IFLS_TX_1_4 | IFLS_RX_1_2);
    pl011_write(uart->base, PL011_ICR, INT_ALL);
    pl011_write(uart->base, PL011_CR, control | CR_UARTEN | CR_TXE | CR_RXE);
    return pl011_receive(uart) || notify;
}

/* True if there is room for one more byte; if not, the virtualiser has been asked to signal. */
static bool rx_has_room(struct pl011 *uart)
{
    if (serial_queue_free(&uart->rx) > 0) {
        return true;
    }
    serial_queue_request_signal(&uart->rx);
    return serial_queue_free(&uart->rx) > 0;
}

bool pl011_receive(struct pl011 *uart)
{
    bool received = false;
    if (!uart->rx_enabled) {
        return false;
    }
    /* Bounded: a line that never falls silent fills the queue. */
    while (rx_has_room(uart)) {
        if (pl011_read(uart->base, PL011_FR) & FR_RXFE) {
            set_unmasked(uart, INT_RX | INT_RX_TIMEOUT, true);
            return received;
        }
        uint32_t data = pl011_read(uart->base, PL011_DR);
        uart->overruns += (data & DR_OVERRUN) != 0;
        if (data & DR_ERRORS) {
            uart->bad_bytes++;
            continue;
        }
        uint8_t byte = (uint8_t)data;
        received |= serial_queue_enqueue(&uart->rx, &byte, 1) == 1;
    }
    /* The interrupt would stay up: it is level triggered, and we cannot read the FIFO empty. */
    set_unmasked(uart, INT_RX | INT_RX_TIMEOUT, false);
    return received;
}

/* Writes up to `count` bytes and returns how many the FIFO took. */
static uint32_t fill_fifo(const struct pl011 *uart, const uint8_t *bytes, uint32_t count)
{
    uint32_t n = 0;
    while (n < count && !(pl011_read(uart->base, PL011_FR) & FR_TXFF)) {
        pl011_write(uart->base, PL011_DR, bytes[n]);
        n++;
    }
    return n;
}

bool pl011_transmit(struct pl011 *uart)
{
    const uint8_t *bytes;
    uint32_t count, taken;
    bool any = false;
    do {
        count = serial_queue_peek(&uart->tx, &bytes);
        taken = fill_fifo(uart, bytes, count);
        serial_queue_consume(&uart->tx, taken);
        any |= taken > 0;
    } while (count > 0 && taken == count);
    /*
     * 2.8.3: TX is raised when the FIFO falls through its level. It is full here, so that moment
     * is still to come, or has come since and is kept in the raw status.
     */
    set_unmasked(uart, INT_TX, count > 0);
    return any && serial_queue_must_signal(&uart->tx);
}
