/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets a frame: rows N1, N2, N3, N8, N9, N11, N12 and S9 as far as they are the switch's. */
#include "tests/unit/io/virt/switch/switch_rig.h"

static uint8_t frame[FRAME_MAX];
static struct arrival arrival;

static int setup(void **state)
{
    (void)state;
    rig_configure();
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        vmm_open(i, PORT_RECV_MERGE);
        vmm_post_many(i, 8, 2048);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (vmms[0].ram != NULL) {
        expect_memory_untouched();
    }
    rig_destroy();
    return 0;
}

/* Starts over with the record as the test has changed it. */
static void restart(void)
{
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        memset(&vmms[i].port.control, 0, sizeof(vmms[i].port.control));
        vmm_open(i, PORT_RECV_MERGE);
        vmm_post_many(i, 8, 2048);
    }
}

/* Then nobody keeps to a share. */
static void restart_with_one_sender(void)
{
    rig_configure();
    for (uint32_t i = 1; i < VMMS; i++) {
        config.ports[i].allow = 0;
    }
    restart();
}

static uint64_t drops(uint32_t i, enum drop why)
{
    return core.counters[i].drops[why];
}

/* The frame goes from `from` to exactly those of `to`, a bit a port. */
static void expect_reach(uint32_t from, uint32_t to, uint32_t bytes)
{
    vmm_send(from, NULL, frame, bytes);
    for (uint32_t i = 0; i < VMMS; i++) {
        if (to & 1u << i) {
            expect_frame(i, frame, bytes);
        } else {
            expect_nothing(i);
        }
    }
}

static void unicast(void **state)
{
    (void)state;
    static const uint32_t lengths[] = { 14, 59, 60, 127, 128, 129, 1514, 1522 };
    restart_with_one_sender();
    for (uint32_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        expect_reach(0, 1 << 2, make_frame(frame, 2, 0, lengths[i]));
    }
    assert_int_equal(core.counters[0].sent, 8);
    assert_int_equal(core.counters[2].received, 8);
    assert_int_equal(core.counters[2].received_bytes, core.counters[0].sent_bytes);
}

static void group_addresses_reach_all_but_the_sender(void **state)
{
    (void)state;
    make_frame(frame, 0, 1, 100);
    memset(frame, 0xff, 6);
    expect_reach(1, 0xd, 100);
    memcpy(frame, (uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 }, 6);
    expect_reach(1, 0xd, 100);
}

static void receivers_say_what_they_want(void **state)
{
    (void)state;
    static const uint8_t to[4][6] = {
        { 0x52, 0x54, 1, 0, 0, 1 }, /* unicast */
        { 0x52, 0x54, 1, 0, 0, 9 }, /* unknown */
        { 1, 0, 0x5e, 0, 0, 1 },
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    };
    static const struct {
        uint32_t mode;
        bool hears[4];
    } rows[] = {
        { 0, { true, false, true, true } },
        { PORT_RECV_PROMISC, { true, true, true, true } },
        { PORT_RECV_NO_UNICAST, { false, false, true, true } },
        { PORT_RECV_NO_MULTICAST, { true, false, false, true } },
        { PORT_RECV_NO_BROADCAST, { true, false, true, false } },
        { PORT_RECV_PROMISC | PORT_RECV_NO_BROADCAST, { true, true, true, true } },
    };
    make_frame(frame, 0, 0, 64);
    for (uint32_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        vmms[1].port.control.recv_mode = rows[row].mode;
        for (uint32_t n = 0; n < 4; n++) {
            memcpy(frame, to[n], 6);
            vmm_send(0, NULL, frame, 64);
            assert_int_equal(vmm_receive(1, &arrival), rows[row].hears[n]);
            vmm_post(1, n, 2048);
            while (vmm_receive(2, &arrival) || vmm_receive(3, &arrival)) {
            }
        }
        vmm_close(1);
        vmm_open(1, PORT_RECV_MERGE);
        vmm_post_many(1, 8, 2048);
    }
}

