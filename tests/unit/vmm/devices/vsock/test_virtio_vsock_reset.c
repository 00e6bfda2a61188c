/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows T, D and Q of the bad-input catalogue on the socket device, V18, and a switch that lies.
 * Peers of a guest that is reset are told, and none of them can hold the reset up.
 */
#include "tests/unit/vmm/devices/vsock/virtio_vsock_rig.h"
#include "tests/unit/vmm/virtio/virtio_bad_chains.h"

#include <stdlib.h>

/* Connections in that state or, for LIVE, asked for. */
static unsigned in_state(uint8_t state)
{
    unsigned count = 0;
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        uint8_t is = vsock.connections[i].state;
        count += is == state || (state == VSOCK_LIVE && is == VSOCK_REQUESTED);
    }
    return count;
}

/* Connections to `count` ports of the peer; buffers posted, a packet under way. */
static void start_some(unsigned count)
{
    struct virtio_vsock_hdr header = packet(REQUEST, 0);
    drive(ALL);
    for (unsigned n = 0; n < count; n++) {
        header.dst_port = 3000 + n;
        submit(n, &header, 0, 0);
    }
    kick(TX);
    switch_route(true);
    rings[TX].used_seen = ring_used(&rings[TX])->idx;
    header = packet(RW, 100);
    submit(60, &header, BUF(60), 100);
    for (unsigned n = 0; n < 4; n++) {
        post(n, BUF(n), 1000);
    }
    kick(RX);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_int_equal(in_state(VSOCK_LIVE), count);
    snapshot();
    log_lines = 0;
    vsock.device.guest_errors = 0;
}

/* The peer hears RST for each connection of before, and the port knows nothing of guest memory. */
static void assert_peers_are_told(unsigned count)
{
    assert_int_equal(num_sents, count);
    assert_int_equal(num_posteds, 0);
    for (unsigned i = 0; i < count; i++) {
        struct virtio_vsock_hdr expected = packet(RST, 0);
        expected.dst_port = 3000 + sents[i].vsock.dst_port % 1000;
        expected.buf_alloc = expected.fwd_cnt = 0;
        assert_memory_equal(&sents[i].vsock, &expected, sizeof(expected));
        assert_int_equal(sents[i].bytes, 0);
    }
}

static void v18_peers_of_a_guest_that_is_reset(void **state)
{
    (void)state;
    start_some(40);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0); /* nobody is waited for */
    assert_peers_are_told(40);
    assert_true(virtio_mmio_reset(&vsock.device)); /* as at a reboot: nothing to wait for */
    assert_peers_are_told(40);
    for (unsigned i = 0; i < 20; i++) { /* half of them hear it, the others have no room */
        switch_done(0);
    }
    switch_signal();
    assert_int_equal(vsock.num_lost, 20);
    assert_true(switch_is_open());
    start_some(0); /* the guest's next life has the port */
    assert_int_equal(vsock.num_lost, 0);
    assert_int_equal(in_state(VSOCK_LIVE), 0);
    assert_works_after_reset();
}

/* When all are told the port is closed, so that nobody waits for a guest that is not there. */
static void v18_all_are_told(void **state)
{
    (void)state;
    start_some(3);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    switch_route(true);
    assert_int_equal(vsock.num_lost, 0);
    assert_false(switch_is_open());
    assert_works_after_reset();
}

static void v18_reset_again_before_all_are_told(void **state)
{
    (void)state;
    start_some(10);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    for (unsigned i = 0; i < 5; i++) { /* lives that end before they have a connection */
        drive(ALL);
        post(0, BUF(0), 1000);
        kick(RX);
        assert_int_equal(num_posteds, 1);
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_peers_are_told(10);
    }
    assert_works_after_reset();
    assert_int_equal(in_state(VSOCK_FREE), VIRTIO_VSOCK_CONNECTIONS);
}

static void v19_the_news_goes_before_a_new_connection(void **state)
{
    struct virtio_vsock_hdr header = packet(REQUEST, 0);
    (void)state;
    start_some(1);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    drive(ALL);
    header.dst_port = 3000; /* the same ports again */
    submit(0, &header, 0, 0);
    kick(TX);
    assert_int_equal(num_sents, 2);
    assert_int_equal(sents[0].vsock.op, RST);
    assert_int_equal(sents[1].vsock.op, REQUEST);
    switch_route(true);
    assert_int_equal(in_state(VSOCK_LIVE), 1);
    assert_int_equal(in_state(VSOCK_LOST), 0);
}

