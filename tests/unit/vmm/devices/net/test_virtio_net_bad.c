/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows D and Q of the bad-input catalogue on the network card, each queue of it. */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"
#include "tests/unit/vmm/virtio/virtio_bad_chains.h"

static const struct virtio_net_hdr_v1 plain = { 0 };

static void assert_broken(unsigned index, const char *reason)
{
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1); /* O7 */
    assert_int_equal(net.device.guest_errors, 1);
    assert_non_null(strstr(log_last, reason));
    assert_true((reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG) != 0);
    assert_false(switch_is_open()); /* nobody writes into its buffers any more */
    kick(index);
    virtio_net_notified(&net);
    ring_assert_nothing_used(&rings[index]);
    guest_assert_untouched(&guest); /* O2 */
    assert_works_after_reset();
    log_lines = 0;
    net.device.guest_errors = 0;
}

static void refuse(unsigned index, uint64_t features, const struct bad_chain *bad)
{
    drive(features);
    memset(guest_at(&guest, BAD_HEAD), 0, 16);
    offer_bad_chain(&rings[index], bad);
    snapshot();
    guest_loads = 0;
    kick(index);
    assert_true(guest_loads <= 2 * SIZE); /* O5 */
    assert_broken(index, bad->reason);
}

static void d1_to_d22_bad_chains_break_only_their_device(void **state)
{
    (void)state;
    for (unsigned index = 0; index < VIRTIO_NET_NUM_QUEUES; index++) {
        for (unsigned i = 0; i < NUM_BAD_CHAINS; i++) {
            refuse(index, ALL, &bad_chains[i]);
        }
        refuse(index, ALL & ~F_INDIRECT, &indirect_chain);
    }
}

static void d3_a_chain_as_long_as_the_queue_and_longer(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLE);
    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        drive(ALL);
        set_header(0, &plain);
        table[0] = (struct vring_desc){ HEADER(0), 12, NEXT, 1 };
        for (unsigned i = 1; i < SIZE + extra; i++) {
            table[i] = (struct vring_desc){ BUF(0) + 8 * i, 5, NEXT, (uint16_t)(i + 1) };
        }
        table[SIZE + extra - 1].flags = 0;
        ring_set(&rings[TX], 0, TABLE, 16 * (SIZE + extra), INDIRECT, 0);
        ring_offer(&rings[TX], 0);
        snapshot();
        kick(TX);
        if (extra == 0) {
            assert_int_equal(num_sents, 1);
            assert_int_equal(sents[0].bytes, 5 * (SIZE - 1));
        } else {
            assert_broken(TX, "longer");
        }
    }
}

static void d5_d21_d23_what_is_ignored(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLE);
    (void)state;
    drive(ALL);
    send_plain(0, BUF(0), 60);
    ring_desc(&rings[TX], 0)->flags |= 0xfff8;
    ring_desc(&rings[TX], 1)->flags |= 0x8000;
    ring_desc(&rings[TX], 1)->next = 0xffff;
    table[0] = (struct vring_desc){ HEADER(0), 12, NEXT, 1 };
    table[1] = (struct vring_desc){ BUF(0), 60, 0, 7 };
    ring_set(&rings[TX], 9, TABLE, 32, INDIRECT | WRITE, 99);
    ring_offer(&rings[TX], 9);
    kick(TX);
    assert_int_equal(num_sents, 2);
}

static void d11_buffers_over_the_rings(void **state)
{
    static uint8_t frame[4000];
    (void)state;
    memset(frame, 0x99, sizeof(frame));
    drive(ALL);
    ring_set(&rings[RX], 0, rings[TX].at.desc, 4096, WRITE, 0);
    ring_set(&rings[RX], 1, rings[RX].at.avail, 600, WRITE, 0);
    ring_set(&rings[RX], 2, rings[TX].at.avail, 600, WRITE, 0);
    for (unsigned n = 0; n < 3; n++) {
        ring_offer(&rings[RX], n);
    }
    kick(RX);
    snapshot();
    guest_allow(&guest, rings[TX].at.desc, 4096);
    guest_allow(&guest, rings[TX].at.avail, 600);
    guest_allow(&guest, rings[RX].at.avail, 600);
    assert_true(switch_deliver(&plain, frame, sizeof(frame)));
    assert_true(switch_deliver(&plain, frame, 588));
    assert_true(switch_deliver(&plain, frame, 588));
    switch_signal();
    kick(TX); /* what lies there now is garbage */
    kick(RX);
    guest_assert_untouched(&guest);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_works_after_reset();
}

static void d12_two_buffers_at_one_place(void **state)
{
    static uint8_t frame[60];
    (void)state;
    drive(ALL);
    post(0, BUF(0), 2048);
    post(1, BUF(0) + 6, 2048);
    kick(RX);
    for (unsigned n = 0; n < 2; n++) {
        assert_true(switch_deliver(&plain, frame, sizeof(frame)));
        switch_signal();
        assert_int_equal(ring_take_used(&rings[RX], n), 72);
    }
}

