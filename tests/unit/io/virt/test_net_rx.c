/* SPDX-License-Identifier: BSD-2-Clause */
/* The test is the driver and all the clients, and knows who has each buffer. */
#include "io/virt/net_rx/net_rx_core.h"
#include "tests/unit/io/virt/net_virt_rig.h"

#define DATA_IO 0x140000000ull
#define BUFFERS CAPACITY
#define SHARE   (BUFFERS / (CLIENTS + 1))

static struct net_virt_rx_config config;
static struct rx_core core;
static struct rig_rings driver_rings, client_rings[CLIENTS];
static struct net_consumer driver_free, active[CLIENTS];
static struct net_producer driver_active, returned[CLIENTS];
static uint8_t data[BUFFERS * NET_BUFFER_SIZE];

static void configure(void)
{
    memset(&config, 0, sizeof(config));
    rig_forget();
    config.num_clients = CLIENTS;
    config.coherent = true;
    config.driver = rig_connect(&driver_rings, DRIVER_CHANNEL);
    config.data = (struct sddf_device_region){ { (uintptr_t)data, sizeof(data) }, DATA_IO };
    driver_free = net_consumer(&config.driver.free, CAPACITY);
    driver_active = net_producer(&config.driver.active, CAPACITY);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        struct net_virt_rx_client *client = &config.clients[i];
        client->conn = rig_connect(&client_rings[i], i);
        client->num_macs = 1;
        client->macs[0] = rig_mac(i);
        client->multicast = true;
        rig_name(client->name, i);
        active[i] = net_consumer(&client->conn.active, CAPACITY);
        returned[i] = net_producer(&client->conn.free, CAPACITY);
    }
}

static int setup(void **state)
{
    (void)state;
    configure();
    net_rx_core_init(&core, &config, &rig_ops);
    net_rx_core_run(&core);
    assert_int_equal(signals[DRIVER_CHANNEL], 1);
    assert_int_equal(net_length(&driver_free), BUFFERS);
    rig_forget();
    return 0;
}

/* The device puts a frame to `to` into the next free buffer; returns the buffer's number. */
static uint32_t arrive(const struct sddf_mac *to, uint16_t bytes)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&driver_free, &desc));
    assert_in_range(desc.io_or_offset, DATA_IO, DATA_IO + sizeof(data) - NET_BUFFER_SIZE);
    memcpy(data + (desc.io_or_offset - DATA_IO), to, sizeof(*to));
    desc.len = bytes;
    assert_true(net_enqueue(&driver_active, &desc));
    return (uint32_t)(desc.io_or_offset - DATA_IO) / NET_BUFFER_SIZE;
}

static uint32_t arrive_for(uint32_t client)
{
    struct sddf_mac mac = rig_mac(client);
    return arrive(&mac, 60);
}

static void expect(uint32_t client, uint32_t buffer, uint16_t bytes)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&active[client], &desc));
    assert_int_equal(desc.io_or_offset, buffer * NET_BUFFER_SIZE);
    assert_int_equal(desc.len, bytes);
}

static void give_back(uint32_t client, uint64_t offset)
{
    struct net_buff_desc desc = { offset, 0, 0 };
    assert_true(net_enqueue(&returned[client], &desc));
}

static const struct sddf_mac all = { { 255, 255, 255, 255, 255, 255 } };
static const struct sddf_mac group = { { 0x33, 0x33, 0, 0, 0, 1 } };
static const struct sddf_mac nobody = { { 0x52, 0x54, 9, 9, 9, 9 } };

static void a_frame_goes_to_its_mac(void **state)
{
    (void)state;
    uint32_t a = arrive_for(1), b = arrive_for(2);
    net_rx_core_run(&core);
    expect(1, a, 60);
    expect(2, b, 60);
    assert_int_equal(net_length(&active[0]), 0);
    assert_int_equal(signals[0], 0);
    assert_int_equal(signals[1], 1);
    assert_int_equal(signals[DRIVER_CHANNEL], 0);
    give_back(1, a * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&driver_free), BUFFERS - 1);
    assert_int_equal(invalidated, 0);
}

/* The switch has the MACs of its guests, and may want what nobody else has. */
static void many_macs_and_others(void **state)
{
    (void)state;
    struct sddf_mac guest = rig_mac(9);
    config.clients[2].macs[15] = guest;
    uint32_t a = arrive(&guest, 60), b = arrive(&nobody, 60);
    config.clients[2].num_macs = 16;
    net_rx_core_run(&core);
    expect(2, a, 60);
    assert_int_equal(core.unheard, 1);
    assert_int_equal(net_length(&driver_free), BUFFERS - 1);
    config.clients[0].others = config.clients[2].others = true;
    b = arrive(&nobody, 60);
    uint32_t c = arrive_for(1);
    net_rx_core_run(&core);
    expect(0, b, 60);
    expect(2, b, 60);
    expect(1, c, 60);
    assert_int_equal(net_length(&active[0]) + net_length(&active[2]), 0);
}

