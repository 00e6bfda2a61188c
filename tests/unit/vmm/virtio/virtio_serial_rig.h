/* SPDX-License-Identifier: BSD-2-Clause */
/* A serial port with both virtualisers played by the test. */
#pragma once

#include "vmm/core/serial_port.h"

#include <string.h>

#define RX_CHANNEL 7
#define TX_CHANNEL 9
#define RIG_BYTES  64u /* capacity of each direction */

struct serial_rig {
    struct serial_queue rx_queue, tx_queue;
    uint8_t rx_data[RIG_BYTES], tx_data[RIG_BYTES];
    struct sddf_serial_client_config config;
    struct serial_producer rx; /* the receive virtualiser's end */
    struct serial_consumer tx; /* the transmit virtualiser's end */
    struct serial_port port;
};

static struct serial_rig rig;
static unsigned rx_notified, tx_notified;

static void rig_notify(unsigned channel)
{
    rx_notified += channel == RX_CHANNEL;
    tx_notified += channel == TX_CHANNEL;
}

static inline struct sddf_serial_connection rig_connection(struct serial_queue *queue,
                                                           uint8_t *data, uint8_t channel)
{
    return (struct sddf_serial_connection){
        .queue = { (uint64_t)(uintptr_t)queue, sizeof(*queue) },
        .data = { (uint64_t)(uintptr_t)data, RIG_BYTES },
        .channel = channel,
    };
}

static inline void rig_create(void)
{
    memset(&rig, 0, sizeof(rig));
    rig.config.rx = rig_connection(&rig.rx_queue, rig.rx_data, RX_CHANNEL);
    rig.config.tx = rig_connection(&rig.tx_queue, rig.tx_data, TX_CHANNEL);
    rig.rx = serial_queue_connect_producer(&rig.config.rx);
    rig.tx = serial_queue_connect_consumer(&rig.config.tx);
    rig.rx_queue.producer_signalled = 1;
    rig.tx_queue.producer_signalled = 1;
    serial_port_init(&rig.port, &rig.config, rig_notify);
    rx_notified = tx_notified = 0;
}

/* The operator types; returns how many bytes the queue took. */
static inline uint32_t rig_type(const void *bytes, uint32_t count)
{
    return serial_queue_enqueue(&rig.rx, bytes, count);
}

/* The transmit virtualiser takes up to `count` bytes; returns how many there were. */
static inline uint32_t rig_print(void *to, uint32_t count)
{
    return serial_queue_dequeue(&rig.tx, to, count);
}
