/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An Arm PL011 UART, as much of it as Linux's earlycon needs: output, no input, no interrupts. A
 * guest that dies early is seen through it. Output is gathered to lines, so that two guests'
 * lines don't mix and the virtualiser is not woken for each character.
 */
#pragma once

#include "vmm/core/mmio_bus.h"
#include "vmm/core/serial_port.h"

#define PL011_LINE_BYTES 256

struct pl011 {
    struct serial_port *port;
    uint64_t lost; /* bytes written in spite of a full FIFO, as on a real PL011 */
    uint32_t used;
    bool quiet; /* nothing has been written since the last pl011_tick() */
    uint32_t ibrd, fbrd, lcrh, cr;
    uint8_t line[PL011_LINE_BYTES];
};

/* Makes a UART in its power-on state; also for a guest's reboot (after pl011_flush()). */
void pl011_init(struct pl011 *uart, struct serial_port *port);

/* Its registers at `gpa`, for the VMM's table. */
struct mmio_region pl011_region(struct pl011 *uart, gpa_t gpa, uint64_t size_bytes);

/*
 * Passes a line that is not complete on to the serial port, as far as there is room. To be called
 * when the guest stops, and when the transmit virtualiser has notified.
 */
void pl011_flush(struct pl011 *uart);

/*
 * To be called on the guest's timer ticks: passes an unfinished line on if nothing has been added
 * to it since the last one. A line that is just being written is not broken.
 */
void pl011_tick(struct pl011 *uart);
