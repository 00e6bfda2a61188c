/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO console (virtIO 1.2, 5.3): one port over a serial port. Nothing is lost either way: a
 * guest's output waits in its own chain while the serial queue is full, input waits in the
 * serial queue while the guest posts no buffers.
 */
#pragma once

#include "vmm/core/serial_port.h"
#include "vmm/virtio/virtio_mmio.h"

#define VIRTIO_CONSOLE_QUEUE_SIZE 32 /* Linux posts a page for each entry of the receive queue */

enum { VIRTIO_CONSOLE_RX, VIRTIO_CONSOLE_TX, VIRTIO_CONSOLE_NUM_QUEUES };

struct virtio_console {
    struct virtio_device device; /* first: its operations find the console by it */
    struct serial_port *port;
    struct virtio_console_config config;
    struct virtq queues[VIRTIO_CONSOLE_NUM_QUEUES];
    struct virtq_segment rx_segments[VIRTIO_CONSOLE_QUEUE_SIZE];
    struct virtq_segment tx_segments[VIRTIO_CONSOLE_QUEUE_SIZE];
    struct virtq_chain tx_chain;
    bool size_told;      /* the guest has been pointed to its window's size */
    bool tx_held;        /* tx_chain was popped and is not all taken */
    uint16_t tx_segment; /* how far it is taken: segment and bytes of it */
    uint32_t tx_offset;
};

/*
 * Makes a console in its power-on state. `name` (for the log) and the pointers must stay valid. A
 * window size of 0 columns is not told to the guest (VIRTIO_CONSOLE_F_SIZE not offered). Its
 * registers: virtio_mmio_region(&console->device, ...); reboot:
 * virtio_mmio_reset(&console->device).
 */
void virtio_console_init(struct virtio_console *console, const char *name,
                         const struct guest_ram *ram, const struct irq_line *irq,
                         struct serial_port *port, uint16_t columns, uint16_t rows);

/* To be called when the receive virtualiser has notified: moves input to the guest. */
void virtio_console_input(struct virtio_console *console);

/*
 * To be called when the transmit virtualiser has notified: goes on with output that waits, and with
 * interrupts for what it has taken.
 */
void virtio_console_tx_room(struct virtio_console *console);

/* Tells the guest a new window size (5.3.4), if it was told one at the beginning. */
void virtio_console_resize(struct virtio_console *console, uint16_t columns, uint16_t rows);
