/* SPDX-License-Identifier: BSD-2-Clause */
/* The test is the driver and all the clients, and knows who has each buffer. */
#include "io/virt/net_tx/net_tx_core.h"
#include "tests/unit/io/virt/net_virt_rig.h"

#define BUFFERS      CAPACITY /* of each client */
#define CLIENT_IO(i) (0x140000000ull + (i)*0x10000000ull)
#define SHARE        (CAPACITY / CLIENTS)

static struct net_virt_tx_config config;
static struct tx_core core;
static struct rig_rings driver_rings, client_rings[CLIENTS];
static struct net_consumer driver_active, returned[CLIENTS];
static struct net_producer driver_free, active[CLIENTS], own_free[CLIENTS];
static uint8_t data[CLIENTS][BUFFERS * NET_BUFFER_SIZE];

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(data, 0, sizeof(data));
    rig_forget();
    config.num_clients = CLIENTS;
    config.coherent = true;
    config.driver = rig_connect(&driver_rings, DRIVER_CHANNEL);
    driver_active = net_consumer(&config.driver.active, CAPACITY);
    driver_free = net_producer(&config.driver.free, CAPACITY);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        struct net_virt_tx_client *client = &config.clients[i];
        client->conn = rig_connect(&client_rings[i], i);
        client->data =
            (struct sddf_device_region){ { (uintptr_t)data[i], sizeof(data[i]) }, CLIENT_IO(i) };
        rig_name(client->name, i);
        active[i] = net_producer(&client->conn.active, CAPACITY);
        returned[i] = net_consumer(&client->conn.free, CAPACITY);
        own_free[i] = net_producer(&client->conn.free, CAPACITY);
    }
    net_tx_core_init(&core, &config, &rig_ops);
    net_tx_core_run(&core);
    return 0;
}

static void send(uint32_t client, uint64_t offset, uint16_t bytes)
{
    struct net_buff_desc desc = { offset, bytes, 0 };
    assert_true(net_enqueue(&active[client], &desc));
}

static void expect_sent(uint32_t client, uint32_t buffer, uint16_t bytes)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&driver_active, &desc));
    assert_int_equal(desc.io_or_offset, CLIENT_IO(client) + buffer * NET_BUFFER_SIZE);
    assert_int_equal(desc.len, bytes);
}

static void done(uint64_t address)
{
    struct net_buff_desc desc = { address, 0, 0 };
    assert_true(net_enqueue(&driver_free, &desc));
}

static void expect_returned(uint32_t client, uint32_t buffer)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&returned[client], &desc));
    assert_int_equal(desc.io_or_offset, buffer * NET_BUFFER_SIZE);
}

static void frames_go_and_buffers_return(void **state)
{
    (void)state;
    send(1, 5 * NET_BUFFER_SIZE, 60);
    send(0, (BUFFERS - 1) * NET_BUFFER_SIZE, 14);
    send(2, 0, NET_FRAME_MAX);
    net_tx_core_run(&core);
    assert_int_equal(signals[DRIVER_CHANNEL], 1);
    expect_sent(0, BUFFERS - 1, 14);
    expect_sent(1, 5, 60);
    expect_sent(2, 0, 1522);
    done(CLIENT_IO(2)); /* in any order */
    done(CLIENT_IO(1) + 5 * NET_BUFFER_SIZE);
    net_tx_core_run(&core);
    expect_returned(2, 0);
    expect_returned(1, 5);
    assert_int_equal(net_length(&returned[0]), 0);
    assert_int_equal(signals[0], 0);
    assert_int_equal(signals[1], 1);
    assert_int_equal(signals[2], 1);
    assert_int_equal(cleaned, 0);
}

/* As sDDF's clients do, after the virtualiser has connected the ring. */
static void a_client_fills_its_own_free_ring(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    net_queue_fill(&own_free[0], 0, BUFFERS);
    for (uint32_t round = 0; round < 1000; round++) {
        assert_true(net_dequeue(&returned[0], &desc));
        assert_int_equal(desc.io_or_offset, round % BUFFERS * NET_BUFFER_SIZE);
        send(0, desc.io_or_offset, 60);
        net_tx_core_run(&core);
        expect_sent(0, round % BUFFERS, 60);
        done(CLIENT_IO(0) + round % BUFFERS * NET_BUFFER_SIZE);
        net_tx_core_run(&core);
    }
    assert_int_equal(net_length(&returned[0]), BUFFERS);
}

