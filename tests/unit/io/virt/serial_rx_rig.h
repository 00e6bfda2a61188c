/* SPDX-License-Identifier: BSD-2-Clause */
/* What the receive virtualiser's tests stand on: a driver, three clients and the log. */
#pragma once

#include "tests/unit/io/virt/io_rig.h"

#include "io/virt/serial_rx/serial_rx_core.h"

#define CLIENTS         3u
#define CAPACITY        64u
#define DRIVER_CAPACITY 1024u
#define DRIVER_CHANNEL  9
#define LOG_CHANNEL     10
#define ASK_CHANNEL     11

static struct serial_virt_rx_config config;
static struct rx_core core;
static struct rig_queue client_queues[CLIENTS], driver_queue, log_queue;
static struct serial_producer driver;
static struct serial_consumer clients[CLIENTS], log_end;
static bool powered_off; /* the machine, since start() */

static inline void start(enum serial_switch convention)
{
    rig_reset();
    powered_off = false;
    config.switch_keys = (uint8_t)convention;
    memset(&driver_queue.queue, 0, sizeof(driver_queue.queue));
    memset(&log_queue.queue, 0, sizeof(log_queue.queue));
    driver = serial_queue_connect_producer(&config.driver);
    log_end = serial_queue_connect_consumer(&config.log);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        memset(&client_queues[i].queue, 0, sizeof(client_queues[i].queue));
        clients[i] = serial_queue_connect_consumer(&config.clients[i].conn);
    }
    serial_rx_core_init(&core, &config, &rig_ops);
    serial_rx_core_run(&core);
}

static inline int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    config.num_clients = CLIENTS;
    config.driver = rig_connect(&driver_queue, DRIVER_CAPACITY, DRIVER_CHANNEL);
    config.counters_channel = ASK_CHANNEL;
    config.log = rig_connect(&log_queue, 1024, LOG_CHANNEL);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        config.clients[i].conn = rig_connect(&client_queues[i], CAPACITY, i);
        strcpy(config.clients[i].name, "guest0");
        config.clients[i].name[5] = (char)('0' + i);
    }
    start(SERIAL_SWITCH_CTRL_BACKSLASH);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    rig_free(&driver_queue);
    rig_free(&log_queue);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        rig_free(&client_queues[i]);
    }
    return 0;
}

/* The operator types `text`, all in one batch. */
static inline void type(const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    assert_int_equal(serial_queue_enqueue(&driver, text, n), n);
    serial_rx_core_run(&core);
}

/* The same with each key in a batch of its own. */
static inline void type_slowly(const char *text)
{
    for (; *text != '\0'; text++) {
        type((char[]){ *text, '\0' });
    }
}

/* What a client reads, at most `count` bytes of it. */
static inline const char *reads_some(uint32_t client, uint32_t count)
{
    static char text[2048];
    uint32_t n = serial_queue_dequeue(&clients[client], text, count);
    text[n] = '\0';
    if (n > 0 && serial_queue_must_signal(&clients[client])) {
        serial_rx_core_run(&core);
    }
    return text;
}

static inline const char *reads(uint32_t client)
{
    return reads_some(client, CAPACITY);
}

static inline const char *said(void)
{
    static char text[2048];
    text[serial_queue_dequeue(&log_end, text, sizeof(text) - 1)] = '\0';
    return text;
}

static inline void pass(uint64_t ns)
{
    if (rig_pass(ns)) {
        powered_off |= serial_rx_core_timeout(&core);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
