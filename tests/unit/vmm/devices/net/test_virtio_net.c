/* SPDX-License-Identifier: BSD-2-Clause */
/* The network card as a driver and a switch that both behave see it. */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

#include <stdlib.h>

static const struct virtio_net_hdr_v1 plain = { 0 };

static void what_the_card_is(void **state)
{
    (void)state;
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_NET);
    for (unsigned select = 0; select < 2; select++) {
        reg_write(&region, VIRTIO_MMIO_DEVICE_FEATURES_SEL, select);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES),
                         (uint32_t)(ALL >> (32 * select)));
    }
    for (unsigned i = 0; i < 4; i++) {
        reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, i);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_NUM_MAX), i < 3 ? 256 : 0);
    }
}

static void t4_t5_configuration_is_read_only(void **state)
{
    static const uint8_t expected[16] = {
        0x52, 0x54, 1, 0, 0, 0xfd, VIRTIO_NET_S_LINK_UP, 0, 1, 0, MTU & 255, MTU >> 8
    };
    (void)state;
    drive(ALL);
    for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
        for (unsigned at = 0; at < 0x20; at++) {
            region.write(region.device, CONFIG + at, bytes, UINT64_MAX);
        }
    }
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(region.read(region.device, CONFIG + i, 1), expected[i]);
    }
    assert_int_equal(region.read(region.device, CONFIG + 8, 8), 1 | (uint64_t)MTU << 16);
}

static void t23_features_that_need_others(void **state)
{
    static const struct {
        uint64_t feature;
        uint64_t needs;
    } rows[] = {
        { F(HOST_TSO4), F(CSUM) },        { F(HOST_TSO6), F(CSUM) },
        { F(GUEST_TSO4), F(GUEST_CSUM) }, { F(GUEST_TSO6), F(GUEST_CSUM) },
        { F(CTRL_RX), F(CTRL_VQ) },       { F(CTRL_RX_EXTRA), F(CTRL_VQ) },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(driver_negotiate(&region, BASE | rows[i].feature), 3);
        assert_int_equal(driver_negotiate(&region, BASE | rows[i].feature | rows[i].needs), 11);
        assert_int_equal(driver_negotiate(&region, ALL & ~rows[i].needs), 3);
    }
    assert_int_equal(driver_negotiate(&region, VERSION_1 | F(MQ)), 3); /* T22 */
    assert_int_equal(driver_negotiate(&region, VERSION_1), 11);
}

static void the_switch_learns_what_the_guest_takes(void **state)
{
    static const struct {
        uint64_t accepted;
        uint32_t told;
    } rows[] = {
        { BASE, 0 },
        { BASE | F(GUEST_CSUM), PORT_RECV_CSUM },
        { BASE | F(GUEST_CSUM) | F(GUEST_TSO4), PORT_RECV_CSUM | PORT_RECV_TSO4 },
        { BASE | F(GUEST_CSUM) | F(GUEST_TSO6), PORT_RECV_CSUM | PORT_RECV_TSO6 },
        { BASE | F(MRG_RXBUF), PORT_RECV_MERGE },
        { ALL, 15 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(switch_is_open());
        drive(rows[i].accepted);
        assert_true(switch_is_open());
        assert_int_equal(port.control.features, rows[i].told);
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    }
}

/* ---- Transmit --------------------------------------------------------------------------------*/

static void one_kick_one_notification(void **state)
{
    (void)state;
    drive(ALL);
    notified = 0;
    for (unsigned n = 0; n < 20; n++) {
        memset(guest_at(&guest, BUF(n)), (int)n, 100);
        send_plain(n, BUF(n), 60 + n);
    }
    snapshot();
    kick(TX);
    assert_int_equal(notified, 1);
    assert_int_equal(num_sents, 20);
    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(sents[n].id, 2 * n);
        assert_int_equal(sents[n].bytes, 60 + n);
        assert_memory_equal(sents[n].data, guest_at(&guest, BUF(n)), 60 + n);
    }
    ring_assert_nothing_used(&rings[TX]);
    guest_assert_untouched(&guest);
}

static void segments_that_touch_are_one_entry(void **state)
{
    (void)state;
    drive(ALL);
    /* Header and frame in one piece, then another that follows it at once, then one elsewhere. */
    set_header(0, &plain);
    ring_set(&rings[TX], 0, HEADER(0), 40, NEXT, 1);
    ring_set(&rings[TX], 1, HEADER(0) + 40, 24, NEXT, 2);
    ring_set(&rings[TX], 2, BUF(1), 100, NEXT, 3);
    ring_set(&rings[TX], 3, BUF(1) + 101, 100, 0, 0);
    ring_offer(&rings[TX], 0);
    kick(TX);
    assert_int_equal(sents[0].num_entries, 3);
    assert_int_equal(sents[0].bytes, 64 - 12 + 200);
    assert_memory_equal(sents[0].data, guest_at(&guest, HEADER(0) + 12), 52);
    assert_memory_equal(sents[0].data + 152, guest_at(&guest, BUF(1) + 101), 100);
}