static void allow_is_kept(void **state)
{
    (void)state;
    rig_configure();
    config.ports[0].allow = 1 << 1;
    config.ports[1].allow = 1 << 0 | 1 << 2;
    config.ports[2].allow = 0;
    restart();
    expect_reach(0, 0, make_frame(frame, 2, 0, 64));
    expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 64));
    expect_reach(2, 0, make_frame(frame, 1, 2, 64));
    memset(frame, 0xff, 6);
    expect_reach(2, 0, 64);
    make_frame(frame, 0, 1, 64);
    memset(frame, 0xff, 6);
    expect_reach(1, 0x5, 64);
    make_frame(frame, 0, 0, 64);
    memset(frame, 0xff, 6);
    expect_reach(0, 0x2, 64);
    assert_int_equal(drops(0, DROP_NOBODY), 1);
    assert_int_equal(drops(2, DROP_NOBODY), 2);
}

/* N12 */
static void a_wrong_source_is_dropped(void **state)
{
    (void)state;
    expect_reach(0, 0, make_frame(frame, 1, 2, 64)); /* another's */
    expect_reach(0, 0, make_frame(frame, 1, 9, 64)); /* nobody's */
    make_frame(frame, 1, 0, 64);
    frame[6] |= 1;
    expect_reach(0, 0, 64);
    memset(frame + 6, 0, 6);
    expect_reach(0, 0, 64);
    assert_int_equal(drops(0, DROP_SOURCE), 4);
    expect_reach(0, 0, make_frame(frame, 0, 0, 64)); /* to itself */
    assert_int_equal(drops(0, DROP_NOBODY), 1);
}

static void set_learning(uint32_t i)
{
    config.ports[i].fixed = false;
}

static void addresses_are_learnt(void **state)
{
    (void)state;
    rig_configure();
    for (uint32_t i = 1; i < VMMS; i++) {
        set_learning(i);
    }
    restart();
    expect_reach(0, 0xe, make_frame(frame, 77, 0, 64)); /* unknown: to all that learn */
    expect_reach(2, 1 << 0, make_frame(frame, 0, 77, 64));
    expect_reach(0, 1 << 2, make_frame(frame, 77, 0, 64));
    expect_reach(3, 1 << 0, make_frame(frame, 0, 77, 64)); /* it moves */
    expect_reach(0, 1 << 3, make_frame(frame, 77, 0, 64));
    expect_reach(1, 0, make_frame(frame, 3, 0, 64)); /* a fixed one does not */
    assert_int_equal(drops(1, DROP_SOURCE), 1);
    make_frame(frame, 0, 0, 64);
    memset(frame, 0, 6);
    expect_reach(0, 0xe, 64);
    vmm_close(3); /* forgets */
    expect_reach(0, 0x6, make_frame(frame, 77, 0, 64));
}

/* A port that learns has an address of its own as well, known before it sends. */
static void nobody_takes_over_an_own_address(void **state)
{
    (void)state;
    rig_configure();
    for (uint32_t i = 1; i < VMMS; i++) {
        set_learning(i);
    }
    restart();
    expect_reach(2, 0, make_frame(frame, 0, 1, 64));
    assert_int_equal(drops(2, DROP_SOURCE), 1);
    expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 64));
    expect_reach(1, 1 << 0, make_frame(frame, 0, 1, 64));
    vmm_close(1);
    expect_reach(2, 0, make_frame(frame, 0, 1, 64));
}

static void what_is_learnt_ages(void **state)
{
    (void)state;
    rig_configure();
    set_learning(1);
    set_learning(2);
    config.timer_channel = 40;
    restart();
    assert_true(timeout_ns > 0);
    expect_reach(2, 1 << 0, make_frame(frame, 0, 77, 64));
    for (uint32_t i = 0; i < MAC_MAX_AGE; i++) {
        switch_core_timeout(&core);
    }
    expect_reach(0, 1 << 2, make_frame(frame, 77, 0, 64));
    switch_core_timeout(&core);
    expect_reach(0, 0x6, make_frame(frame, 77, 0, 64));
}

