/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket device: rows V of the bad-input catalogue, and what a peer that behaves sees. */
#include "tests/unit/vmm/devices/vsock/virtio_vsock_rig.h"

#include <stdlib.h>

static void what_the_device_is(void **state)
{
    (void)state;
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_VSOCK);
    for (unsigned select = 0; select < 2; select++) {
        reg_write(&region, VIRTIO_MMIO_DEVICE_FEATURES_SEL, select);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES),
                         (uint32_t)(ALL >> (32 * select)));
    }
    drive(ALL);
    region.write(region.device, CONFIG, 8, UINT64_MAX); /* T5 */
    assert_int_equal(region.read(region.device, CONFIG, 8), OWN);
    assert_int_equal(region.read(region.device, CONFIG + 8, 8), 0); /* T4 */
    assert_false(virtio_mmio_waits(&vsock.device));
}

static void packets_of_all_kinds(void **state)
{
    (void)state;
    drive(ALL);
    for (uint16_t op = REQUEST; op <= ASK; op++) {
        uint32_t bytes = op == RW ? 1000 : 0;
        struct virtio_vsock_hdr header = packet(op, bytes);
        submit(op, &header, BUF(0), bytes);
    }
    snapshot();
    notified = 0;
    kick(TX);
    assert_int_equal(notified, 1);
    assert_int_equal(num_sents, 7);
    for (unsigned i = 0; i < 7; i++) {
        struct virtio_vsock_hdr expected = packet((uint16_t)(i + 1), i + 1 == RW ? 1000 : 0);
        assert_memory_equal(&sents[i].vsock, &expected, sizeof(expected));
    }
    assert_memory_equal(sents[4].data, guest_at(&guest, BUF(0)), 1000);
    switch_route(true);
    for (unsigned n = REQUEST; n <= ASK; n++) {
        ring_take_used(&rings[TX], ring_used(&rings[TX])->ring[n - 1].id);
    }
    guest_assert_untouched(&guest);
}

/* Sends one packet; whether it passed to the peer, was answered by RST, or dropped. */
enum fate { PASSED, REFUSED, DROPPED };

static enum fate fate_of(const struct virtio_vsock_hdr *header, uint32_t bytes)
{
    uint64_t dropped = vsock.dropped, refused = vsock.refused;
    enum fate fate = PASSED;
    submit(0, header, BUF(0), bytes);
    post(0, BUF(100), 100);
    snapshot();
    guest_allow(&guest, BUF(100), HEADER_BYTES);
    kick(RX);
    kick(TX);
    if (vsock.refused > refused) {
        fate = REFUSED;
        switch_route(true);
        expect_rst(0, BUF(100), header);
    } else if (vsock.dropped > dropped) {
        fate = DROPPED;
    }
    assert_int_equal(num_sents, fate == PASSED);
    if (fate == PASSED) {
        switch_done(0);
        switch_signal();
    }
    if (fate != REFUSED) { /* the buffer is still there: use it up */
        struct virtio_vsock_hdr in = packet(UPDATE, 0);
        assert_true(switch_deliver(&in, "", 0));
        switch_signal();
        ring_take_used(&rings[RX], 0);
    }
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(vsock.port.sending, vsock.num_telling);
    guest_assert_untouched(&guest);
    return fate;
}

static void v1_short_and_split_headers(void **state)
{
    struct virtio_vsock_hdr header = packet(RW, 16);
    (void)state;
    drive(ALL);
    memcpy(guest_at(&guest, PACKET(0)), &header, sizeof(header));
    for (unsigned bytes = 1; bytes < HEADER_BYTES; bytes++) {
        ring_set(&rings[TX], 0, PACKET(0), bytes, 0, 0);
        ring_offer(&rings[TX], 0);
        kick(TX);
        assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    }
    assert_int_equal(vsock.dropped, HEADER_BYTES - 1);
    assert_int_equal(log_lines, 6); /* 1, 2, 4, ... 32 */
    for (unsigned i = 0; i < HEADER_BYTES; i++) {
        memcpy(guest_at(&guest, BUF(0) + 2 * i), (uint8_t *)&header + i, 1);
        ring_set(&rings[TX], i, BUF(0) + 2 * i, 1, NEXT, i + 1);
    }
    ring_set(&rings[TX], HEADER_BYTES, BUF(1), 16, 0, 0);
    ring_offer(&rings[TX], 0);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_memory_equal(&sents[0].vsock, &header, sizeof(header));
}

