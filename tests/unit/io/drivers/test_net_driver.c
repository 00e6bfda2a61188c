/* SPDX-License-Identifier: BSD-2-Clause */
/* The test is the device and both virtualisers; each buffer's owner is known at all times. */
#include "tests/unit/io/drivers/net_device_model.h"

static int setup(void **state)
{
    (void)state;
    fresh_model();
    start();
    run();
    assert_null(card.error);
    return 0;
}

static uint8_t frame[NET_BUFFER_SIZE];

/* A frame that tells its number. */
static const uint8_t *numbered(uint32_t number, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        frame[i] = (uint8_t)(number >> i % 4 * 8);
    }
    return frame;
}

static void expect_received(uint32_t number, uint32_t bytes)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&rx_active, &desc));
    assert_int_equal(desc.len, bytes);
    assert_memory_equal(model_memory(desc.io_or_offset, bytes), numbered(number, bytes), bytes);
    assert_true(net_enqueue(&rx_free, &desc));
}

static void send_numbered(uint32_t index, uint32_t number, uint16_t bytes)
{
    struct net_buff_desc desc = { tx_buffer(index), bytes, 0 };
    memcpy(model_memory(desc.io_or_offset, bytes), numbered(number, bytes), bytes);
    assert_true(net_enqueue(&tx_active, &desc));
}

static void expect_sent(uint32_t number, uint16_t bytes)
{
    uint8_t got[NET_BUFFER_SIZE];
    assert_int_equal(model_send(got), bytes);
    assert_memory_equal(got, numbered(number, bytes), bytes);
}

static void expect_returned(uint32_t index)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&tx_free, &desc));
    assert_int_equal(desc.io_or_offset, tx_buffer(index));
}

static void it_agrees_on_what_it_uses(void **state)
{
    (void)state;
    assert_int_equal(model.accepted, VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_MAC) |
                                         VIRTIO_BIT(VIRTIO_NET_F_STATUS) |
                                         VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX));
    assert_memory_equal(card.mac.bytes, model.config.mac, 6);
    assert_true(card.link_up);
    /* The device has as many buffers as it can, before anything else. */
    assert_int_equal(card.queues[VNET_RX].num_free, 0);
    assert_int_equal(net_room(&rx_free), VNET_SLOTS);
    assert_int_equal(model.notified[VNET_RX], 1);
}

static void frames_arrive(void **state)
{
    (void)state;
    assert_true(model_receive(numbered(1, 60), 60));
    assert_true(model_receive(numbered(2, 1514), 1514));
    assert_true(model_receive(numbered(3, NET_BUFFER_SIZE), NET_BUFFER_SIZE));
    signals[VNET_RX] = 0;
    interrupts();
    assert_int_equal(signals[VNET_RX], 0); /* signalled at the start, not awaited since */
    expect_received(1, 60);
    expect_received(2, 1514);
    expect_received(3, NET_BUFFER_SIZE);
    assert_int_equal(card.queues[VNET_RX].num_free, 0);
    assert_true(model_receive(numbered(4, 0), 0));
    interrupts();
    assert_int_equal(signals[VNET_RX], 0);
    expect_received(4, 0); /* the virtualiser's business */
    assert_false(net_wait(&rx_active));
    assert_true(model_receive(numbered(5, 60), 60));
    interrupts();
    assert_int_equal(signals[VNET_RX], 1);
    expect_received(5, 60);
}

static void frames_leave(void **state)
{
    (void)state;
    assert_false(net_wait(&rx_active));
    assert_false(net_wait(&tx_free));
    memset(signals, 0, sizeof(signals));
    for (uint32_t i = 0; i < 3; i++) {
        send_numbered(i, i, (uint16_t)(60 + i));
    }
    run();
    assert_int_equal(model.notified[VNET_TX], 1); /* for the batch */
    expect_sent(0, 60);
    expect_sent(1, 61);
    expect_sent(2, 62);
    assert_int_equal(signals[VNET_TX], 0); /* nothing is there for whoever waits */
    interrupts();
    assert_int_equal(signals[VNET_TX], 1);
    assert_int_equal(signals[VNET_RX], 0);
    for (uint32_t i = 0; i < 3; i++) {
        expect_returned(i);
    }
}

/* A device with many buffers interrupts before it has none: the driver asks for none until then. */
static void buffers_are_awaited_where_they_lack(void **state)
{
    struct net_buff_desc desc;
    (void)state;
    while (net_dequeue(&card.queues[VNET_RX].from, &desc)) {
    }
    (void)net_must_signal(&rx_free);
    for (uint32_t i = 0; i < VNET_SLOTS / 2; i++) {
        assert_true(model_receive(numbered(i, 60), 60));
        interrupts();
        assert_false(net_must_signal(&rx_free));
    }
    assert_true(model_receive(numbered(0, 60), 60));
    interrupts();
    assert_true(net_must_signal(&rx_free));
}