/* N12: a flood of addresses pushes out its own alone. */
static void the_table_is_bounded(void **state)
{
    (void)state;
    rig_configure();
    set_learning(1);
    set_learning(2);
    restart();
    expect_reach(2, 1 << 0, make_frame(frame, 0, 77, 64));
    vmm_post(0, 0, 2048);
    for (uint32_t i = 0; i < 5000; i++) {
        make_frame(frame, 3, 0, 64);
        memcpy(frame + 8, &i, 4);
        vmm_send(1, NULL, frame, 64);
        while (vmm_receive(3, &arrival)) {
            vmm_post(3, 0, 2048);
        }
    }
    assert_int_equal(core.macs.num_learnt[1], MAC_LEARNT);
    expect_reach(0, 1 << 2, make_frame(frame, 77, 0, 64));
}

/* A frame of port 1 with the n-th of its many addresses, none of them a port's; returns that. */
static uint64_t send_as(uint32_t n)
{
    n += 0x1000;
    make_frame(frame, 3, 0, 64);
    memcpy(frame + 8, &n, 4);
    vmm_send(1, NULL, frame, 64);
    while (vmm_receive(3, &arrival)) {
        vmm_post(3, 0, 2048);
    }
    return mac_read(frame + 6);
}

static void who_is_silent_longest_is_forgotten_first(void **state)
{
    (void)state;
    rig_configure();
    set_learning(1);
    config.timer_channel = 40;
    restart();
    uint64_t first = send_as(0), second = send_as(1);
    for (uint32_t i = 2; i < MAC_LEARNT; i++) {
        send_as(i);
    }
    switch_core_timeout(&core);
    send_as(0);
    uint64_t new = send_as(MAC_LEARNT);
    assert_int_equal(mac_find(&core.macs, first), 1);
    assert_int_equal(mac_find(&core.macs, new), 1);
    assert_int_equal(mac_find(&core.macs, second), MAC_UNKNOWN);
}

/* N1 to N3: no header of its own here, so a chain is the frame. */
static void lengths(void **state)
{
    (void)state;
    static const uint32_t bad[] = { 0, 1, 13, MTU + 23, 2048, 65535, 65536 };
    make_frame(frame, 1, 0, FRAME_MAX);
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_reach(0, 0, bad[i]);
    }
    assert_int_equal(drops(0, DROP_LENGTH), sizeof(bad) / sizeof(bad[0]));
    assert_string_equal(said, "");
}

static void a_frame_in_many_pieces(void **state)
{
    (void)state;
    for (uint32_t piece = 6; piece < 140; piece++) {
        make_frame(frame, 1, 0, 1400);
        vmm_put(0, NULL, frame, 1400, piece);
        port_publish(&vmms[0].send);
        run();
        assert_int_equal(vmm_reap(0), 1);
        expect_frame(1, frame, 1400);
        vmm_post(1, 0, 2048);
    }
}

/* N8: without MERGE a frame that does not fit goes nowhere, and the chain stays. */
static void without_merge(void **state)
{
    (void)state;
    restart_with_one_sender();
    vmm_close(1);
    vmm_open(1, 0);
    vmm_post(1, 0, HEADER + 99);
    vmm_post(1, 1, 2048);
    expect_reach(0, 0, make_frame(frame, 1, 0, 100));
    assert_int_equal(drops(1, DROP_ROOM), 1);
    expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 99));
    expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 100));
}