static void d20_d26_a_header_in_pieces(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLE);
    struct virtio_net_hdr_v1 header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                        .csum_start = 34,
                                        .csum_offset = 16 };
    (void)state;
    drive(ALL);
    set_header(0, &header);
    /* Each byte lies in a place of its own, so that pieces are never joined. */
    for (unsigned i = 0; i < 12; i++) {
        uint8_t *piece = guest_at(&guest, BUF(0) + 2 * i);
        *piece = ((uint8_t *)&header)[i];
        ring_set(&rings[TX], i, BUF(0) + 2 * i, 1, NEXT, i + 1);
    }
    ring_set(&rings[TX], 12, TABLE, 32, INDIRECT, 0);
    table[0] = (struct vring_desc){ BUF(1), 1, NEXT, 1 };
    table[1] = (struct vring_desc){ BUF(2), 59, 0, 0 };
    ring_offer(&rings[TX], 0);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_int_equal(sents[0].bytes, 60);
    assert_memory_equal(&sents[0].header, &header, sizeof(header));
    assert_memory_equal(sents[0].data + 1, guest_at(&guest, BUF(2)), 59);
}

static void a_quick_switch_need_not_signal(void **state)
{
    (void)state;
    drive(ALL & ~EVENT_IDX);
    for (unsigned i = 0; i < 10; i++) {
        send_plain(0, BUF(0), 60);
        switch_is_slow = true;
        kick(TX);
        switch_take();
        switch_done(0);
        send_plain(1, BUF(1), 60);
        kick(TX); /* takes what is done on its way */
        assert_int_equal(ring_take_used(&rings[TX], 0), 0);
        assert_true(guest.irq_level);
        reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
        switch_take();
        switch_done(0);
        switch_signal(); /* the second was under way: that was asked for */
        assert_int_equal(ring_take_used(&rings[TX], 2), 0);
        reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    }
    assert_int_equal(net.port.sending, 0);
}

static void sent_chains_in_any_order(void **state)
{
    (void)state;
    srand(3);
    drive(ALL);
    for (unsigned n = 0; n < SIZE / 2; n++) {
        send_plain(n, BUF(n % NUM_BUFS), 60);
    }
    kick(TX);
    while (num_sents > 0) {
        unsigned i = (unsigned)rand() % num_sents;
        uint16_t id = sents[i].id;
        switch_done(i);
        switch_signal();
        ring_take_used(&rings[TX], id);
    }
}

static void interrupts_as_the_guest_wishes(void **state)
{
    (void)state;
    drive(ALL);
    *ring_used_event(&rings[TX]) = 3; /* wants to hear of the fourth */
    for (unsigned n = 0; n < 5; n++) {
        send_plain(n, BUF(n), 60);
        kick(TX);
        switch_done(0);
        switch_signal();
        assert_int_equal(guest.irq_level, n >= 3);
    }
    assert_int_equal(guest.irq_rises, 1);
    drive(ALL & ~EVENT_IDX);
    ring_avail(&rings[TX])->flags = VRING_AVAIL_F_NO_INTERRUPT;
    send_plain(0, BUF(0), 60);
    kick(TX);
    switch_done(0);
    switch_signal(); /* a driver that looks by itself finds it, without an interrupt */
    ring_take_used(&rings[TX], 0);
    assert_false(guest.irq_level);
}

/* ---- Receive ---------------------------------------------------------------------------------*/

static void a_frame_arrives(void **state)
{
    struct virtio_net_hdr_v1 header = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6, .num_buffers = 77
    };
    uint8_t frame[100];
    (void)state;
    memset(frame, 0x31, sizeof(frame));
    drive(BASE | F(GUEST_CSUM));
    post(5, BUF(0), 1526);
    kick(RX);
    assert_int_equal(num_posteds, 1);
    assert_int_equal(posteds[0].id, 5);
    snapshot();
    guest_allow(&guest, BUF(0), 112);
    assert_true(switch_deliver(&header, frame, sizeof(frame)));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[RX], 5), 112);
    header.num_buffers = 1; /* the switch's is not believed */
    assert_memory_equal(guest_at(&guest, BUF(0)), &header, 12);
    assert_memory_equal(guest_at(&guest, BUF(0) + 12), frame, 100);
    assert_true(guest.irq_level);
    guest_assert_untouched(&guest);
}