static void t27_reset_waits_for_the_switch(void **state)
{
    struct virtio_vsock_hdr in = packet(RW, 200);
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        start_some(7);
        switch_is_slow = true;
        if (how == 1) {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f); /* FAILED before */
        } else if (how == 2) {
            ring_offer(&rings[TX], SIZE); /* NEEDS_RESET before */
            kick(TX);
        }
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        assert_int_not_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_true(virtio_mmio_waits(&vsock.device));
        snapshot();
        guest_allow(&guest, BUF(0), HEADER_BYTES + 200); /* the switch still may */
        assert_true(switch_deliver(&in, guest.memory, 200));
        switch_done(0);
        virtio_vsock_notified(&vsock);
        assert_false(virtio_mmio_reset(&vsock.device));
        switch_answer();
        virtio_vsock_notified(&vsock);
        assert_true(virtio_mmio_is_reset(&vsock.device));
        assert_true(virtio_mmio_reset(&vsock.device));
        ring_assert_nothing_used(&rings[RX]);
        assert_false(guest.irq_level);
        guest_assert_untouched(&guest);
        switch_serve();
        assert_peers_are_told(7);
        assert_works_after_reset();
    }
}

static void t19_a_queue_is_stopped(void **state)
{
    (void)state;
    for (unsigned index = 0; index < VIRTIO_VSOCK_NUM_QUEUES; index++) {
        start_some(3);
        reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, index);
        reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
        if (index != EVENT) {
            assert_peers_are_told(3);
            kick(RX + TX - index); /* the other one has nowhere to go */
            assert_int_equal(num_sents, 3);
        }
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
}

static void d1_to_d22_q1_to_q4_broken_rings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * (NUM_BAD_CHAINS + 2); i++) {
        unsigned index = i % 2, row = i / 2;
        start_some(2);
        if (row < NUM_BAD_CHAINS) {
            ring_create(&rings[index], &guest, index, SIZE);
            ring_set(&rings[index], 0, 0, 0, 0, 0);
            drive(ALL);
            offer_bad_chain(&rings[index], &bad_chains[row]);
        } else if (row == NUM_BAD_CHAINS) {
            ring_offer(&rings[index], SIZE); /* Q3 */
        } else {
            ring_avail(&rings[index])->idx += SIZE + 1; /* Q1 */
        }
        snapshot();
        log_lines = 0;
        guest_loads = 0;
        kick(index);
        assert_true(guest_loads <= 2 * SIZE); /* O5 */
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
        assert_int_equal(log_lines, 1);
        if (row < NUM_BAD_CHAINS) {
            assert_non_null(strstr(log_last, bad_chains[row].reason));
        }
        guest_assert_untouched(&guest);
        assert_int_equal(num_posteds, 0); /* nobody writes into its buffers any more */
        vsock.device.guest_errors = 0;
        assert_works_after_reset();
    }
}

/* ---- A switch that lies ----------------------------------------------------------------------*/

static void assert_given_up(void)
{
    virtio_vsock_notified(&vsock);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_non_null(strstr(log_last, "the switch has closed its port, or broken"));
    assert_false(switch_is_open());
    assert_int_equal(in_state(VSOCK_FREE), VIRTIO_VSOCK_CONNECTIONS);
    guest_assert_untouched(&guest);
    vsock.device.guest_errors = 0;
    assert_works_after_reset();
}

static void done_that_was_not_sent(void **state)
{
    static const uint16_t ids[] = { 0,          2,     119, 121, 127, SIZE,
                                    SIZE + 120, 255,   256, 300, 511, 2 * SIZE + 511,
                                    1023,       0xffff };
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(ids) / sizeof(ids[0]); i++) {
        start_some(3);
        switch_put_done(ids[i / 2], i % 2 ? PORT_NOT_THERE : 0);
        assert_given_up();
    }
}

