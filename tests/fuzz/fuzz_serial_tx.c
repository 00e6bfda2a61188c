/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what two lying clients of the transmit virtualiser do, beside one that keeps to the
 * rules and a UART that takes what it likes when it likes. What the honest client has written
 * appears, all of it and in its order.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/io/virt/io_rig.h"

#include "io/virt/serial_tx/serial_tx_core.h"

#define CLIENTS  3u
#define HONEST   2u
#define CAPACITY 256u

static struct serial_virt_tx_config config;
static struct tx_core core;
static struct rig_queue queues[CLIENTS], driver_queue;
static struct serial_producer clients[CLIENTS];
static struct serial_consumer driver;
static uint32_t written, seen; /* of the honest client's bytes, which have bit 7 set */
static bool driver_lies;

static void start(void)
{
    static bool made;
    rig_reset();
    if (!made) {
        config.num_clients = CLIENTS;
        config.driver = rig_connect(&driver_queue, CAPACITY, 9);
        for (uint8_t i = 0; i < CLIENTS; i++) {
            config.clients[i].conn = rig_connect(&queues[i], CAPACITY, i);
        }
        memcpy(config.clients[0].colour, "31", 3);
        memset(config.clients[1].colour, '1', sizeof(config.clients[1].colour));
        made = true;
    }
    memset(&driver_queue.queue, 0, sizeof(driver_queue.queue));
    driver = serial_queue_connect_consumer(&config.driver);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        memset(&queues[i].queue, 0, sizeof(queues[i].queue));
        clients[i] = serial_queue_connect_producer(&config.clients[i].conn);
    }
    written = seen = 0;
    driver_lies = false;
    serial_tx_core_init(&core, &config, &rig_ops);
}

static void honest(uint8_t how)
{
    for (unsigned n = how % 32; n > 0 && serial_queue_free(&clients[HONEST]) > 0; n--) {
        uint8_t byte = 0x80 | (written++ & 0x7f);
        (void)serial_queue_enqueue(&clients[HONEST], &byte, 1);
    }
    if (how & 0x80) {
        (void)serial_queue_enqueue(&clients[HONEST], "\n", 1);
    }
}

static void liar(struct input *in, uint32_t client)
{
    for (unsigned n = take(in, 1) % 64; n > 0; n--) {
        uint8_t byte = take(in, 1) & 0x7f;
        (void)serial_queue_enqueue(&clients[client], &byte, 1);
    }
}

static void lie(struct input *in, struct serial_queue *queue)
{
    uint32_t *words[] = { &queue->head, &queue->tail, &queue->producer_signalled,
                          &queue->consumer_polls };
    uint32_t *word = words[take(in, 1) % 4];
    *word = take(in, 1) % 4 ? *word + (uint32_t)take(in, 1) : (uint32_t)take(in, 4);
    for (uint32_t i = 0; i < CLIENTS; i++) { /* a liar's bytes are never the honest client's */
        for (uint32_t k = 0; k < CAPACITY && i != HONEST; k++) {
            queues[i].data[k] &= 0x7f;
        }
    }
}

static void uart(uint32_t most)
{
    uint8_t byte;
    for (; most > 0 && serial_queue_dequeue(&driver, &byte, 1) == 1; most--) {
        assert_true(driver_lies || byte < 0x80 || byte == (0x80 | (seen & 0x7f)));
        seen += byte >= 0x80;
    }
    if (serial_queue_must_signal(&driver)) {
        serial_tx_core_run(&core);
    }
}

static void pass(uint64_t ns)
{
    if (rig_pass(ns)) {
        serial_tx_core_timeout(&core);
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 8) {
    case 0:
        lie(in, &queues[what / 8 % 2].queue);
        break;
    case 1:
        uart((uint32_t)take(in, 1));
        break;
    case 2:
        pass(take(in, 1) * MS);
        break;
    case 3:
        driver_lies |= what == 0xfb;
        if (driver_lies) {
            lie(in, &driver_queue.queue);
        }
        break;
    case 4:
    case 5:
        liar(in, what / 8 % 2);
        break;
    default:
        honest((uint8_t)take(in, 1));
    }
    if (what & 0x80) {
        serial_tx_core_run(&core);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    start();
    while (in.left > 0) {
        step(&in);
    }
    serial_tx_core_run(&core); /* all are notified once; the rest comes with time */
    for (unsigned i = 0; i < 64; i++) {
        uart(CAPACITY);
        pass(TX_PATIENCE_NS);
    }
    assert_true(driver_lies || seen == written);
    return 0;
}