static void a_frame_over_several_chains(void **state)
{
    static uint8_t frame[5000];
    (void)state;
    for (unsigned i = 0; i < sizeof(frame); i++) {
        frame[i] = (uint8_t)(i * 7);
    }
    drive(ALL);
    for (unsigned n = 0; n < 6; n++) {
        post(n, BUF(n), 1024);
    }
    kick(RX);
    snapshot();
    guest_allow(&guest, BUF(0), 5 * 0x800);
    assert_true(switch_deliver(&plain, frame, sizeof(frame)));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[RX], 0), 1024);
    assert_int_equal(((struct virtio_net_hdr_v1 *)guest_at(&guest, BUF(0)))->num_buffers, 5);
    assert_memory_equal(guest_at(&guest, BUF(0) + 12), frame, 1012);
    for (unsigned n = 1; n < 5; n++) {
        uint32_t at = 1012 + (n - 1) * 1024;
        uint32_t bytes = n < 4 ? 1024 : 5000 - at;
        assert_int_equal(ring_take_used(&rings[RX], n), bytes);
        assert_memory_equal(guest_at(&guest, BUF(n)), frame + at, bytes);
    }
    ring_assert_nothing_used(&rings[RX]);
    guest_assert_untouched(&guest);
}

static void d26_a_receive_buffer_in_pieces(void **state)
{
    static const uint32_t pieces[][4] = { { 1, 1, 1, 200 }, { 5, 7, 1, 100 }, { 11, 1, 60, 1 } };
    uint8_t frame[60], got[72];
    (void)state;
    memset(frame, 0x77, sizeof(frame));
    for (unsigned p = 0; p < 3; p++) {
        drive(ALL);
        for (unsigned i = 0; i < 4; i++) {
            gpa_t at = BUF(0) + 0x100 * i;
            ring_set(&rings[RX], i, at, pieces[p][i], WRITE | (i < 3 ? NEXT : 0), i + 1);
        }
        ring_offer(&rings[RX], 0);
        snapshot();
        for (unsigned i = 0; i < 4; i++) {
            guest_allow(&guest, BUF(0) + 0x100 * i, pieces[p][i]);
        }
        kick(RX);
        assert_true(switch_deliver(&plain, frame, sizeof(frame)));
        switch_signal();
        assert_int_equal(ring_take_used(&rings[RX], 0), 72);
        uint32_t done = 0;
        for (unsigned i = 0; i < 4; i++) {
            uint32_t n = pieces[p][i] < 72 - done ? pieces[p][i] : 72 - done;
            memcpy(got + done, guest_at(&guest, BUF(0) + 0x100 * i), n);
            done += n;
        }
        assert_int_equal(((struct virtio_net_hdr_v1 *)(void *)got)->num_buffers, 1);
        assert_memory_equal(got + 12, frame, 60);
        guest_assert_untouched(&guest);
    }
}

/* ---- Room ------------------------------------------------------------------------------------*/

/* 100 chains of 60 entries each, in indirect tables. */
static void offer_many_pieces(unsigned index, unsigned flags)
{
    struct vring_desc *table = guest_at(&guest, TABLE);
    for (unsigned i = 0; i < 60; i++) {
        table[i] = (struct vring_desc){ BUF(0) + 32 * i, 16, i < 59 ? NEXT | flags : flags,
                                        (uint16_t)(i + 1) };
    }
    memset(guest_at(&guest, BUF(0)), 0, 12);
    for (unsigned n = 0; n < 100; n++) {
        ring_set(&rings[index], n, TABLE, 60 * 16, INDIRECT, 0);
        ring_offer(&rings[index], n);
    }
}

static void what_does_not_fit_waits_in_the_queue(void **state)
{
    (void)state;
    drive(ALL);
    offer_many_pieces(TX, 0);
    switch_is_slow = true;
    kick(TX);
    unsigned done = 0;
    while (done < 100) {
        switch_serve();
        assert_in_range(num_sents, 1, PORT_ENTRIES / 60);
        for (; num_sents > 0; done++) {
            switch_done(0);
        }
        switch_signal(); /* goes on without a kick */
    }
    assert_int_equal(ring_used(&rings[TX])->idx, 100);
    offer_many_pieces(RX, WRITE);
    kick(RX);
    for (done = 0; done < 100; done++) {
        static const uint8_t frame[60];
        switch_serve();
        assert_true(switch_deliver(&plain, frame, sizeof(frame)));
        switch_signal();
    }
    assert_int_equal(ring_used(&rings[RX])->idx, 100);
    assert_int_equal(net.device.guest_errors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_card_is),
        TEST(t4_t5_configuration_is_read_only),
        TEST(t23_features_that_need_others),
        TEST(the_switch_learns_what_the_guest_takes),
        TEST(one_kick_one_notification),
        TEST(segments_that_touch_are_one_entry),
        TEST(d20_d26_a_header_in_pieces),
        TEST(a_quick_switch_need_not_signal),
        TEST(sent_chains_in_any_order),
        TEST(interrupts_as_the_guest_wishes),
        TEST(a_frame_arrives),
        TEST(a_frame_over_several_chains),
        TEST(d26_a_receive_buffer_in_pieces),
        TEST(what_does_not_fit_waits_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
