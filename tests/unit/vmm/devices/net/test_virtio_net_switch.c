/* SPDX-License-Identifier: BSD-2-Clause */
/* A switch that breaks the port's contract harms the card's guest's network, and nothing else. */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

static const struct virtio_net_hdr_v1 plain = { 0 };

/* Four buffers of 100 bytes posted, two frames under way. */
static void start_some(uint64_t features)
{
    drive(features);
    for (unsigned n = 0; n < 4; n++) {
        post(n, BUF(n), 100);
    }
    send_plain(0, BUF(20), 60);
    send_plain(1, BUF(21), 60);
    kick(RX);
    kick(TX);
    snapshot();
    log_lines = 0;
    net.device.guest_errors = 0;
}

static void assert_given_up(void)
{
    virtio_net_notified(&net);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1);
    assert_non_null(strstr(log_last, "the switch has closed its port, or broken"));
    assert_false(switch_is_open());
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

static void the_switch_closes_the_port(void **state)
{
    (void)state;
    start_some(ALL);
    port.control.broken = 1;
    assert_given_up();
    start_some(ALL); /* noticed at a kick as well */
    port.control.broken = 1;
    kick(RX);
    assert_given_up();
}

/* A switch that has been started again: buffers come back, frames are lost, the card goes on. */
static void a_switch_begins_anew(void **state)
{
    (void)state;
    for (unsigned life = 0; life < 3; life++) {
        start_some(ALL);
        switch_is_slow = true;
        port.control.broken = PORT_LOST;
        virtio_net_notified(&net);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(ring_take_used(&rings[RX], n), 0);
        }
        assert_int_equal(ring_take_used(&rings[TX], 0), 0);
        assert_int_equal(ring_take_used(&rings[TX], 2), 0);
        ring_assert_nothing_used(&rings[RX]);
        assert_false(net.port.open);
        virtio_net_notified(&net); /* not closed yet */
        assert_false(net.port.open);
        switch_is_slow = false;
        switch_answer();
        virtio_net_notified(&net);
        assert_true(net.port.open);
        assert_int_equal(net.device.guest_errors, 0);
        assert_works_after_reset();
    }
}

/* The driver resets the card meanwhile. */
static void a_switch_begins_anew_during_a_reset(void **state)
{
    (void)state;
    start_some(ALL);
    switch_is_slow = true;
    port.control.broken = PORT_LOST;
    virtio_net_notified(&net);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    switch_is_slow = false;
    switch_answer();
    virtio_net_notified(&net);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    assert_false(net.port.open);
    assert_works_after_reset();
}

static void done_that_was_not_sent(void **state)
{
    static const uint16_t ids[] = { 1, 4, 255, 256, 258, 0x8000, 0xffff };
    (void)state;
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        start_some(ALL);
        switch_put_done(ids[i], 0);
        assert_given_up();
    }
    start_some(ALL); /* twice */
    switch_put_done(2, 0);
    switch_put_done(2, 0);
    assert_given_up();
    start_some(ALL);
    switch_put_done(0, 0);
    switch_put_done(2, 0);
    switch_put_done(2, 0); /* nothing is under way any more, so it is not looked at before a kick */
    virtio_net_notified(&net);
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(ring_take_used(&rings[TX], 2), 0);
    assert_given_up();
}