static void received_what_makes_no_sense(void **state)
{
    static const struct {
        uint16_t id, flags;
        uint32_t length;
    } rows[] = {
        { 4, 0, 0 }, { 127, 0, 0 }, { 128, 0, 0 }, { 0xffff, 0, 0 },
        { 0, 1, 0 }, { 0, 0, 957 }, { 0, 0, ~0u },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start_some(3);
        switch_put_received(rows[i].id, rows[i].length, rows[i].flags);
        assert_given_up();
    }
    start_some(3); /* not what the header says */
    switch_put_received(0, 100, 0);
    port.recv_done.entries[(port.recv_done.tail - 1) % PORT_ENTRIES].header[24]++;
    assert_given_up();
    start_some(3);
    port.control.broken = 1;
    assert_given_up();
    start_some(3);
    port.recv_done.tail = PORT_ENTRIES + 1;
    assert_given_up();
}

static void broken_while_only_peers_are_told(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        start_some(5);
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        assert_peers_are_told(5);
        if (how == 0) {
            port.control.broken = 1;
        } else if (how == 1) {
            switch_put_done(120, PORT_NOT_THERE); /* of its life before */
        } else if (how == 2) {
            switch_put_done(120, 0);
        } else {
            switch_put_received(0, 10, 0);
        }
        virtio_vsock_notified(&vsock);
        assert_false(switch_is_open()); /* and it is not tried again and again */
        assert_true(virtio_mmio_is_reset(&vsock.device));
        assert_int_equal(vsock.num_lost, 0);
        assert_works_after_reset();
    }
}

/* The port was closed when all peers had been told, and the switch has not answered to that. */
static void a_driver_that_starts_before_the_port_is_closed(void **state)
{
    (void)state;
    start_some(2);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    switch_is_slow = true;
    switch_done(0);
    switch_done(0);
    switch_signal();
    assert_int_equal(port.control.wanted - port.control.answered, 1);
    drive(ALL);
    post(0, BUF(0), 1000);
    kick(RX);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    switch_serve();
    assert_int_equal(num_posteds, 0);
    switch_is_slow = false;
    switch_signal();
    assert_true(switch_is_open());
    assert_int_equal(num_posteds, 1);
    assert_works_after_reset();
}

/* ---- T28 -------------------------------------------------------------------------------------*/

static void any_step(void)
{
    struct virtio_vsock_hdr header = packet((uint16_t)(1 + rand() % 7), 0);
    unsigned n = (unsigned)rand() % 20;
    switch (rand() % 6) {
    case 0:
        if (ring_used(&rings[TX])->idx == rings[TX].avail_idx) {
            header.src_port = (uint32_t)rand() % 50;
            header.dst_cid = OWN + (uint64_t)rand() % 4;
            submit(n, &header, 0, 0);
        }
        kick(TX);
        break;
    case 1:
        if (rings[RX].avail_idx < 20) {
            post(rings[RX].avail_idx, BUF(n), 1000);
        }
        kick(RX);
        break;
    case 2:
        switch_route(rand() % 2);
        break;
    case 3:
        switch_take();
        if (num_sents > 0) {
            switch_done((unsigned)rand() % num_sents);
        }
        break;
    case 4:
        switch_deliver(&header, "", 0);
        break;
    default:
        switch_signal();
        break;
    }
}

static void t28_resets_at_random_points(void **state)
{
    (void)state;
    srand(28);
    for (unsigned i = 0; i < 100000; i++) {
        switch_is_slow = rand() % 2;
        assert_int_equal(driver_negotiate(&region, ALL), 11);
        for (unsigned q = 0; q < 2; q++) {
            ring_create(&rings[q], &guest, q, 64);
            assert_int_equal(driver_place(&region, q, &rings[q]), 1);
        }
        driver_ok(&region);
        for (int steps = rand() % 12; steps > 0; steps--) {
            any_step();
        }
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        if (reg_read(&region, VIRTIO_MMIO_STATUS) != 0) {
            switch_answer();
            switch_signal();
        }
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_int_equal(num_posteds, 0);
        assert_false(guest.irq_level);
    }
    assert_int_equal(vsock.device.guest_errors, 0);
    assert_works_after_reset();
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    switch_route(true);
    assert_int_equal(in_state(VSOCK_FREE), VIRTIO_VSOCK_CONNECTIONS);
}