/* A flood in which the device is ahead, and one in which it lags: signals for batches only. */
static void few_interrupts_and_kicks(void **state)
{
    (void)state;
    uint8_t got[NET_BUFFER_SIZE];
    for (uint32_t i = 0; i < 200; i++) {
        send_numbered(i, i, 60);
    }
    run();
    assert_int_equal(model.notified[VNET_TX], 1);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(model_send(got), 60);
        assert_int_equal(model.raised, i >= 150); /* of three quarters */
    }
    interrupts();
    for (uint32_t i = 0; i < 200; i++) {
        expect_returned(i);
    }
    /* The device says that it looks by itself. */
    *(uint16_t *)&model_used(VNET_TX)->ring[model.queues[VNET_TX].num] = 0x8000;
    send_numbered(0, 0, 60);
    run();
    assert_int_equal(model.notified[VNET_TX], 1);
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(model_receive(numbered(i, 60), 60));
    }
    assert_int_equal(model.raised, 2);
    interrupts();
    for (uint32_t i = 0; i < 100; i++) {
        expect_received(i, 60);
    }
}

static void without_event_idx(void **state)
{
    (void)state;
    fresh_model();
    model.offered = VIRTIO_BIT(VIRTIO_F_VERSION_1);
    start();
    run();
    assert_true(card.link_up); /* always */
    model_used(VNET_TX)->flags = VRING_USED_F_NO_NOTIFY;
    uint32_t before = model.notified[VNET_TX];
    send_numbered(0, 7, 60);
    run();
    assert_int_equal(model.notified[VNET_TX], before);
    model_used(VNET_TX)->flags = 0;
    send_numbered(1, 8, 60);
    run();
    assert_int_equal(model.notified[VNET_TX], before + 1);
    expect_sent(7, 60);
    expect_sent(8, 60);
    interrupts();
    expect_returned(0);
    expect_returned(1);
}

static void the_link_goes_down_and_up(void **state)
{
    (void)state;
    model.config.status = 0;
    model_interrupt(VIRTIO_MMIO_INT_CONFIG);
    assert_true(vnet_interrupt(&card));
    assert_false(card.link_up);
    assert_false(vnet_interrupt(&card));
    model.config.status = VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE;
    model_interrupt(VIRTIO_MMIO_INT_CONFIG);
    assert_true(vnet_interrupt(&card));
    assert_true(card.link_up);
    assert_null(card.error);
}

/* Edge: what comes between the acknowledgement and the look must not be lost. */
static void an_edge_is_never_lost(void **state)
{
    (void)state;
    assert_true(model_receive(numbered(1, 60), 60));
    assert_int_equal(model.edges, 1);
    model.edges = 0;
    (void)vnet_interrupt(&card); /* acknowledges */
    assert_true(model_receive(numbered(2, 60), 60));
    run();
    expect_received(1, 60);
    expect_received(2, 60);
    assert_true(model_receive(numbered(3, 60), 60));
    assert_int_equal(model.edges, 1);
    interrupts();
    expect_received(3, 60);
}

static void receive_at_once(void)
{
    model.on_notify = NULL;
    assert_true(model_receive(numbered(2, 60), 60));
}

static void send_at_once(void)
{
    uint8_t got[NET_BUFFER_SIZE];
    while (model_send(got) > 0) {
    }
}

/* What the device does between the driver's look and its wish for an interrupt brings none. */
static void finished_before_it_waits(void **state)
{
    (void)state;
    assert_true(model_receive(numbered(1, 60), 60));
    *(uint16_t *)&model_used(VNET_RX)->ring[model.queues[VNET_RX].num] = VNET_SLOTS;
    model.on_notify = receive_at_once;
    (void)vnet_interrupt(&card);
    run();
    assert_null(model.on_notify);
    expect_received(1, 60);
    expect_received(2, 60);
    model.on_notify = send_at_once;
    for (uint32_t i = 0; i < CAPACITY; i++) { /* more than there are slots */
        send_numbered(i, i, 60);
    }
    run();
    for (uint32_t i = 0; i < CAPACITY; i++) {
        expect_returned(i);
    }
}

