/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch as a client of sDDF's network virtualisers, which the test is. */
#include "tests/unit/io/virt/switch/switch_rig.h"

#define BUFFERS    16u
#define RX_CHANNEL 50
#define TX_CHANNEL 51

static uint64_t rings[4][(8 + 16 * BUFFERS) / 8]; /* rx free, rx active, tx free, tx active */
static uint8_t *rx_data, *tx_data;
static struct net_producer rx, tx_free;
static struct net_consumer rx_free, tx;
static uint8_t frame[FRAME_MAX];
static uint32_t next_rx;

static struct sddf_net_connection connect(uint32_t ring, uint8_t channel)
{
    return (struct sddf_net_connection){
        .free = { (uintptr_t)rings[ring], sizeof(rings[ring]) },
        .active = { (uintptr_t)rings[ring + 1], sizeof(rings[ring]) },
        .num_buffers = BUFFERS,
        .channel = channel,
    };
}

static void open_all(uint32_t features)
{
    for (uint32_t i = 0; i < VMMS; i++) {
        memset(&vmms[i].port.control, 0, sizeof(vmms[i].port.control));
    }
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        vmm_open(i, features);
        vmm_post_many(i, 64, 2048);
    }
    memset(signals, 0, sizeof(signals));
}

static void configure(void)
{
    struct switch_uplink *uplink = &config.uplink;
    rig_configure();
    memset(rings, 0, sizeof(rings));
    config.has_uplink = true;
    uplink->rx = connect(0, RX_CHANNEL);
    uplink->tx = connect(2, TX_CHANNEL);
    uplink->rx_data = (struct sddf_region){ (uintptr_t)rx_data, BUFFERS * NET_BUFFER_SIZE };
    uplink->tx_data = (struct sddf_region){ (uintptr_t)tx_data, BUFFERS * NET_BUFFER_SIZE };
    uplink->allow = UINT32_MAX;
    uplink->mtu = MTU;
    memset(tx_data, 0xee, BUFFERS * NET_BUFFER_SIZE);
    rx = net_producer(&uplink->rx.active, BUFFERS);
    rx_free = net_consumer(&uplink->rx.free, BUFFERS);
    tx_free = net_producer(&uplink->tx.free, BUFFERS);
    tx = net_consumer(&uplink->tx.active, BUFFERS);
    next_rx = 0;
}

static int setup(void **state)
{
    (void)state;
    rx_data = malloc(BUFFERS * NET_BUFFER_SIZE);
    tx_data = malloc(BUFFERS * NET_BUFFER_SIZE);
    configure();
    open_all(ALL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    expect_memory_untouched();
    rig_destroy();
    free(rx_data);
    free(tx_data);
    return 0;
}

static void from_outside(uint32_t bytes)
{
    struct net_buff_desc desc = { next_rx++ % BUFFERS * NET_BUFFER_SIZE, (uint16_t)bytes, 0 };
    memcpy(rx_data + desc.io_or_offset, frame, bytes);
    assert_true(net_enqueue(&rx, &desc));
}

static struct net_buff_desc expect_outside(const uint8_t *bytes, uint32_t count)
{
    struct net_buff_desc desc;
    assert_true(net_dequeue(&tx, &desc));
    assert_int_equal(desc.len, count < 60 ? 60 : count);
    assert_true(desc.io_or_offset % NET_BUFFER_SIZE == 0);
    assert_true(desc.io_or_offset < BUFFERS * NET_BUFFER_SIZE);
    assert_memory_equal(tx_data + desc.io_or_offset, bytes, count);
    return desc;
}

static void expect_quiet(void)
{
    struct net_buff_desc desc;
    assert_false(net_dequeue(&tx, &desc));
}

static void out(void **state)
{
    (void)state;
    static const uint8_t zeros[60];
    for (uint32_t i = 0; i < 5 * BUFFERS; i++) {
        uint32_t bytes = i % 2 ? 14 + i % 50 : 1522 - i;
        vmm_send(0, NULL, frame, make_frame(frame, 99, 0, bytes));
        struct net_buff_desc desc = expect_outside(frame, bytes);
        assert_memory_equal(tx_data + desc.io_or_offset + bytes, zeros, desc.len - bytes);
        assert_true(net_enqueue(&tx_free, &desc));
    }
    expect_quiet();
    assert_int_equal(signals[TX_CHANNEL], 1); /* it was asked for once */
    assert_int_equal(signals[RX_CHANNEL], 0);
    expect_nothing(1);
}

static void in(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < 3 * BUFFERS; i++) {
        from_outside(make_frame(frame, 2, 99, 60 + i));
        run();
        expect_frame(2, frame, 60 + i);
        vmm_post(2, 0, 2048);
        assert_true(net_dequeue(&rx_free, &desc));
        assert_int_equal(desc.io_or_offset, i % BUFFERS * NET_BUFFER_SIZE);
    }
    expect_quiet(); /* nothing goes back out */
    assert_int_equal(signals[RX_CHANNEL], 1);
}