static void received_what_was_not_posted(void **state)
{
    static const struct {
        uint16_t id;
        uint32_t length;
    } rows[] = {
        { 4, 60 },         { 255, 60 },       { 256, 60 },       { 0xffff, 60 },
        { 0, 89 },         { 0, 0x7fffffff }, { 0, 0xffffffff }, /* longer than the buffer */
        { 0, 0xfffffff4 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start_some(ALL);
        switch_put_received(rows[i].id, rows[i].length, 0);
        assert_given_up();
    }
    start_some(ALL); /* twice */
    guest_allow(&guest, BUF(0), 12);
    switch_put_received(0, 60, 0);
    switch_put_received(0, 60, 0);
    assert_given_up();
}

/* A frame of several chains of which one is wrong: the guest sees none of them. */
static void frames_that_are_not_whole(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        start_some(how == 0 ? ALL & ~F(MRG_RXBUF) : ALL);
        uint16_t before = ring_used(&rings[RX])->idx;
        switch_put_received(0, 88, PORT_MORE);
        if (how == 1) {
            switch_put_received(0, 100, 0); /* the same again */
        } else if (how == 2) {
            switch_put_received(1, 101, 0); /* too long */
        } else if (how == 0) {
            switch_put_received(1, 100, 0); /* the guest can't have merged buffers */
        }                                   /* how == 3: the rest never comes */
        virtio_net_notified(&net);
        assert_int_equal(ring_used(&rings[RX])->idx, before);
        assert_given_up();
    }
}

static void frames_without_end(void **state)
{
    (void)state;
    start_some(ALL);
    for (unsigned i = 0; i < PORT_ENTRIES; i++) {
        switch_put_received(i % 4, 1, PORT_MORE);
    }
    assert_given_up();
}

static void indices_that_make_no_sense(void **state)
{
    static const uint32_t values[] = { PORT_ENTRIES + 1, 0x7fffffff, 0x80000000, 0xffffffff };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        start_some(ALL);
        port.recv_done.tail = values[i];
        assert_given_up();
        start_some(ALL);
        port.send_done.tail = values[i];
        assert_given_up();
    }
    /* Of its consumer's indices: no room, and the guest's chains wait. */
    for (unsigned i = 0; i < 3; i++) {
        start_some(ALL);
        port.send.head = port.recv.head = port.send.tail + values[i];
        post(4, BUF(4), 100);
        send_plain(2, BUF(22), 60);
        kick(RX);
        kick(TX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
        assert_int_equal(num_sents, 2);
        assert_works_after_reset();
    }
}

/* What else lies in the region is the VMM's own, which it does not believe. */
static void a_region_full_of_garbage(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 256; byte += 7) {
        start_some(ALL);
        uint32_t wanted = port.control.wanted, answered = port.control.answered;
        memset(&port, (int)byte, sizeof(port));
        switch_is_slow = true;
        for (unsigned i = 0; i < 3; i++) {
            kick(i);
            virtio_net_notified(&net);
        }
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
        guest_assert_untouched(&guest);
        port.control.wanted = wanted + 1;
        port.control.answered = answered;
        switch_is_slow = false;
        switch_serve();
        assert_works_after_reset();
    }
}

static void not_closed_when_it_is_to_open(void **state)
{
    (void)state;
    port.control.answered = 7;
    switch_is_slow = true;
    drive(ALL);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_non_null(strstr(log_last, "has not closed its port"));
    guest_assert_untouched(&guest);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_true(virtio_mmio_waits(&net.device));
    port.control.answered = port.control.wanted;
    virtio_net_notified(&net);
    assert_works_after_reset();
}

static void late_news_of_an_earlier_opening(void **state)
{
    (void)state;
    start_some(ALL);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    port.recv_done.tail = 3; /* nobody looks */
    port.send_done.tail = 3;
    virtio_net_notified(&net);
    drive(ALL); /* the rings begin anew */
    virtio_net_notified(&net);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
    assert_true(switch_deliver(&plain, NULL, 0) == false); /* nothing is posted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_switch_closes_the_port),
        TEST(a_switch_begins_anew),
        TEST(a_switch_begins_anew_during_a_reset),
        TEST(done_that_was_not_sent),
        TEST(received_what_was_not_posted),
        TEST(frames_that_are_not_whole),
        TEST(frames_without_end),
        TEST(indices_that_make_no_sense),
        TEST(a_region_full_of_garbage),
        TEST(not_closed_when_it_is_to_open),
        TEST(late_news_of_an_earlier_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
