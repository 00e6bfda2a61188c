/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what an operator types while two clients of the receive virtualiser lie in their
 * queues or never read. However it stands then, the operator gets away: the switch keys lead to
 * the third client, which reads what is typed behind them.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/io/virt/io_rig.h"

#include "io/virt/serial_rx/serial_rx_core.h"

#define CLIENTS  3u
#define HONEST   2u
#define CAPACITY 64u
#define ROUNDS   16u

static struct serial_virt_rx_config config;
static struct rx_core core;
static struct rig_queue queues[CLIENTS], driver_queue, log_queue;
static struct serial_producer driver;
static struct serial_consumer clients[CLIENTS], log_end;

static void start(uint8_t how)
{
    static bool made;
    rig_reset();
    if (!made) {
        config.num_clients = CLIENTS;
        config.driver = rig_connect(&driver_queue, CAPACITY, 9);
        config.log = rig_connect(&log_queue, 4 * CAPACITY, 10);
        for (uint8_t i = 0; i < CLIENTS; i++) {
            config.clients[i].conn = rig_connect(&queues[i], CAPACITY, i);
            memcpy(config.clients[i].name, "guest", 6);
        }
        made = true;
    }
    config.switch_keys = how % 3;
    memset(&driver_queue.queue, 0, sizeof(driver_queue.queue));
    memset(&log_queue.queue, 0, sizeof(log_queue.queue));
    driver = serial_queue_connect_producer(&config.driver);
    log_end = serial_queue_connect_consumer(&config.log);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        memset(&queues[i].queue, 0, sizeof(queues[i].queue));
        clients[i] = serial_queue_connect_consumer(&config.clients[i].conn);
    }
    serial_rx_core_init(&core, &config, &rig_ops);
}

static void reads(uint32_t client, uint32_t most)
{
    uint8_t bytes[CAPACITY];
    (void)serial_queue_dequeue(&clients[client], bytes, most < CAPACITY ? most : CAPACITY);
    if (serial_queue_must_signal(&clients[client])) {
        serial_rx_core_run(&core);
    }
}

static void lie(struct input *in, struct serial_queue *queue)
{
    uint32_t *words[] = { &queue->head,        &queue->tail,         &queue->producer_signalled,
                          &queue->guest_state, &queue->starts_asked, &queue->starts_handled };
    uint32_t *word = words[take(in, 1) % (sizeof(words) / sizeof(words[0]))];
    *word = take(in, 1) % 4 ? *word + (uint32_t)take(in, 1) : (uint32_t)take(in, 4);
}

/* Time passes until the virtualiser waits for nothing. */
static void settle(void)
{
    serial_rx_core_run(&core);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (rig_pass(RX_STUCK_NS)) {
            (void)serial_rx_core_timeout(&core);
        }
    }
}

static void type(const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    settle();
    assert_int_equal(serial_queue_enqueue(&driver, text, n), n);
    settle();
}

static void step(struct input *in)
{
    static const char keys[] = "\x1c@\\\r\n0123?!";
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 8) {
    case 0:
        lie(in, &queues[what / 8 % 2].queue);
        break;
    case 1:
        reads(what / 8 % CLIENTS, (uint32_t)take(in, 1));
        break;
    case 2:
        if (rig_pass(take(in, 1) * 16 * MS)) {
            (void)serial_rx_core_timeout(&core);
        }
        break;
    case 3:
        reads(HONEST, CAPACITY);
        serial_queue_consume(&log_end, serial_queue_length(&log_end));
        break;
    case 4:
        (void)serial_queue_enqueue(&driver, in->at, in->left > 0);
        (void)take(in, 1);
        break;
    default:
        (void)serial_queue_enqueue(&driver, &keys[what / 8 % (sizeof(keys) - 1)], 1);
    }
    if (what & 0x80) {
        serial_rx_core_run(&core);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const away[] = {
        [SERIAL_SWITCH_CTRL_BACKSLASH] = "\r\x1c\x32\r",
        [SERIAL_SWITCH_AT] = "\r@3",
        [SERIAL_SWITCH_RETURN_AT] = "\r@2",
    };
    struct input in = { data, size };
    uint8_t text[CAPACITY];
    start((uint8_t)take(&in, 1));
    while (in.left > 0) {
        step(&in);
    }
    settle();
    reads(HONEST, CAPACITY);
    settle();
    type(away[config.switch_keys]);
    assert_int_equal(core.current, HONEST);
    while (serial_queue_dequeue(&clients[HONEST], text, CAPACITY) > 0) {
        settle();
    }
    type("hello");
    assert_int_equal(serial_queue_dequeue(&clients[HONEST], text, CAPACITY), 5);
    assert_memory_equal(text, "hello", 5);
    return 0;
}