static void v2_lengths_that_are_wrong(void **state)
{
    static const uint32_t lengths[] = { 0, 99, 101, 65536, 65537, 0x80000000, UINT32_MAX };
    struct virtio_vsock_hdr header = packet(RW, 0);
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        header.len = lengths[i];
        assert_int_equal(fate_of(&header, 100), REFUSED);
    }
    header.len = 65536;
    assert_int_equal(fate_of(&header, 65536), PASSED);
    header.len = 65537;
    assert_int_equal(fate_of(&header, 65537), REFUSED);
    header.len = 0;
    assert_int_equal(fate_of(&header, 0), PASSED);
    for (uint16_t op = REQUEST; op <= ASK; op++) { /* payload where there can be none */
        header = packet(op, 10);
        assert_int_equal(fate_of(&header, 10), op == RW ? PASSED : op == RST ? DROPPED : REFUSED);
    }
}

static void v3_a_header_that_changes(void **state)
{
    struct virtio_vsock_hdr header = packet(RW, 100);
    (void)state;
    drive(ALL);
    submit(0, &header, BUF(0), 100);
    kick(TX);
    memset(guest_at(&guest, PACKET(0)), 0xff, sizeof(header));
    assert_memory_equal(&sents[0].vsock, &header, sizeof(header));
    post(0, BUF(1), 45);
    kick(RX);
    switch_route(false);
    switch_route(false);
    expect_rst(0, BUF(1), &header); /* of the header as it was */
}

static void v4_v5_addresses(void **state)
{
    static const uint64_t forged[] = { 0, 1, 2, PEER, UINT32_MAX, OWN | 1ull << 32, UINT64_MAX };
    static const uint64_t nobody[] = { 0, 1, 2, 99, UINT32_MAX };
    struct virtio_vsock_hdr header = packet(REQUEST, 0);
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        header.src_cid = forged[i];
        assert_int_equal(fate_of(&header, 0), DROPPED);
    }
    header = packet(REQUEST, 0);
    header.dst_cid = OWN;
    assert_int_equal(fate_of(&header, 0), REFUSED);
    header.dst_cid = PEER | 1ull << 32;
    assert_int_equal(fate_of(&header, 0), DROPPED);
    for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        header.dst_cid = nobody[i]; /* the switch knows that nobody is there */
        submit(0, &header, 0, 0);
        post(0, BUF(0), 45);
        kick(RX);
        kick(TX);
        switch_route(false);
        ring_assert_nothing_used(&rings[TX]);
        switch_route(false);
        ring_take_used(&rings[TX], 0);
        expect_rst(0, BUF(0), &header);
    }
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        assert_int_equal(vsock.connections[i].state, VSOCK_FREE);
    }
}

static void v6_v7_v16_types_and_operations(void **state)
{
    (void)state;
    drive(ALL & ~F_SEQPACKET);
    for (unsigned type = 0; type < 0x10000; type += type < 8 ? 1 : 4099) {
        struct virtio_vsock_hdr header = packet(REQUEST, 0);
        header.type = (uint16_t)type;
        assert_int_equal(fate_of(&header, 0), type == STREAM ? PASSED : REFUSED);
        header.op = RST;
        assert_int_equal(fate_of(&header, 0), type == STREAM ? PASSED : DROPPED); /* V9 */
    }
    drive(ALL);
    for (unsigned op = 0; op < 0x10000; op += op < 16 ? 1 : 4099) {
        struct virtio_vsock_hdr header = packet((uint16_t)op, 0);
        header.type = SEQPACKET;
        assert_int_equal(fate_of(&header, 0), op >= REQUEST && op <= ASK ? PASSED : REFUSED);
    }
}

/* What the peer gets of the flags; check() sees the rest. */
static void v15_v16_flags(void **state)
{
    static const struct {
        uint16_t type, op;
        uint32_t flags, kept;
    } rows[] = {
        { STREAM, SHUTDOWN, 0, 0 }, { STREAM, SHUTDOWN, 3, 3 },    { STREAM, SHUTDOWN, ~0u, 3 },
        { STREAM, RW, 3, 0 },       { SEQPACKET, RW, 1, 1 },       { SEQPACKET, RW, 3, 3 },
        { SEQPACKET, RW, ~0u, 3 },  { SEQPACKET, UPDATE, ~0u, 0 }, { SEQPACKET, REQUEST, ~0u, 0 },
        { STREAM, RST, 7, 0 },
    };
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct virtio_vsock_hdr header = packet(rows[i].op, 0);
        header.type = rows[i].type;
        header.flags = rows[i].flags;
        submit(0, &header, 0, 0);
        kick(TX);
        assert_int_equal(sents[0].vsock.flags, rows[i].kept);
        switch_route(true);
        ring_take_used(&rings[TX], 0);
    }
}

