/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/virtio_console.h"

#include <stddef.h>

static struct virtio_console *console_of(struct virtio_device *device)
{
    return (struct virtio_console *)device;
}

/* ---- Output ----------------------------------------------------------------------------------*/

/* Passes what is left of the held chain on. Returns whether all of it is taken. */
static bool send_held(struct virtio_console *console)
{
    const struct virtq_chain *chain = &console->tx_chain;
    while (console->tx_segment < chain->num_readable) {
        const struct virtq_segment *segment = &chain->segments[console->tx_segment];
        uint32_t rest = segment->bytes - console->tx_offset;
        uint32_t taken = serial_port_write(console->port, segment->at + console->tx_offset, rest);
        if (taken < rest) {
            console->tx_offset += taken;
            return false;
        }
        console->tx_segment++;
        console->tx_offset = 0;
    }
    return true;
}

/*
 * Takes chains while the serial queue takes their bytes. A chain goes back to the driver when all
 * of it is taken: so a full serial queue holds the guest back and nothing is lost.
 */
static void send(struct virtio_console *console)
{
    struct virtq *q = &console->queues[VIRTIO_CONSOLE_TX];
    enum virtq_result result = VIRTQ_CHAIN;
    virtq_begin(q);
    while (result == VIRTQ_CHAIN) {
        if (console->tx_held) {
            if (!send_held(console)) {
                break; /* the virtualiser notifies when there is room: tx_room() goes on */
            }
            console->tx_held = false;
            virtq_push(q, &console->tx_chain, 0);
        }
        result = virtq_pop(q, &console->tx_chain);
        if (result == VIRTQ_CHAIN && console->tx_chain.num_writable > 0) {
            virtio_mmio_fail(&console->device, "a writable buffer in the transmit queue");
            break;
        }
        console->tx_held = result == VIRTQ_CHAIN;
        console->tx_segment = 0;
        console->tx_offset = 0;
    }
    serial_port_flush(console->port);
    /*
     * Whether an interrupt is wanted is asked when the virtualiser has taken the bytes, in
     * tx_room(). Linux does not wait for it: it spins until its buffer is back, and has then moved
     * used_event on, so that it gets none.
     */
    if (result != VIRTQ_EMPTY || !serial_port_awaits_poll(console->port)) {
        virtio_mmio_finish(&console->device, VIRTIO_CONSOLE_TX, result);
    }
}

/* ---- Input -----------------------------------------------------------------------------------*/

/* Fills a chain's buffers with the input that waits; returns how many bytes there were. */
static uint32_t fill(struct virtio_console *console, const struct virtq_chain *chain)
{
    uint32_t written = 0;
    for (unsigned i = 0; i < chain->num_writable; i++) {
        const struct virtq_segment *segment = &chain->segments[i];
        uint32_t taken = serial_port_read(console->port, segment->at, segment->bytes);
        written += taken;
        if (taken < segment->bytes) {
            break;
        }
    }
    return written;
}

/* Buffers are taken only for input that is there; input stays in its queue without a buffer. */
static void receive(struct virtio_console *console)
{
    struct virtq *q = &console->queues[VIRTIO_CONSOLE_RX];
    struct virtq_chain chain = { .segments = console->rx_segments };
    enum virtq_result result = VIRTQ_EMPTY;
    virtq_begin(q);
    while (serial_port_available(console->port) > 0) {
        result = virtq_pop(q, &chain);
        if (result != VIRTQ_CHAIN) {
            break;
        }
        if (chain.num_readable > 0) {
            virtio_mmio_fail(&console->device, "a readable buffer in the receive queue");
            break;
        }
        virtq_push(q, &chain, fill(console, &chain));
    }
    serial_port_flush(console->port);
    virtio_mmio_finish(&console->device, VIRTIO_CONSOLE_RX, result);
}

/* ---- Device ----------------------------------------------------------------------------------*/

/*
 * Linux (6.1) reads the size only when the configuration changes, and must have its port by then:
 * once it has something to say, it has.
 */
static void tell_size(struct virtio_console *console)
{
    if (!console->size_told && virtio_mmio_has_feature(&console->device, VIRTIO_CONSOLE_F_SIZE)) {
        console->size_told = true;
        virtio_mmio_config_changed(&console->device);
    }
}

static void console_notify(struct virtio_device *device, uint32_t index)
{
    if (index == VIRTIO_CONSOLE_TX) {
        tell_size(console_of(device));
        send(console_of(device));
    } else {
        receive(console_of(device));
    }
}

void virtio_console_input(struct virtio_console *console)
{
    if (virtio_mmio_running(&console->device)) {
        receive(console);
    }
}

void virtio_console_tx_room(struct virtio_console *console)
{
    if (virtio_mmio_running(&console->device)) {
        send(console);
    }
}

/* The driver may have filled its queues before; input may have come before it. */
static void console_start(struct virtio_device *device)
{
    virtio_console_input(console_of(device));
    virtio_console_tx_room(console_of(device));
}

static bool console_reset(struct virtio_device *device)
{
    console_of(device)->tx_held = false;
    console_of(device)->size_told = false;
    return true;
}

static bool console_stop_queue(struct virtio_device *device, uint32_t index)
{
    if (index == VIRTIO_CONSOLE_TX) {
        console_of(device)->tx_held = false;
    }
    return true;
}

/* No config_write: emerg_wr (5.3.4) is not offered, the rest is read only. */
static const struct virtio_device_ops console_ops = {
    .start = console_start,
    .notify = console_notify,
    .reset = console_reset,
    .stop_queue = console_stop_queue,
};

void virtio_console_init(struct virtio_console *console, const char *name,
                         const struct guest_ram *ram, const struct irq_line *irq,
                         struct serial_port *port, uint16_t columns, uint16_t rows)
{
    *console = (struct virtio_console){
        .device = {
            .name = name,
            .ops = &console_ops,
            .device_id = VIRTIO_ID_CONSOLE,
            .device_features = columns > 0 ? VIRTIO_FEATURE(VIRTIO_CONSOLE_F_SIZE) : 0,
            .queues = console->queues,
            .num_queues = VIRTIO_CONSOLE_NUM_QUEUES,
            .config = &console->config,
            .config_bytes = sizeof(console->config),
            .irq = *irq,
        },
        .port = port,
        .config = { .cols = columns, .rows = rows, .max_nr_ports = 1 },
        .tx_chain = { .segments = console->tx_segments },
    };
    for (unsigned i = 0; i < VIRTIO_CONSOLE_NUM_QUEUES; i++) {
        virtq_init(&console->queues[i], ram, VIRTIO_CONSOLE_QUEUE_SIZE);
    }
    virtio_mmio_init(&console->device);
}

void virtio_console_resize(struct virtio_console *console, uint16_t columns, uint16_t rows)
{
    console->config.cols = columns;
    console->config.rows = rows;
    virtio_mmio_config_changed(&console->device);
}