/* N9: all or nothing over several chains, in order. */
static void with_merge(void **state)
{
    (void)state;
    restart_with_one_sender();
    vmm_close(1);
    vmm_open(1, PORT_RECV_MERGE);
    for (uint32_t i = 0; i < 8; i++) {
        vmm_post(1, i, HEADER + 8);
    }
    expect_reach(0, 0, make_frame(frame, 1, 0, 8 * 20 - HEADER + 1));
    make_frame(frame, 1, 0, 8 * 20 - HEADER);
    vmm_send(0, NULL, frame, 8 * 20 - HEADER);
    assert_true(vmm_receive(1, &arrival));
    assert_int_equal(arrival.chains, 8);
    assert_memory_equal(arrival.data, frame, 8 * 20 - HEADER);
    struct stretch split[] = {
        { RECV_AREA + 1, 5 }, { RECV_AREA + 100, 0 }, { RECV_AREA + 200, 9 }, { RECV_AREA + 301, 1 }
    };
    vmm_post_chain(1, split, 4);
    vmm_post(1, 1, 100);
    expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 14));
}

/* N11, S9: who has no room, or is closed, stops nobody. */
static void a_dead_receiver(void **state)
{
    (void)state;
    vmm_close(2);
    vmm_open(2, 0);
    vmm_close(3);
    for (uint32_t i = 0; i < 100; i++) {
        expect_reach(0, 0, make_frame(frame, 2, 0, 64));
        expect_reach(0, 0, make_frame(frame, 3, 0, 64));
        expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 64));
        vmm_post(1, 0, 2048);
        make_frame(frame, 0, 0, 64);
        memset(frame, 0xff, 6);
        expect_reach(0, 1 << 1, 64);
        vmm_post(1, 0, 2048);
    }
    vmm_post(2, 0, 2048);
    expect_reach(0, 1 << 2, make_frame(frame, 2, 0, 64));
}

/* A flood fills its share of a receiver; there is room for others. */
static void a_flood_leaves_room(void **state)
{
    (void)state;
    uint32_t ping = 0;
    vmm_close(2);
    vmm_open(2, PORT_RECV_MERGE);
    vmm_post_many(2, 256, 2048);
    make_frame(frame, 2, 0, 1000);
    for (uint32_t i = 0; i < 512; i++) {
        vmm_put(0, NULL, frame, 1000, FRAME_MAX);
    }
    assert_true(port_publish(&vmms[0].send));
    run();
    for (uint32_t round = 0; round < 50; round++) {
        vmm_reap(0);
        make_frame(frame, 2, 0, 1000);
        for (uint32_t i = 0; i < 256; i++) {
            vmm_put(0, NULL, frame, 1000, FRAME_MAX);
        }
        port_publish(&vmms[0].send);
        run();
        vmm_reap(0);
        vmm_send(1, NULL, frame, make_frame(frame, 2, 1, 77));
        for (uint32_t i = 0; i < round * 3 && vmm_receive(2, &arrival); i++) {
            ping += arrival.bytes == 77;
            vmm_post(2, i, 2048);
        }
    }
    while (vmm_receive(2, &arrival)) {
        ping += arrival.bytes == 77;
    }
    assert_int_equal(ping, 50);
    assert_true(drops(2, DROP_SHARE) > 0);
}

/* A guest that has fewer buffers than it once had still hears all. */
static void a_receiver_posts_fewer(void **state)
{
    uint32_t arrived = 0, away = 0;
    (void)state;
    vmm_close(2);
    vmm_open(2, PORT_RECV_MERGE);
    vmm_post_many(2, 256, 2048);
    for (uint32_t i = 0; i < 256; i++) {
        vmm_send(0, NULL, frame, make_frame(frame, 2, 0, 100));
    }
    for (; vmm_receive(2, &arrival); away++) {
        ;
    }
    assert_in_range(away, 200, 210);
    for (uint32_t i = 0; i < 1000; i++) {
        while (port_fill(&core.members[2].recv) < 60) {
            vmm_post(2, 0, 2048);
        }
        vmm_send(0, NULL, frame, make_frame(frame, 2, 0, 100));
        arrived += vmm_receive(2, &arrival);
    }
    assert_int_equal(arrived, 1000);
}

/* Where only one may send, all is its. */
static void one_sender_has_all_the_room(void **state)
{
    (void)state;
    restart_with_one_sender();
    for (uint32_t i = 0; i < 8; i++) {
        expect_reach(0, 1 << 2, make_frame(frame, 2, 0, 1000));
    }
    expect_reach(0, 0, make_frame(frame, 2, 0, 1000));
}

