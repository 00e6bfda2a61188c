/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm PrimeCell UART PL011 (ARM DDI 0183G): bytes between its FIFOs and two serial queues. The
 * kernel's debug console may write to the same UART by polling; that costs us FIFO room only.
 */
#pragma once

#include <sddf/serial_queue.h>
#include <stdbool.h>
#include <stdint.h>

/* Register offsets, DDI 0183G table 3-1. */
enum {
    PL011_DR = 0x00,
    PL011_FR = 0x18,
    PL011_LCR_H = 0x2c,
    PL011_CR = 0x30,
    PL011_IFLS = 0x34,
    PL011_IMSC = 0x38,
    PL011_ICR = 0x44,
};

#define DR_ERRORS      (7u << 8) /* 3.3.1: framing, parity, break: no byte of the sender's */
#define DR_OVERRUN     (1u << 11)
#define FR_BUSY        (1u << 3) /* 3.3.3 */
#define FR_RXFE        (1u << 4)
#define FR_TXFF        (1u << 5)
#define LCR_H_FEN      (1u << 4) /* 3.3.7 */
#define LCR_H_WLEN_8   (3u << 5)
#define CR_UARTEN      (1u << 0) /* 3.3.8 */
#define CR_TXE         (1u << 8)
#define CR_RXE         (1u << 9)
#define IFLS_TX_1_4    (1u << 0) /* 3.3.9: TX interrupt at a quarter full or less */
#define IFLS_RX_1_2    (2u << 3) /* RX interrupt at half full; the timeout does the rest */
#define INT_RX         (1u << 4) /* 3.3.10 to 3.3.13 */
#define INT_TX         (1u << 5)
#define INT_RX_TIMEOUT (1u << 6)
#define INT_ALL        0x7ffu

struct pl011 {
    uintptr_t base;
    bool rx_enabled;
    struct serial_producer rx; /* to the receive virtualiser, if rx_enabled */
    struct serial_consumer tx; /* from the transmit virtualiser */
    uint32_t unmasked;         /* what IMSC holds */
    uint64_t overruns;         /* times that the UART lost input */
    uint64_t bad_bytes;        /* breaks, framing and parity errors, left out */
};

/* Register access: the hardware's is in driver.c, tests bring a model. */
uint32_t pl011_read(uintptr_t base, uint32_t offset);
void pl011_write(uintptr_t base, uint32_t offset, uint32_t value);

/*
 * Takes the UART over: FIFOs and interrupts on, 8 bits, no parity. The speed stays as firmware or
 * the kernel's console has set it, since the record does not tell the UART's clock. base, queues
 * and rx_enabled are set. Returns true if the receive virtualiser is to be notified.
 */
bool pl011_start(struct pl011 *uart);

/*
 * Moves input into the rx queue. Where it is full, bytes stay in the FIFO (the line's flow control
 * or the sender sees to the rest) and its interrupts are masked until the virtualiser has made
 * room and notified. Returns true if the receive virtualiser is to be notified.
 */
bool pl011_receive(struct pl011 *uart);

/*
 * Moves output into the FIFO; the TX interrupt is on exactly while bytes are left. Returns true if
 * the transmit virtualiser waits for room and is to be notified.
 */
bool pl011_transmit(struct pl011 *uart);