static void all_and_groups(void **state)
{
    (void)state;
    config.clients[1].multicast = false;
    uint32_t a = arrive(&all, 60), b = arrive(&group, 1514);
    net_rx_core_run(&core);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        expect(i, a, 60);
        if (i != 1) {
            expect(i, b, 1514);
        }
        assert_int_equal(net_length(&active[i]), 0);
    }
    /* Back when all have returned it, once. */
    give_back(2, a * NET_BUFFER_SIZE);
    give_back(0, a * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&driver_free), BUFFERS - 2);
    give_back(1, a * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&driver_free), BUFFERS - 1);
    assert_string_equal(said, "");
}

/* S7: what a client may not return. */
static void false_returns(void **state)
{
    (void)state;
    uint32_t a = arrive_for(0), b = arrive_for(1), c = arrive(&all, 60);
    net_rx_core_run(&core);
    const uint64_t false_ones[] = {
        b * NET_BUFFER_SIZE,       /* another's */
        (c + 1) * NET_BUFFER_SIZE, /* the driver's */
        a * NET_BUFFER_SIZE + 1,
        sizeof(data),
        DATA_IO + a * NET_BUFFER_SIZE, /* where the driver sees it */
        UINT64_MAX,
        0ull - NET_BUFFER_SIZE,
    };
    uint32_t free = net_length(&driver_free);
    for (uint32_t i = 0; i < sizeof(false_ones) / sizeof(false_ones[0]); i++) {
        give_back(0, false_ones[i]);
        net_rx_core_run(&core);
        assert_int_equal(net_length(&driver_free), free);
    }
    assert_string_equal(said,
                        "network: guest0 returns buffers that it has not: ignored (said once)\n");
    give_back(0, a * NET_BUFFER_SIZE);
    give_back(0, a * NET_BUFFER_SIZE); /* twice */
    give_back(0, c * NET_BUFFER_SIZE);
    give_back(0, c * NET_BUFFER_SIZE); /* for the others too */
    give_back(0, c * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&driver_free), free + 1);
    assert_int_equal(core.clients[0].held, 0);
    expect(1, b, 60);
    expect(1, c, 60);
    give_back(1, b * NET_BUFFER_SIZE);
    give_back(1, c * NET_BUFFER_SIZE);
    give_back(2, c * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&driver_free), BUFFERS);
}

/* S7: who returns nothing misses what comes for it, and nobody else does. */
static void a_client_that_returns_nothing(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 100; round++) {
        (void)arrive_for(0);
        uint32_t b = arrive(&all, 60);
        net_rx_core_run(&core);
        for (uint32_t i = 1; i < CLIENTS; i++) {
            expect(i, b, 60);
            give_back(i, b * NET_BUFFER_SIZE);
        }
        net_rx_core_run(&core);
    }
    assert_int_equal(core.clients[0].held, SHARE);
    assert_int_equal(core.clients[0].counts[COUNT_NET_DROPPED], 200 - SHARE);
    assert_int_equal(core.clients[1].counts[COUNT_NET_DROPPED], 0);
    assert_int_equal(net_length(&driver_free), BUFFERS - SHARE);
}

/* S7: a ring whose indices make no sense is its owner's loss. */
static void broken_rings(void **state)
{
    (void)state;
    struct net_queue *free = (struct net_queue *)client_rings[0].free;
    struct net_queue *frames = (struct net_queue *)client_rings[1].active;
    free->tail = 1000;
    frames->head = 1000;
    uint32_t a = arrive_for(0), b = arrive_for(2);
    (void)arrive_for(1);
    net_rx_core_run(&core);
    expect(0, a, 60);
    expect(2, b, 60);
    assert_int_equal(net_length(&driver_free), BUFFERS - 2);
    assert_string_equal(said, "network: guest0 has broken its queue: ignored (said once)\n"
                              "network: guest1 has broken its queue: ignored (said once)\n");
}