/* V8, V10, V11, V12, V19: between the guests; the device passes on what makes sense by itself. */
static void v8_v10_v12_what_is_for_the_peer_to_judge(void **state)
{
    static const uint32_t values[] = { 0, 1, 0x7fffffff, 0x80000000, UINT32_MAX };
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 5; i++) {
        struct virtio_vsock_hdr header = packet(i % 2 ? UPDATE : RW, 0);
        header.buf_alloc = values[i];
        header.fwd_cnt = values[4 - i];
        assert_int_equal(fate_of(&header, 0), PASSED);
        header.op = i % 2 ? REQUEST : RESPONSE;
        assert_int_equal(fate_of(&header, 0), PASSED);
        assert_int_equal(fate_of(&header, 0), PASSED);
    }
}

/* V9: nobody is there to hear of RST, and nobody answers that. */
static void v9_no_rst_for_rst(void **state)
{
    struct virtio_vsock_hdr header = packet(RST, 0);
    (void)state;
    drive(ALL);
    post(0, BUF(0), 100);
    submit(0, &header, 0, 0);
    kick(RX);
    kick(TX);
    switch_route(false);
    ring_take_used(&rings[TX], 0);
    header.dst_cid = OWN;
    submit(0, &header, 0, 0);
    kick(TX);
    assert_int_equal(num_sents, 0);
    ring_take_used(&rings[TX], 0);
    ring_assert_nothing_used(&rings[RX]);
    assert_int_equal(vsock.refused, 0);
}

static unsigned in_state(uint8_t state)
{
    unsigned count = 0;
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        count += vsock.connections[i].state == state;
    }
    return count;
}

/* A packet from port 2000 of the peer. */
static void peer_sends(uint16_t op, uint32_t own_port)
{
    struct virtio_vsock_hdr in = packet(op, 0);
    in.src_cid = PEER;
    in.dst_cid = OWN;
    in.src_port = 2000;
    in.dst_port = own_port;
    post(0, BUF(0), 100);
    kick(RX);
    assert_true(switch_deliver(&in, "", 0));
    switch_signal();
    ring_take_used(&rings[RX], 0);
}

static enum fate fate_of_op(uint16_t op, uint64_t cid, uint32_t own_port)
{
    struct virtio_vsock_hdr header = packet(op, 0);
    header.dst_cid = cid;
    header.src_port = own_port;
    return fate_of(&header, 0);
}

/* Of a peer's share the latest requests are kept, and what was answered; others have theirs. */
static void v13_requests_without_end(void **state)
{
    struct virtio_vsock_hdr header = packet(REQUEST, 0);
    (void)state;
    drive(ALL);
    for (header.src_port = 0; header.src_port < 100000; header.src_port++) {
        submit(0, &header, 0, 0);
        kick(TX);
        assert_int_equal(num_sents, 1);
        switch_done(0);
        switch_signal();
        ring_take_used(&rings[TX], 0);
    }
    assert_int_equal(in_state(VSOCK_REQUESTED), OF_A_PEER);
    for (uint32_t own_port = 100000 - OF_A_PEER; own_port < 100000; own_port++) {
        peer_sends(RESPONSE, own_port);
    }
    assert_int_equal(in_state(VSOCK_LIVE), OF_A_PEER);
    assert_int_equal(fate_of_op(REQUEST, PEER, 5), REFUSED);
    for (uint64_t peer = PEER + 1; peer < PEER + PEERS; peer++) {
        for (uint32_t own_port = 0; own_port <= OF_A_PEER; own_port++) {
            assert_int_equal(fate_of_op(REQUEST, peer, own_port), PASSED);
        }
    }
    assert_int_equal(in_state(VSOCK_FREE), 0);
    assert_int_equal(fate_of_op(RST, PEER, 99999), PASSED);
    assert_int_equal(fate_of_op(REQUEST, PEER, 5), PASSED);
    assert_int_equal(in_state(VSOCK_LIVE), OF_A_PEER - 1);
}

static void v13_no_leak(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 1000; i++) { /* opened here, closed by the peer */
        assert_int_equal(fate_of_op(i % 2 ? REQUEST : RESPONSE, PEER, i), PASSED);
        peer_sends(RST, i);
    }
    assert_int_equal(in_state(VSOCK_FREE), VIRTIO_VSOCK_CONNECTIONS);
}

/* ---- Peers that the switch gives up ----------------------------------------------------------*/