/* ---- A switch that is started again ----------------------------------------------------------*/

static void offer_events(unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        ring_set(&rings[EVENT], n, TABLE + 8 * n, 4, WRITE, 0);
        ring_offer(&rings[EVENT], n);
    }
    kick(EVENT);
}

static void switch_begins_anew(void)
{
    port.control.broken = PORT_LOST;
    virtio_vsock_notified(&vsock); /* closes the port, which the switch answers */
    virtio_vsock_notified(&vsock);
}

/* The guest hears of it, and has the port again when it posts for the next event: till then it may
 * read what it had on connections of before. */
static void a_new_switch_is_announced(void **state)
{
    static const uint8_t event[4] = { VIRTIO_VSOCK_EVENT_TRANSPORT_RESET };
    (void)state;
    start_some(3);
    for (unsigned life = 0; life < 3; life++) {
        memset(guest_at(&guest, TABLE), 0xee, 16);
        offer_events(4);
        ring_assert_nothing_used(&rings[EVENT]);
        switch_begins_anew();
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(ring_take_used(&rings[EVENT], n), n == 0 ? 4 : 0);
        }
        assert_memory_equal(guest_at(&guest, TABLE), event, 4);
        assert_int_equal(*(uint8_t *)guest_at(&guest, TABLE + 8), 0xee);
        assert_true(guest.irq_level);
        assert_false(vsock.port.open);
        kick(RX);
        kick(TX);
        assert_false(vsock.port.open);
        offer_events(1);
        assert_true(switch_is_open());
        assert_int_equal(vsock.device.guest_errors, 0);
        switch_begins_anew(); /* with one buffer, and a reset before it is posted again */
        assert_false(vsock.port.open);
        start_some(3);
        assert_true(switch_is_open());
    }
    switch_begins_anew(); /* a driver without event buffers is not waited for */
    assert_true(switch_is_open());
    assert_works_after_reset();
}

/* As at the end of each event: the guest does not run meanwhile, so there is an end to it. */
static void assert_polling_ends(void)
{
    for (unsigned i = 0; i < 10; i++) {
        if (!virtio_mmio_poll(&vsock.device)) {
            return;
        }
    }
    fail_msg("a queue yields without end");
}

/* Between the news of a new switch and the reset a kick comes, for which there is no port. */
static void a_kick_for_nobody_before_a_reset(void **state)
{
    (void)state;
    start_some(3);
    offer_events(4);
    switch_begins_anew();
    kick(TX);
    kick(RX);
    assert_polling_ends();
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    while (num_sents > 0) {
        switch_done(0);
    }
    switch_signal();
    virtio_vsock_notified(&vsock);
    assert_polling_ends();
    assert_int_equal(vsock.num_lost, 0);
    assert_works_after_reset();
}

/* One queue stopped stops both; the port is open for news to a peer that does not take them. */
static void a_kick_of_the_other_queue(void **state)
{
    (void)state;
    for (uint32_t stopped = RX; stopped <= TX; stopped++) {
        start_some(1);
        reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, stopped);
        reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
        assert_true(switch_is_open());
        kick(1 - stopped);
        virtio_vsock_notified(&vsock);
        assert_polling_ends();
        assert_int_equal(vsock.num_lost, 1);
        assert_works_after_reset();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_switch_is_announced),
        TEST(a_kick_for_nobody_before_a_reset),
        TEST(a_kick_of_the_other_queue),
        TEST(v18_peers_of_a_guest_that_is_reset),
        TEST(v18_all_are_told),
        TEST(v18_reset_again_before_all_are_told),
        TEST(v19_the_news_goes_before_a_new_connection),
        TEST(t27_reset_waits_for_the_switch),
        TEST(t19_a_queue_is_stopped),
        TEST(d1_to_d22_q1_to_q4_broken_rings),
        TEST(done_that_was_not_sent),
        TEST(received_what_makes_no_sense),
        TEST(broken_while_only_peers_are_told),
        TEST(a_driver_that_starts_before_the_port_is_closed),
        TEST(t28_resets_at_random_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