/* S7: what names no buffer of the client's own goes nowhere. */
static void false_buffers(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {
        1,
        NET_BUFFER_SIZE - 1,
        sizeof(data[0]),
        CLIENT_IO(0),
        CLIENT_IO(1) - CLIENT_IO(0), /* another's */
        CLIENT_IO(0) - CLIENT_IO(1),
        0ull - NET_BUFFER_SIZE,
        UINT64_MAX,
    };
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        send(1, offsets[i], 60);
        net_tx_core_run(&core);
        assert_false(net_dequeue(&driver_active, &desc));
        assert_false(net_dequeue(&returned[1], &desc));
    }
    assert_string_equal(said,
                        "network: guest1 sends buffers that it has not: ignored (said once)\n");
    send(1, 0, 60);
    send(1, 0, 60); /* on its way already */
    send(1, NET_BUFFER_SIZE, 60);
    net_tx_core_run(&core);
    expect_sent(1, 0, 60);
    expect_sent(1, 1, 60);
    assert_false(net_dequeue(&driver_active, &desc));
    assert_int_equal(core.clients[1].in_flight, 2);
}

/* N2, N3: lengths that are no frame's; the buffer comes back. */
static void false_lengths(void **state)
{
    (void)state;
    static const uint16_t lengths[] = { 0, 13, NET_FRAME_MAX + 1, NET_BUFFER_SIZE, UINT16_MAX };
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < 5; i++) {
        send(0, i * NET_BUFFER_SIZE, lengths[i]);
        net_tx_core_run(&core);
        expect_returned(0, i);
        assert_false(net_dequeue(&driver_active, &desc));
    }
    assert_int_equal(core.clients[0].counts[COUNT_NET_DROPPED], 5);
    assert_string_equal(said, "");
}

/* N12: a client with a list of MACs sends from no other. */
static void forged_sources(void **state)
{
    (void)state;
    struct sddf_mac mine = rig_mac(1), others = rig_mac(2);
    config.clients[1].num_macs = 2;
    config.clients[1].macs[0] = rig_mac(7);
    config.clients[1].macs[1] = mine;
    memcpy(data[1] + 6, &others, 6);
    memcpy(data[1] + NET_BUFFER_SIZE + 6, &mine, 6);
    send(1, 0, 60);
    send(1, NET_BUFFER_SIZE, 60);
    send(2, 0, 60); /* has none */
    net_tx_core_run(&core);
    expect_returned(1, 0);
    expect_sent(1, 1, 60);
    expect_sent(2, 0, 60);
    assert_int_equal(core.clients[1].counts[COUNT_NET_DROPPED], 1);
}

/* Nobody's frames wait for more of another's than its share. */
static void a_flood_delays_its_sender(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BUFFERS; i++) {
        send(0, i * NET_BUFFER_SIZE, 60);
    }
    net_tx_core_run(&core);
    assert_int_equal(net_length(&driver_active), SHARE);
    send(1, 0, 60);
    net_tx_core_run(&core);
    assert_int_equal(net_length(&driver_active), SHARE + 1);
    for (uint32_t i = 0; i < SHARE; i++) {
        expect_sent(0, i, 60);
        done(CLIENT_IO(0) + i * NET_BUFFER_SIZE);
    }
    expect_sent(1, 0, 60);
    for (uint32_t i = 1; i < 20; i++) {
        send(1, i * NET_BUFFER_SIZE, 60);
    }
    net_tx_core_run(&core); /* in bursts by turns */
    uint32_t mine = 0;
    for (uint32_t i = 0; i < 3 * TX_BURST; i++) {
        struct net_buff_desc desc;
        assert_true(net_dequeue(&driver_active, &desc));
        mine += desc.io_or_offset >= CLIENT_IO(1);
    }
    assert_in_range(mine, TX_BURST, 2 * TX_BURST);
}

static void broken_rings(void **state)
{
    (void)state;
    ((struct net_queue *)client_rings[0].active)->tail = 1000;
    ((struct net_queue *)client_rings[1].free)->head = 1000;
    send(1, 0, 60);
    send(2, 0, 60);
    net_tx_core_run(&core);
    expect_sent(1, 0, 60);
    expect_sent(2, 0, 60);
    done(CLIENT_IO(1));
    done(CLIENT_IO(2));
    net_tx_core_run(&core);
    expect_returned(2, 0);
    assert_int_equal(core.clients[1].in_flight, 0); /* it has lost it */
    assert_string_equal(said, "network: guest0 has broken its queue: ignored (said once)\n");
}

/* S8: a driver gives back what it was given, once. */
static void a_driver_that_lies(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    send(0, 0, 60);
    net_tx_core_run(&core);
    const uint64_t false_ones[] = {
        CLIENT_IO(0) + NET_BUFFER_SIZE,
        CLIENT_IO(0) + 1,
        CLIENT_IO(1),
        CLIENT_IO(0) + sizeof(data[0]),
        0,
        UINT64_MAX,
    };
    for (uint32_t i = 0; i < sizeof(false_ones) / sizeof(false_ones[0]); i++) {
        done(false_ones[i]);
    }
    done(CLIENT_IO(0));
    done(CLIENT_IO(0));
    net_tx_core_run(&core);
    expect_returned(0, 0);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        assert_false(net_dequeue(&returned[i], &desc));
        assert_int_equal(core.clients[i].in_flight, 0);
    }
    assert_string_equal(
        said, "network: the driver returns buffers that it has not: ignored (said once)\n");
}