/* D24: another vCPU rewrites each thing as soon as it has been read. */
static void spoil(const void *at, unsigned bytes)
{
    if (bytes == sizeof(struct vring_desc)) {
        memset((void *)(uintptr_t)at, 0xff, bytes);
    }
}

static void d24_d25_descriptors_and_headers_change(void **state)
{
    static uint8_t frame[60];
    struct virtio_net_hdr_v1 header = { VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0, 0, { { 34, 16 } }, 0 };
    (void)state;
    drive(ALL);
    submit(0, &header, BUF(0), 60);
    post(0, BUF(1), 2048);
    post(1, BUF(2), 2048);
    guest_race = spoil;
    kick(TX);
    kick(RX);
    guest_race = NULL;
    memset(guest_at(&guest, HEADER(0)), 0xff, 12);
    assert_int_equal(num_sents, 1);
    assert_memory_equal(&sents[0].header, &header, sizeof(header));
    switch_done(0);
    snapshot();
    guest_allow(&guest, BUF(1), 72);
    assert_true(switch_deliver(&header, frame, sizeof(frame)));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(ring_take_used(&rings[RX], 0), 72);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

/* ---- Q ---------------------------------------------------------------------------------------*/

static void q1_q2_q3_q4_bad_rings(void **state)
{
    static const uint16_t jumps[] = { SIZE + 1, UINT16_MAX };
    (void)state;
    for (unsigned index = 0; index < VIRTIO_NET_NUM_QUEUES; index++) {
        for (unsigned i = 0; i < 2; i++) {
            drive(ALL);
            ring_avail(&rings[index])->idx = jumps[i];
            snapshot();
            kick(index);
            assert_broken(index, "jumped");
        }
        drive(ALL);
        ring_offer(&rings[index], SIZE);
        snapshot();
        kick(index);
        assert_broken(index, "head");
    }
}

/* What the switch is done with does not hide whose mistake it was. */
static void a_bad_ring_while_frames_come_back(void **state)
{
    (void)state;
    for (unsigned index = 0; index < VIRTIO_NET_NUM_QUEUES; index++) {
        drive(ALL);
        send_plain(0, BUF(0), 60);
        kick(TX);
        switch_done(0);
        ring_offer(&rings[index], SIZE);
        snapshot();
        kick(index);
        assert_broken(index, "head");
    }
}

static void q4_a_head_that_is_under_way(void **state)
{
    (void)state;
    for (unsigned index = RX; index <= TX; index++) {
        drive(ALL);
        post(0, BUF(0), 2048);
        send_plain(0, BUF(1), 60);
        kick(RX);
        kick(TX);
        ring_offer(&rings[index], 0);
        snapshot();
        kick(index);
        assert_broken(index, "in flight");
    }
}

static void q5_indices_wrap(void **state)
{
    static uint8_t frame[60];
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 70000; i++) {
        send_plain(i % 100, BUF(0), 60);
        post(i % SIZE, BUF(1), 2048);
        kick(TX);
        kick(RX);
        switch_done(0);
        assert_true(switch_deliver(&plain, frame, sizeof(frame)));
        switch_signal();
        ring_take_used(&rings[TX], 2 * (i % 100));
        ring_take_used(&rings[RX], i % SIZE);
    }
}

/* Q6 and Q7: at most `size` chains in one activation; the used ring is the device's own affair. */
static void q6_q7_the_whole_queue_at_once(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned n = 0; n < SIZE; n++) {
        post(n, BUF(n % NUM_BUFS), 2048);
    }
    guest_loads = 0;
    kick(RX);
    assert_true(guest_loads <= 2 * SIZE + 8); /* a head and a descriptor each */
    assert_int_equal(num_posteds, SIZE);
    ring_used(&rings[RX])->idx = 0x1234;
    assert_true(switch_deliver(&plain, guest.memory, 60));
    switch_signal();
    assert_int_equal(ring_used(&rings[RX])->idx, 1);
}

static void q11_kicks_without_chains(void **state)
{
    (void)state;
    drive(ALL);
    notified = 0;
    guest_loads = 0;
    for (unsigned i = 0; i < 100000; i++) {
        kick(i % 3);
    }
    assert_int_equal(notified, 0);
    assert_true(guest_loads <= 100000 * 3);
    assert_works_after_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d1_to_d22_bad_chains_break_only_their_device),
        TEST(d3_a_chain_as_long_as_the_queue_and_longer),
        TEST(d5_d21_d23_what_is_ignored),
        TEST(d11_buffers_over_the_rings),
        TEST(d12_two_buffers_at_one_place),
        TEST(d24_d25_descriptors_and_headers_change),
        TEST(q1_q2_q3_q4_bad_rings),
        TEST(a_bad_ring_while_frames_come_back),
        TEST(q4_a_head_that_is_under_way),
        TEST(q5_indices_wrap),
        TEST(q6_q7_the_whole_queue_at_once),
        TEST(q11_kicks_without_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