/* A packet of an established connection, which does not arrive. The guest hears RST. */
static void send_in_vain(uint16_t op)
{
    struct virtio_vsock_hdr header = packet(op, 0);
    assert_int_equal(fate_of_op(REQUEST, PEER, 1000), PASSED);
    peer_sends(RESPONSE, 1000);
    submit(0, &header, 0, 0);
    kick(TX);
    switch_put_done(sents[0].id, PORT_NOT_THERE);
    switch_forget(0);
    switch_signal();
    if (op != RST) {
        post(0, BUF(0), 100);
        kick(RX);
        assert_int_equal(num_sents, 2);
        assert_int_equal(sents[0].vsock.dst_cid, OWN);
        assert_true(switch_deliver(&sents[0].vsock, "", 0));
        switch_done(0);
        switch_signal();
        expect_rst(0, BUF(0), &header);
    }
    ring_take_used(&rings[TX], 0);
}

/* The peer is to hear RST, and nothing before that; then all is as if it had never been. */
static void what_does_not_arrive_ends_a_connection(void **state)
{
    static const uint16_t ops[] = { RW, SHUTDOWN, UPDATE, ASK, RST };
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        send_in_vain(ops[i]);
        assert_int_equal(num_sents, 1);
        struct sent told = sents[0];
        assert_true(told.id >= 2 * SIZE && told.vsock.op == RST);
        assert_true(told.vsock.dst_cid == PEER && told.vsock.src_port == 1000);
        switch_forget(0); /* it waits */
        assert_int_equal(in_state(VSOCK_TELLING), 1);
        assert_int_equal(fate_of_op(RW, PEER, 1001), PASSED);
        assert_int_equal(fate_of_op(REQUEST, PEER, 1000), PASSED); /* comes behind the news */
        assert_int_equal(fate_of_op(RW, PEER, 1000), PASSED);
        assert_int_equal(fate_of_op(RST, PEER, 1000), PASSED);
        assert_int_equal(fate_of_op(RW, PEER, 1000), REFUSED);
        switch_put_done(told.id, 0);
        switch_signal();
        assert_int_equal(in_state(VSOCK_FREE), VIRTIO_VSOCK_CONNECTIONS);
        assert_int_equal(fate_of_op(RW, PEER, 1000), PASSED);
    }
}

static void v14_a_flood_without_receive_buffers(void **state)
{
    struct virtio_vsock_hdr header = packet(ASK, 0);
    (void)state;
    drive(ALL);
    for (unsigned n = 0; n < SIZE / 2; n++) {
        header.src_port = n;
        submit(n, &header, 0, 0);
    }
    kick(TX);
    for (unsigned i = 0; i < 1000; i++) {
        switch_route(false);
        kick(TX);
    }
    assert_int_equal(num_sents, SIZE / 2); /* the answers wait, one for each packet */
    ring_assert_nothing_used(&rings[TX]);
    for (unsigned n = 0; n < SIZE / 2; n++) {
        post(n, BUF(n), 64);
    }
    kick(RX);
    switch_route(false);
    for (unsigned n = 0; n < SIZE / 2; n++) {
        assert_int_equal(ring_take_used(&rings[RX], n), HEADER_BYTES);
    }
    assert_int_equal(ring_used(&rings[TX])->idx, SIZE / 2);
    assert_works_after_reset();
}

static void v17_receive_buffers_that_are_too_small(void **state)
{
    (void)state;
    for (unsigned bytes = 1; bytes <= HEADER_BYTES; bytes += 43) {
        drive(ALL);
        post(0, BUF(0), bytes);
        snapshot();
        kick(RX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
        assert_non_null(strstr(log_last, "no room behind a header"));
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
}

static void event_buffers_are_left_alone(void **state)
{
    (void)state;
    drive(ALL);
    ring_set(&rings[EVENT], 0, BUF(0), 8, WRITE, 0);
    ring_offer(&rings[EVENT], 0);
    snapshot();
    kick(EVENT);
    ring_assert_nothing_used(&rings[EVENT]);
    guest_assert_untouched(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_device_is),
        TEST(packets_of_all_kinds),
        TEST(v1_short_and_split_headers),
        TEST(v2_lengths_that_are_wrong),
        TEST(v3_a_header_that_changes),
        TEST(v4_v5_addresses),
        TEST(v6_v7_v16_types_and_operations),
        TEST(v15_v16_flags),
        TEST(v8_v10_v12_what_is_for_the_peer_to_judge),
        TEST(v9_no_rst_for_rst),
        TEST(v13_requests_without_end),
        TEST(v13_no_leak),
        TEST(what_does_not_arrive_ends_a_connection),
        TEST(v14_a_flood_without_receive_buffers),
        TEST(v17_receive_buffers_that_are_too_small),
        TEST(event_buffers_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