static void caches(void **state)
{
    (void)state;
    config.coherent = false;
    send(0, 0, 100);
    net_tx_core_run(&core);
    assert_int_equal(cleaned, 100);
}

static bool away[CLIENTS][BUFFERS], with_driver[CLIENTS][BUFFERS];

/* Sends one frame of any client; client 2 also what it may not. */
static void send_one(void)
{
    uint32_t client = (uint32_t)rand() % CLIENTS, i = (uint32_t)rand() % BUFFERS;
    if (net_room(&active[client]) == 0) {
        return;
    }
    if (client == 2 && rand() % 4 == 0) {
        uint64_t lie = (uint64_t)rand() % (rand() % 2 ? 2 * sizeof(data[0]) : UINT64_MAX);
        send(2, rand() % 2 ? lie / NET_BUFFER_SIZE * NET_BUFFER_SIZE : lie, 60);
    } else if (!away[client][i]) {
        away[client][i] = true;
        send(client, i * NET_BUFFER_SIZE, 60);
    }
}

/* Takes a frame as the driver: nobody else has its buffer. Returns the client. */
static uint32_t take_one(const struct net_buff_desc *desc)
{
    uint64_t client = (desc->io_or_offset - CLIENT_IO(0)) / 0x10000000;
    assert_true(client < CLIENTS);
    uint64_t offset = desc->io_or_offset - CLIENT_IO(client), i = offset / NET_BUFFER_SIZE;
    assert_true(i < BUFFERS && offset % NET_BUFFER_SIZE == 0 && !with_driver[client][i]);
    assert_true(client == 2 || away[client][i]);
    with_driver[client][i] = true;
    return (uint32_t)client;
}

static void take_returned(uint32_t client)
{
    struct net_buff_desc desc;
    while (rand() % 9 && net_dequeue(&returned[client], &desc)) {
        uint64_t i = desc.io_or_offset / NET_BUFFER_SIZE;
        assert_true(i < BUFFERS);
        /* Client 2 may have sent it again before it had it back. */
        assert_true(client == 2 || (away[client][i] && !with_driver[client][i]));
        away[client][i] = false;
    }
}

/* Honest clients and one that lies, a driver of an order of its own: each buffer has one owner. */
static void at_random(void **state)
{
    (void)state;
    uint32_t sent[CLIENTS] = { 0 };
    struct net_buff_desc desc;
    srand(1815);
    memset(away, 0, sizeof(away));
    memset(with_driver, 0, sizeof(with_driver));
    for (uint32_t turn = 0; turn < 50000; turn++) {
        for (uint32_t n = (uint32_t)rand() % 30; n > 0; n--) {
            send_one();
        }
        net_tx_core_run(&core);
        while (rand() % 20 && net_dequeue(&driver_active, &desc)) {
            sent[take_one(&desc)]++;
        }
        for (uint32_t n = 40; n > 0; n--) {
            uint32_t client = (uint32_t)rand() % CLIENTS, i = (uint32_t)rand() % BUFFERS;
            if (with_driver[client][i]) {
                with_driver[client][i] = false;
                done(CLIENT_IO(client) + i * NET_BUFFER_SIZE);
            }
        }
        for (uint32_t client = 0; client < CLIENTS; client++) {
            take_returned(client);
        }
    }
    assert_true(sent[0] > 10000 && sent[1] > 10000 && sent[2] > 10000);
}

#define MANY 200000u

static uint32_t back; /* frames whose buffer the client has again */

static void *driver_thread(void *unused)
{
    struct net_buff_desc desc;
    while (rig_take(&driver_active, &desc, &driver_awake)) {
        rig_put(&driver_free, &desc);
    }
    return unused;
}

static void *client_thread(void *unused)
{
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < 2; i++) { /* few, so that one which is forgotten stops them */
        desc = (struct net_buff_desc){ i * NET_BUFFER_SIZE, 60, 0 };
        rig_put(&active[0], &desc);
    }
    while (rig_take(&returned[0], &desc, &client_awake)) {
        desc.len = 60;
        rig_put(&active[0], &desc);
        __atomic_store_n(&back, back + 1, __ATOMIC_RELEASE);
    }
    return unused;
}

static void run_virtualiser(void)
{
    net_tx_core_run(&core);
}

/* Frames circulate, in threads that sleep whenever the protocol lets them. */
static void no_wake_up_is_lost(void **state)
{
    (void)state;
    net_tx_core_init(&core, &config, &rig_waking_ops);
    back = 0;
    rig_threads(driver_thread, client_thread, run_virtualiser, &back, MANY);
    assert_int_equal(core.clients[0].counts[COUNT_NET_DROPPED], 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_go_and_buffers_return),
        TEST(a_client_fills_its_own_free_ring),
        TEST(false_buffers),
        TEST(false_lengths),
        TEST(forged_sources),
        TEST(a_flood_delays_its_sender),
        TEST(broken_rings),
        TEST(a_driver_that_lies),
        TEST(caches),
        TEST(at_random),
        TEST(no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
