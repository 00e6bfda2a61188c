/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/serial_port.h"

#include <stddef.h>

void serial_port_init(struct serial_port *port, const struct sddf_serial_client_config *config,
                      void (*notify)(unsigned channel))
{
    *port = (struct serial_port){
        .tx = serial_queue_connect_producer(&config->tx),
        .rx_channel = config->rx.channel,
        .tx_channel = config->tx.channel,
        .notify = notify,
    };
    if (config->rx.queue.vaddr != 0) {
        port->rx = serial_queue_connect_consumer(&config->rx);
    }
}

uint32_t serial_port_write(struct serial_port *port, const void *data, uint32_t bytes)
{
    uint32_t taken = serial_queue_enqueue(&port->tx, data, bytes);
    if (taken < bytes) {
        serial_queue_request_signal(&port->tx);
        taken += serial_queue_enqueue(&port->tx, (const uint8_t *)data + taken, bytes - taken);
        if (taken == bytes) {
            serial_queue_cancel_signal(&port->tx);
        }
    }
    port->tx_new |= taken > 0;
    return taken;
}

bool serial_port_awaits_poll(struct serial_port *port)
{
    if (serial_queue_must_notify(&port->tx) || serial_queue_fill(&port->tx) == 0) {
        return false;
    }
    serial_queue_request_signal(&port->tx);
    /* If it is empty now, all may have been taken before the request. */
    return serial_queue_fill(&port->tx) > 0;
}

uint32_t serial_port_read(struct serial_port *port, void *to, uint32_t bytes)
{
    if (port->rx.queue == NULL) {
        return 0;
    }
    uint32_t taken = serial_queue_dequeue(&port->rx, to, bytes);
    port->rx_taken |= taken > 0;
    return taken;
}

uint32_t serial_port_available(const struct serial_port *port)
{
    return port->rx.queue == NULL ? 0 : serial_queue_length(&port->rx);
}

void serial_port_drop_input(struct serial_port *port)
{
    uint32_t waiting = serial_port_available(port);
    if (waiting > 0) {
        serial_queue_consume(&port->rx, waiting);
        port->rx_taken = true;
    }
}

void serial_port_publish(struct serial_port *port, enum guest_state state)
{
    if (port->rx.queue == NULL) {
        return;
    }
    guest_publish_state(&port->rx, state);
    if (guest_is_stopped(state)) {
        port->notify(port->rx_channel);
    }
}

bool serial_port_start_asked(const struct serial_port *port)
{
    return port->rx.queue != NULL && guest_start_asked(&port->rx);
}

void serial_port_start_handled(struct serial_port *port)
{
    if (port->rx.queue != NULL) {
        guest_start_handled(&port->rx);
    }
}

void serial_port_flush(struct serial_port *port)
{
    if (port->tx_new) {
        port->tx_new = false;
        if (serial_queue_must_notify(&port->tx)) {
            port->notify(port->tx_channel);
        }
    }
    if (port->rx_taken) {
        port->rx_taken = false;
        if (serial_queue_must_signal(&port->rx)) {
            port->notify(port->rx_channel);
        }
    }
}