/* S8: the driver is believed what concerns a buffer that it has. */
static void a_driver_that_lies(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    struct sddf_mac mac = rig_mac(0);
    uint32_t a = arrive_for(0);
    net_rx_core_run(&core);
    const uint64_t false_ones[] = {
        DATA_IO + a * NET_BUFFER_SIZE, /* the client has it */
        DATA_IO - NET_BUFFER_SIZE,
        DATA_IO + sizeof(data),
        DATA_IO + (a + 1) * NET_BUFFER_SIZE + 8,
        0,
        UINT64_MAX,
    };
    for (uint32_t i = 0; i < sizeof(false_ones) / sizeof(false_ones[0]); i++) {
        desc = (struct net_buff_desc){ false_ones[i], 60, 0 };
        assert_true(net_enqueue(&driver_active, &desc));
        net_rx_core_run(&core);
        assert_int_equal(net_length(&active[0]), 1);
    }
    assert_string_equal(said,
                        "network: the driver fills buffers that it has not: ignored (said once)\n");
    /* Lengths that cannot be: the buffer goes back. */
    static const uint16_t lengths[] = { 0, 13, NET_BUFFER_SIZE + 1, UINT16_MAX };
    for (uint32_t i = 0; i < 4; i++) {
        uint16_t before = net_length(&driver_free);
        (void)arrive(&mac, lengths[i]);
        net_rx_core_run(&core);
        assert_int_equal(net_length(&active[0]), 1);
        assert_int_equal(net_length(&driver_free), before);
    }
    (void)arrive(&mac, 14);
    (void)arrive(&mac, NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&active[0]), 3);
}

static void signals_where_awaited(void **state)
{
    (void)state;
    uint32_t a = arrive_for(0);
    net_rx_core_run(&core);
    uint32_t b = arrive_for(0);
    net_rx_core_run(&core);
    assert_int_equal(signals[0], 1); /* it has not waited since */
    expect(0, a, 60);
    expect(0, b, 60);
    assert_false(net_wait(&active[0]));
    assert_true(net_must_signal(&returned[0])); /* the virtualiser waits */
    net_rx_core_run(&core);
    assert_int_equal(signals[0], 1);
    (void)arrive_for(0);
    assert_true(net_must_signal(&driver_active));
    net_rx_core_run(&core);
    assert_int_equal(signals[0], 2);
    struct net_buff_desc desc;
    while (net_dequeue(&driver_free, &desc)) {
    }
    assert_false(net_wait(&driver_free));
    give_back(0, a * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_int_equal(signals[DRIVER_CHANNEL], 1);
}

/* Below half a share the next frame is soon enough. */
static void returns_are_awaited_where_they_lack(void **state)
{
    (void)state;
    uint32_t held[BUFFERS];
    assert_true(net_must_signal(&returned[0])); /* a ring begins like that */
    for (uint32_t i = 0; i < core.share / 2; i++) {
        held[i] = arrive_for(0);
        net_rx_core_run(&core);
        expect(0, held[i], 60);
        assert_false(net_must_signal(&returned[0]));
    }
    uint32_t last = arrive_for(0);
    net_rx_core_run(&core);
    expect(0, last, 60);
    assert_true(net_must_signal(&returned[0]));
    give_back(0, last * NET_BUFFER_SIZE);
    net_rx_core_run(&core);
    assert_false(net_must_signal(&returned[0]));
    uint16_t before = net_length(&driver_free);
    for (uint32_t i = 0; i < core.share / 2; i++) {
        give_back(0, held[i] * NET_BUFFER_SIZE);
    }
    (void)arrive_for(0);
    net_rx_core_run(&core);
    assert_int_equal(net_length(&driver_free), before - 1 + core.share / 2);
}

static void caches(void **state)
{
    (void)state;
    configure();
    config.coherent = false;
    net_rx_core_init(&core, &config, &rig_ops);
    assert_int_equal(invalidated, sizeof(data));
    (void)arrive_for(0);
    net_rx_core_run(&core);
    assert_int_equal(invalidated, sizeof(data) + 60);
}

/* The reference: who has each buffer, and what each client must get next. */
static struct {
    uint32_t holders[BUFFERS]; /* clients as bits; none: the driver */
    bool got[CLIENTS][BUFFERS];
    uint32_t held[CLIENTS];
    uint32_t fifo[CLIENTS][BUFFERS];
    uint32_t put[CLIENTS], taken[CLIENTS];
} ref;

static void ref_deliver(uint32_t kind, uint32_t buffer)
{
    static const uint32_t hear[] = { 1, 2, 4, 7, 5, 2 }; /* each MAC, all, group, nobody */
    for (uint32_t i = 0; i < CLIENTS; i++) {
        if ((hear[kind] & 1u << i) && ref.held[i] < SHARE) {
            ref.held[i]++;
            ref.holders[buffer] |= 1u << i;
            ref.fifo[i][ref.put[i]++ % BUFFERS] = buffer;
        }
    }
}

static void ref_return_some(uint32_t client)
{
    for (uint32_t i = 0; i < BUFFERS; i++) {
        if (ref.got[client][i] && rand() % (client == 0 ? 30 : 3) == 0) { /* 0 is slow */
            ref.got[client][i] = false;
            ref.holders[i] &= ~(1u << client);
            ref.held[client]--;
            give_back(client, i * NET_BUFFER_SIZE);
        } else if (client == 2 && rand() % 300 == 0) {
            uint64_t lie = (uint64_t)rand() % (sizeof(data) * 2);
            lie = rand() % 4 ? lie / NET_BUFFER_SIZE * NET_BUFFER_SIZE : lie | 1;
            bool true_one = lie < sizeof(data) && lie % NET_BUFFER_SIZE == 0 &&
                            (ref.holders[lie / NET_BUFFER_SIZE] & 4);
            if (!true_one && net_length(&core.clients[2].free) < CAPACITY / 2) {
                give_back(client, lie);
            }
        }
    }
}

static void ref_take_some(uint32_t client)
{
    struct net_buff_desc desc;
    while (rand() % 8 && net_dequeue(&active[client], &desc)) {
        uint32_t buffer = ref.fifo[client][ref.taken[client]++ % BUFFERS];
        assert_int_equal(desc.io_or_offset, buffer * NET_BUFFER_SIZE);
        ref.got[client][buffer] = true;
    }
}

/* Frames of all kinds, two honest clients and one that lies: all is as the reference says. */
static void at_random(void **state)
{
    (void)state;
    static const struct sddf_mac *const kinds[] = { &all, &group, &nobody };
    srand(1492);
    memset(&ref, 0, sizeof(ref));
    config.clients[1].multicast = false;
    config.clients[1].others = true;
    for (uint32_t turn = 0; turn < 50000; turn++) {
        uint32_t arrived[8][2], num = 0, with_driver = 0;
        for (uint32_t i = 0; i < CLIENTS; i++) {
            ref_return_some(i);
        }
        while (num < (uint32_t)rand() % 9 && net_length(&driver_free) > 0) {
            uint32_t kind = (uint32_t)rand() % 6;
            struct sddf_mac mac = kind < CLIENTS ? rig_mac(kind) : *kinds[kind - CLIENTS];
            uint32_t buffer = arrive(&mac, (uint16_t)(14 + rand() % 1500));
            assert_int_equal(ref.holders[buffer], 0); /* or somebody reads what changes */
            arrived[num][0] = kind;
            arrived[num++][1] = buffer;
        }
        net_rx_core_run(&core);
        for (uint32_t i = 0; i < num; i++) {
            ref_deliver(arrived[i][0], arrived[i][1]);
        }
        for (uint32_t i = 0; i < BUFFERS; i++) {
            with_driver += ref.holders[i] == 0;
        }
        assert_int_equal(net_length(&driver_free), with_driver);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            assert_int_equal(net_length(&active[i]), ref.put[i] - ref.taken[i]);
            ref_take_some(i);
        }
    }
    assert_true(ref.put[0] > 10000 && core.clients[0].counts[COUNT_NET_DROPPED] > 1000);
}