/* A driver that has run out of buffers goes on when it gets some, without an interrupt. */
static void no_buffers_then_some(void **state)
{
    (void)state;
    struct net_buff_desc held[MODEL_RX];
    uint32_t n = 0;
    while (model_receive(numbered(n, 60), 60)) {
        interrupts();
        assert_true(net_dequeue(&rx_active, &held[n++]));
    }
    assert_int_equal(n, MODEL_RX);
    while (net_must_signal(&rx_free)) { /* it waits */
        n = 0;
    }
    assert_int_equal(n, 0);
    assert_true(net_enqueue(&rx_free, &held[5]));
    run();
    assert_true(model_receive(numbered(9, 60), 60));
    interrupts();
    assert_true(net_dequeue(&rx_active, &held[5]));
    assert_false(model_receive(numbered(9, 60), 60));
}

static void a_small_device(void **state)
{
    (void)state;
    fresh_model();
    model.queue_most = 20;
    start();
    run();
    assert_int_equal(net_room(&rx_free), 8); /* two descriptors each, of 16 */
    for (uint32_t i = 0; i < 20; i++) {
        send_numbered(i, i, 60);
    }
    run();
    for (uint32_t i = 0; i < 20; i++) {
        expect_sent(i, 60);
        interrupts();
        assert_true(model_receive(numbered(i, 60), 60));
        interrupts();
        expect_received(i, 60);
    }
    interrupts();
    for (uint32_t i = 0; i < 18; i++) {
        expect_returned(i);
    }
}

/* What the device may say that makes no sense. */
static const struct lie {
    uint32_t side, head, bytes;
} lies[] = {
    { VNET_RX, 1, 72 },
    { VNET_RX, VNET_RING, 72 },
    { VNET_RX, 0x10000, 72 },
    { VNET_RX, UINT32_MAX, 72 },
    { VNET_RX, UINT32_MAX - 1, 72 },
    { VNET_RX, 0, 11 },
    { VNET_RX, 0, 12 + NET_BUFFER_SIZE + 1 },
    { VNET_RX, 0, UINT32_MAX },
    { VNET_TX, 3, 0 },
    { VNET_TX, 4, 0 }, /* not in flight */
    { VNET_TX, VNET_RING, 0 },
    { VNET_TX, UINT32_MAX, 0 },
};
#define NUM_LIES (sizeof(lies) / sizeof(lies[0]))

/* S8, D, Q: whatever the device says, the driver resets it and gives back what was to be sent. */
static void nonsense_ends_in_a_reset(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < NUM_LIES + 4; i++) {
        setup(NULL);
        send_numbered(0, 0, 60);
        send_numbered(1, 1, 60);
        run();
        uint32_t resets = model.resets;
        if (i < NUM_LIES) {
            model_use(lies[i].side, lies[i].head, lies[i].bytes);
        } else if (i == NUM_LIES) {
            model_used(VNET_RX)->idx = VNET_SLOTS + 1;
        } else if (i == NUM_LIES + 1) {
            model_used(VNET_TX)->idx = (uint16_t)-1;
        } else if (i == NUM_LIES + 2) {
            model_used(VNET_TX)->idx = 3; /* two are in flight */
        } else {
            model.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
            model_interrupt(VIRTIO_MMIO_INT_CONFIG);
        }
        model_interrupt(VIRTIO_MMIO_INT_VRING);
        interrupts();
        assert_non_null(card.error);
        assert_int_equal(model.resets, resets + 1);
        assert_false(net_dequeue(&rx_active, &desc));
        uint32_t back = 0;
        while (net_dequeue(&tx_free, &desc)) {
            back |= 1u << (desc.io_or_offset - tx_buffer(0)) / NET_BUFFER_SIZE;
        }
        assert_int_equal(back, 3);
        send_numbered(2, 2, 60); /* what comes later comes back too */
        run();
        expect_returned(2);
        assert_false(vnet_interrupt(&card));
    }
}

/* A chain that is finished twice was not there the second time. */
static void done_twice(void **state)
{
    (void)state;
    assert_true(model_receive(numbered(1, 60), 60));
    uint32_t head = model_used(VNET_RX)->ring[0].id;
    while (model_receive(numbered(1, 60), 60)) { /* so that the driver cannot fill it again */
    }
    model.queues[VNET_RX].used_idx = 1;
    model_use(VNET_RX, head, 72);
    interrupts();
    assert_non_null(card.error);
    expect_received(1, 60);
}

/* Memory that the device may still read is not given back. */
static void nothing_back_before_the_device_stops(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    send_numbered(0, 0, 60);
    run();
    model.never_resets = true;
    model_use(VNET_TX, 77, 0);
    run();
    assert_non_null(card.error);
    assert_false(net_dequeue(&tx_free, &desc));
}