static void groups_go_everywhere(void **state)
{
    (void)state;
    make_frame(frame, 0, 99, 100);
    memset(frame, 0xff, 6);
    from_outside(100);
    run();
    for (uint32_t i = 0; i < VMMS; i++) {
        expect_frame(i, frame, 100);
    }
    expect_quiet();
    make_frame(frame, 0, 1, 100);
    memset(frame, 0xff, 6);
    vmm_send(1, NULL, frame, 100);
    expect_outside(frame, 100);
    for (uint32_t i = 0; i < VMMS; i++) {
        if (i != 1) {
            expect_frame(i, frame, 100);
        }
    }
}

/* Outside is learnt too: what is there does not reach ports that learn. */
static void outside_is_learnt(void **state)
{
    (void)state;
    config.ports[1].fixed = false;
    open_all(ALL);
    vmm_send(0, NULL, frame, make_frame(frame, 99, 0, 100));
    expect_outside(frame, 100);
    expect_frame(1, frame, 100);
    from_outside(make_frame(frame, 0, 99, 100));
    run();
    expect_frame(0, frame, 100);
    vmm_send(0, NULL, frame, make_frame(frame, 99, 0, 100));
    expect_outside(frame, 100);
    expect_nothing(1);
}

/* A station outside says that it is a guest that bridges. */
static void outside_is_no_guest(void **state)
{
    (void)state;
    config.ports[1].fixed = false;
    open_all(ALL);
    from_outside(make_frame(frame, 0, 1, 100));
    run();
    expect_nothing(0);
    assert_int_equal(core.counters[SWITCH_UPLINK].drops[DROP_SOURCE], 1);
    vmm_send(0, NULL, frame, make_frame(frame, 1, 0, 100));
    expect_frame(1, frame, 100);
    expect_quiet();
}

static void allow_and_source(void **state)
{
    (void)state;
    config.uplink.allow = 1 << 0;
    config.ports[1].allow = 1 << 0;
    open_all(ALL);
    from_outside(make_frame(frame, 1, 99, 100));
    from_outside(make_frame(frame, 0, 1, 100)); /* our own, come back */
    run();
    expect_nothing(0);
    expect_nothing(1);
    vmm_send(1, NULL, frame, make_frame(frame, 99, 1, 100));
    expect_quiet();
    assert_int_equal(core.counters[SWITCH_UPLINK].drops[DROP_NOBODY], 1);
    assert_int_equal(core.counters[SWITCH_UPLINK].drops[DROP_SOURCE], 1);
}

/* A slow card: what has no buffer is dropped, and nobody waits. */
static void a_slow_card(void **state)
{
    (void)state;
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < 3 * BUFFERS; i++) {
        vmm_send(0, NULL, frame, make_frame(frame, 99, 0, 100));
    }
    vmm_send(1, NULL, frame, make_frame(frame, 99, 1, 111)); /* has its share */
    vmm_send(0, NULL, frame, make_frame(frame, 1, 0, 100));
    expect_frame(1, frame, 100);
    assert_true(core.counters[SWITCH_UPLINK].drops[DROP_SHARE] >= 2 * BUFFERS);
    uint32_t of_1 = 0, all = 0;
    for (; net_dequeue(&tx, &desc); all++) {
        of_1 += desc.len == 111;
    }
    assert_int_equal(of_1, 1);
    assert_true(all > BUFFERS / 2 && all <= BUFFERS);
}

static void all_buffers_for_one_sender(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < VMMS; i++) {
        config.ports[i].allow = 0;
    }
    open_all(ALL);
    for (uint32_t i = 0; i < BUFFERS; i++) {
        vmm_send(0, NULL, frame, make_frame(frame, 99, 0, 100));
        expect_outside(frame, 100);
    }
    vmm_send(0, NULL, frame, make_frame(frame, 99, 0, 100));
    expect_quiet();
    assert_int_equal(core.counters[SWITCH_UPLINK].drops[DROP_ROOM], 1);
}