static void each_vmm_is_notified_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VMMS; i++) {
        assert_false(port_wait(&vmms[i].recv_done));
        assert_false(port_wait(&vmms[i].send_done));
    }
    memset(signals, 0, sizeof(signals));
    for (uint32_t i = 0; i < 5; i++) {
        vmm_put(0, NULL, frame, make_frame(frame, 1, 0, 64), FRAME_MAX);
        vmm_put(1, NULL, frame, make_frame(frame, 0, 1, 64), FRAME_MAX);
    }
    assert_true(port_publish(&vmms[0].send));
    assert_true(port_publish(&vmms[1].send));
    run();
    run();
    assert_int_equal(signals[10], 1);
    assert_int_equal(signals[11], 1);
    assert_int_equal(signals[12] + signals[13], 0);
    vmm_reap(0);
    vmm_reap(1);
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(vmm_receive(0, &arrival) && vmm_receive(1, &arrival));
    }
    memset(signals, 0, sizeof(signals)); /* nobody waits now */
    expect_reach(0, 1 << 1, make_frame(frame, 1, 0, 64));
    assert_int_equal(signals[10] + signals[11], 0);
}

/* N6: what the sender has no right to say is not passed on. */
static void headers_are_cleaned(void **state)
{
    (void)state;
    struct virtio_net_hdr_v1 header = {
        .flags = 0xfe, .hdr_len = 0xffff, .gso_size = 7, .csum_start = 0xffff, .csum_offset = 0xffff
    };
    vmm_send(0, &header, frame, make_frame(frame, 1, 0, 64));
    assert_true(vmm_receive(1, &arrival));
    struct virtio_net_hdr_v1 clean = { .num_buffers = 1 };
    assert_memory_equal(&arrival.header, &clean, sizeof(clean));
    header = (struct virtio_net_hdr_v1){
        .flags = 0xff, .hdr_len = 0xffff, .gso_size = 7, .csum_start = 34, .csum_offset = 6
    };
    vmm_close(1);
    vmm_open(1, PORT_RECV_CSUM);
    vmm_post(1, 0, 2048);
    vmm_send(0, &header, frame, make_frame(frame, 1, 0, 64));
    assert_true(vmm_receive(1, &arrival));
    clean.flags = CSUM;
    clean.csum_start = 34;
    clean.csum_offset = 6;
    assert_memory_equal(&arrival.header, &clean, sizeof(clean));
}

/* Who has filled a guest's memory before it reset its device starts anew. */
static void shares_end_with_an_opening(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 5; round++) {
        uint32_t arrived = 0;
        for (uint32_t i = 0; i < 8; i++) {
            vmm_send(0, NULL, frame, make_frame(frame, 1, 0, 100));
        }
        while (vmm_receive(1, &arrival)) {
            arrived++;
        }
        assert_int_equal(arrived, 6);
        vmm_close(1);
        vmm_open(1, PORT_RECV_MERGE);
        vmm_post_many(1, 8, 2048);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unicast),
        TEST(group_addresses_reach_all_but_the_sender),
        TEST(receivers_say_what_they_want),
        TEST(allow_is_kept),
        TEST(a_wrong_source_is_dropped),
        TEST(addresses_are_learnt),
        TEST(nobody_takes_over_an_own_address),
        TEST(what_is_learnt_ages),
        TEST(who_is_silent_longest_is_forgotten_first),
        TEST(the_table_is_bounded),
        TEST(lengths),
        TEST(a_frame_in_many_pieces),
        TEST(without_merge),
        TEST(with_merge),
        TEST(a_dead_receiver),
        TEST(a_flood_leaves_room),
        TEST(one_sender_has_all_the_room),
        TEST(each_vmm_is_notified_once),
        TEST(headers_are_cleaned),
        TEST(shares_end_with_an_opening),
        TEST(a_receiver_posts_fewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