static void a_card_that_cannot_be_used(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 7; i++) {
        fresh_model();
        switch (i) {
        case 0:
            model.version = 1;
            break;
        case 1:
            model.device_id = 0;
            break;
        case 2:
            model.device_id = VIRTIO_ID_BLOCK;
            break;
        case 3:
            model.offered &= ~VIRTIO_BIT(VIRTIO_F_VERSION_1);
            break;
        case 4:
            model.refuses_features = true;
            break;
        case 5:
            model.status = 4;
            model.never_resets = true;
            break;
        default:
            model.queue_most = 4;
            break;
        }
        start();
        assert_non_null(card.error);
        send_numbered(0, 0, 60);
        run();
        expect_returned(0);
        assert_false(vnet_interrupt(&card));
    }
}

#define MANY 100000u /* beyond the wrap of 16-bit indices */

/*
 * Both directions at once, in turns of all lengths. Frames keep their order, none is lost or comes
 * twice, and no buffer is anywhere twice.
 */
static void at_random(void **state)
{
    (void)state;
    static bool sending[CAPACITY];
    uint32_t arrived = 0, got = 0, sent = 0, left = 0;
    struct net_buff_desc desc;
    uint8_t out[NET_BUFFER_SIZE];
    bool pending = false; /* the virtualisers' notification */
    srand(4711);
    memset(sending, 0, sizeof(sending));
    while (got < MANY || left < MANY) {
        for (uint32_t n = (uint32_t)rand() % 40; n > 0 && arrived < MANY; n--) {
            arrived += model_receive(numbered(arrived, 14 + arrived % 100), 14 + arrived % 100);
        }
        for (uint32_t n = (uint32_t)rand() % 40; n > 0 && sent < MANY; n--) {
            uint32_t index = (uint32_t)rand() % CAPACITY;
            if (!sending[index]) {
                sending[index] = true;
                send_numbered(index, sent++, 60);
            }
        }
        pending |= net_must_signal(&tx_active);
        pending |= net_must_signal(&rx_free);
        if (pending && rand() % 3) {
            pending = false;
            run();
        }
        for (uint32_t n = (uint32_t)rand() % 40; n > 0 && model_send(out) > 0; n--) {
            assert_memory_equal(out, numbered(left++, 60), 60);
        }
        if (rand() % 3) {
            interrupts();
        }
        for (uint32_t n = (uint32_t)rand() % 40; n > 0 && net_length(&rx_active) > 0; n--, got++) {
            expect_received(got, 14 + got % 100);
        }
        while (rand() % 40 && net_dequeue(&tx_free, &desc)) {
            uint64_t index = (desc.io_or_offset - tx_buffer(0)) / NET_BUFFER_SIZE;
            assert_true(index < CAPACITY && sending[index]);
            sending[index] = false;
        }
        (void)net_wait(&rx_active);
        (void)net_wait(&tx_free);
    }
    assert_null(card.error);
    assert_int_equal(card.queues[VNET_RX].num_free, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

static uint32_t storm_turns;

/* The driver has used up its budget: those below it empty the rings, and the device fills them. */
static void storm(void)
{
    struct net_buff_desc desc;
    if (storm_turns < 1000) {
        storm_turns++;
        while (net_dequeue(&rx_active, &desc)) {
            assert_true(net_enqueue(&rx_free, &desc));
        }
        while (model_receive(numbered(1, 60), 60)) {
        }
    }
}

/* Frames without end come in: what is to go out goes out, and both virtualisers hear of it. */
static void a_storm_does_not_stop_transmission(void **state)
{
    (void)state;
    send_numbered(0, 7, 60);
    while (model_receive(numbered(1, 60), 60)) {
    }
    run(); /* the virtualiser's rings are full now, the device has nothing */
    storm();
    send_numbered(1, 8, 60);
    storm_turns = 0;
    model.on_notify = storm;
    uint32_t notify = vnet_run(&card);
    assert_in_range(storm_turns, 1, 2);
    assert_true((notify & VNET_AGAIN) != 0);
    model.on_notify = NULL;
    expect_sent(7, 60);
    expect_sent(8, 60);
    run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_agrees_on_what_it_uses),
        TEST(frames_arrive),
        TEST(frames_leave),
        TEST(buffers_are_awaited_where_they_lack),
        TEST(few_interrupts_and_kicks),
        TEST(without_event_idx),
        TEST(the_link_goes_down_and_up),
        TEST(an_edge_is_never_lost),
        TEST(finished_before_it_waits),
        TEST(no_buffers_then_some),
        TEST(a_small_device),
        TEST(nonsense_ends_in_a_reset),
        TEST(done_twice),
        TEST(nothing_back_before_the_device_stops),
        TEST(a_card_that_cannot_be_used),
        TEST(at_random),
        cmocka_unit_test_setup(a_storm_does_not_stop_transmission, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