/* What a guest leaves open is completed and cut on the way out. */
static void offloads_end_here(void **state)
{
    (void)state;
    struct virtio_net_hdr_v1 header = {
        .flags = CSUM, .gso_type = 1, .gso_size = 1400, .csum_start = 34, .csum_offset = 16
    };
    for (uint32_t i = 1; i < VMMS; i++) {
        config.ports[i].allow = 0;
    }
    open_all(ALL);
    make_frame(frame, 99, 0, 54 + 2900);
    memcpy(frame + 12, (uint8_t[]){ 8, 0, 0x45 }, 3);
    memset(frame + 20, 0, 2);
    frame[23] = 6;
    frame[46] = 0x50;
    vmm_send(0, &header, frame, 54 + 2900);
    for (uint32_t i = 0; i < 3; i++) {
        struct net_buff_desc desc;
        struct sum sum = { 0 };
        assert_true(net_dequeue(&tx, &desc));
        uint8_t *at = tx_data + desc.io_or_offset;
        uint32_t behind = desc.len - 34u;
        assert_int_equal(desc.len, 54 + (i < 2 ? 1400 : 100));
        assert_memory_equal(at + 54, frame + 54 + i * 1400, desc.len - 54);
        uint8_t tail[4] = { 0, 6, (uint8_t)(behind >> 8), (uint8_t)behind };
        sum_add(&sum, at + 26, 8 + behind);
        sum_add(&sum, tail, 4);
        assert_int_equal(sum_fold(&sum), 0xffff);
    }
    expect_quiet();
}

static void a_guest_with_a_longer_mtu(void **state)
{
    (void)state;
    config.ports[0].mtu = 3000;
    open_all(ALL);
    for (uint32_t bytes = MTU + 23; bytes < 3000; bytes += 100) {
        vmm_send(0, NULL, frame, make_frame(frame, 99, 0, bytes));
    }
    expect_quiet();
    vmm_send(0, NULL, frame, make_frame(frame, 99, 0, MTU + 22));
    expect_outside(frame, MTU + 22);
}

/* S8: virtualisers that lie. */
static void virtualisers_that_lie(void **state)
{
    (void)state;
    static const struct net_buff_desc bad[] = {
        { BUFFERS * NET_BUFFER_SIZE - 50, 51, 0 },
        { BUFFERS * NET_BUFFER_SIZE, 1, 0 },
        { UINT64_MAX, 100, 0 },
        { UINT64_MAX - 20, 21, 0 },
        { 0, UINT16_MAX, 0 },
        { 0, 0, 0 },
    };
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(net_enqueue(&rx, &bad[i]));
        run();
        assert_true(net_dequeue(&rx_free, &desc));
    }
    assert_int_equal(core.counters[SWITCH_UPLINK].drops[DROP_LENGTH], 6);
    core.uplink.contended = false;
    for (uint32_t i = 0; i < BUFFERS; i++) {
        vmm_send(i % VMMS, NULL, frame, make_frame(frame, 99, i % VMMS, 100));
    }
    while (net_dequeue(&tx, &desc)) {
    }
    static const uint64_t offsets[] = { 1, BUFFERS * NET_BUFFER_SIZE, UINT64_MAX - 2047,
                                        1ull << 63 };
    for (uint32_t i = 0; i < 4; i++) {
        desc.io_or_offset = offsets[i];
        assert_true(net_enqueue(&tx_free, &desc));
        vmm_send(0, NULL, frame, make_frame(frame, 99, 0, 100));
        expect_quiet();
    }
    ((struct net_queue *)rings[1])->tail += 1000; /* rx active */
    ((struct net_queue *)rings[2])->tail += 1000; /* tx free */
    vmm_send(0, NULL, frame, make_frame(frame, 1, 0, 100));
    expect_frame(1, frame, 100);
    expect_quiet();
}

/* Frames from outside longer than the MTU or shorter than a header. */
static void lengths_from_outside(void **state)
{
    (void)state;
    static const uint32_t bad[] = { 0, 1, 13, MTU + 23, 2048 };
    for (uint32_t i = 0; i < 5; i++) {
        make_frame(frame, 1, 99, 2048);
        from_outside(bad[i]);
    }
    run();
    expect_nothing(1);
    assert_int_equal(core.counters[SWITCH_UPLINK].drops[DROP_LENGTH], 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(out),
        TEST(in),
        TEST(groups_go_everywhere),
        TEST(outside_is_learnt),
        TEST(outside_is_no_guest),
        TEST(allow_and_source),
        TEST(a_slow_card),
        TEST(all_buffers_for_one_sender),
        TEST(offloads_end_here),
        TEST(a_guest_with_a_longer_mtu),
        TEST(virtualisers_that_lie),
        TEST(lengths_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