#define MANY 200000u

static uint32_t got, gone; /* by the client; frames for it */
static uint32_t unheard;   /* as the core counts them */
static uint32_t few;       /* frames that may be on their way to it */

/* One frame after the other, for the client as long as it has few of them, else for nobody. */
static void *driver_thread(void *unused)
{
    struct net_buff_desc desc;
    struct sddf_mac mac = rig_mac(0);
    while (rig_take(&driver_free, &desc, &driver_awake)) {
        bool for_it = gone - __atomic_load_n(&got, __ATOMIC_ACQUIRE) < few;
        memcpy(data + (desc.io_or_offset - DATA_IO), for_it ? &mac : &nobody, sizeof(mac));
        gone += for_it;
        desc.len = 60;
        rig_put(&driver_active, &desc);
    }
    return unused;
}

static void *client_thread(void *unused)
{
    struct net_buff_desc desc;
    while (rig_take(&active[0], &desc, &client_awake)) {
        rig_put(&returned[0], &desc);
        __atomic_store_n(&got, got + 1, __ATOMIC_RELEASE);
    }
    return unused;
}

static void run_virtualiser(void)
{
    net_rx_core_run(&core);
    unheard = (uint32_t)core.unheard;
}

/* The frame that is awaited comes, in threads that sleep whenever the protocol lets them. */
static void no_wake_up_is_lost(void **state)
{
    (void)state;
    configure();
    net_rx_core_init(&core, &config, &rig_waking_ops);
    got = gone = 0;
    few = 4;
    rig_threads(driver_thread, client_thread, run_virtualiser, &got, MANY);
    assert_int_equal(core.clients[0].counts[COUNT_NET_DROPPED], 0);
    few = 0; /* nobody but the driver wakes the virtualiser */
    core.unheard = unheard = 0;
    rig_threads(driver_thread, client_thread, run_virtualiser, &unheard, MANY);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_goes_to_its_mac),
        TEST(many_macs_and_others),
        TEST(all_and_groups),
        TEST(false_returns),
        TEST(a_client_that_returns_nothing),
        TEST(broken_rings),
        TEST(a_driver_that_lies),
        TEST(signals_where_awaited),
        TEST(returns_are_awaited_where_they_lack),
        TEST(caches),
        TEST(at_random),
        TEST(no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
