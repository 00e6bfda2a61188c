/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch of a vsock: nothing is lost, order is kept, one receiver holds up nobody else. Rows
 * V1, V2, V4, V5, V14 and V17 as far as they are the switch's. */
#include "tests/unit/io/virt/switch/switch_rig.h"

#define CID(i) (3u + (i))

static uint8_t bytes[FRAME_MAX];
static struct arrival arrival;

static int setup(void **state)
{
    (void)state;
    rig_configure();
    config.kind = SWITCH_VSOCK;
    for (uint32_t i = 0; i < VMMS; i++) {
        config.ports[i].cid = CID(i);
        config.ports[i].mtu = 0;
    }
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        vmm_open(i, 0);
    }
    for (uint32_t n = 0; n < sizeof(bytes); n++) {
        bytes[n] = (uint8_t)(n * 7 + n / 256);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    expect_memory_untouched();
    rig_destroy();
    return 0;
}

static struct virtio_vsock_hdr header_to(uint32_t from, uint64_t cid, uint32_t len)
{
    return (struct virtio_vsock_hdr){
        .src_cid = CID(from),
        .dst_cid = cid,
        .src_port = 1000 + from,
        .dst_port = 4321,
        .len = len,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
        .op = VIRTIO_VSOCK_OP_RW,
        .buf_alloc = 0x12345678,
        .fwd_cnt = 0x9abcdef0,
    };
}

/* Sends a packet, and the switch runs. */
static void send(uint32_t from, uint32_t to, const uint8_t *at, uint32_t len)
{
    struct virtio_vsock_hdr header = header_to(from, CID(to), len);
    vmm_put(from, &header, at, len, FRAME_MAX);
    port_publish(&vmms[from].send);
    run();
}

static void expect_packet(uint32_t i, uint32_t from, const uint8_t *at, uint32_t len)
{
    struct virtio_vsock_hdr header = header_to(from, CID(i), len);
    assert_true(vmm_receive(i, &arrival));
    assert_int_equal(arrival.chains, 1);
    assert_int_equal(arrival.bytes, len);
    assert_memory_equal(&arrival.vsock, &header, sizeof(header));
    assert_memory_equal(arrival.data, at, len);
}

static void expect_done(uint32_t i, uint32_t done, uint32_t not_there)
{
    vmms[i].not_there = 0;
    assert_int_equal(vmm_reap(i), done);
    assert_int_equal(vmms[i].not_there, not_there);
}

static void packets_arrive(void **state)
{
    (void)state;
    static const uint32_t lengths[] = { 0, 1, 100, 65536 };
    for (uint32_t i = 0; i < 4; i++) {
        vmm_post_chain(2, &(struct stretch){ RECV_AREA + 1, 44 + 65536 }, 1);
        send(1, 2, bytes, lengths[i]);
        expect_done(1, 1, 0);
        expect_packet(2, 1, bytes, lengths[i]);
    }
}

/* A packet in as many chains as it needs; the last alone ends a message. */
static void long_packets_are_split(void **state)
{
    (void)state;
    for (uint32_t type = VIRTIO_VSOCK_TYPE_STREAM; type <= VIRTIO_VSOCK_TYPE_SEQPACKET; type++) {
        struct virtio_vsock_hdr header = header_to(0, CID(1), 10000);
        header.type = (uint16_t)type;
        header.flags = VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR | 0x100;
        vmm_post_many(1, 11, 44 + 1000);
        vmm_put(0, &header, bytes, 10000, 777);
        port_publish(&vmms[0].send);
        run();
        expect_done(0, 1, 0);
        for (uint32_t n = 0; n < 10; n++) {
            assert_true(vmm_receive(1, &arrival));
            assert_int_equal(arrival.bytes, 1000);
            assert_int_equal(arrival.vsock.len, 1000);
            assert_int_equal(arrival.vsock.flags, n < 9 && type == 2 ? 0x100 : 0x103);
            assert_memory_equal(arrival.data, bytes + n * 1000, 1000);
        }
        expect_nothing(1);
        vmm_close(1);
        vmm_open(1, 0);
    }
}

/* V5 */
static void nobody_is_there(void **state)
{
    (void)state;
    static const uint64_t cids[] = { 0, 1, 2, UINT32_MAX, CID(9), CID(1) + (1ull << 32) };
    for (uint32_t i = 0; i < VMMS; i++) {
        vmm_post_many(i, 4, 2048);
    }
    for (uint32_t i = 0; i < sizeof(cids) / sizeof(cids[0]); i++) {
        struct virtio_vsock_hdr header = header_to(0, cids[i], 10);
        vmm_send(0, &header, bytes, 10);
        assert_int_equal(vmms[0].not_there, i + 1);
    }
    config.ports[0].allow = ~(1u << 1);
    send(0, 1, bytes, 10);
    expect_done(0, 1, 1);
    send(1, 0, bytes, 10);
    expect_packet(0, 1, bytes, 10);
    vmm_close(2);
    send(0, 2, bytes, 10);
    expect_done(0, 1, 1);
    for (uint32_t i = 0; i < VMMS; i++) {
        expect_nothing(i);
    }
}

/* A VMM answers its own guest in the name of a peer that is not there. */
static void a_port_reaches_itself(void **state)
{
    (void)state;
    config.ports[0].allow = 0;
    vmm_post(0, 0, 2048);
    struct virtio_vsock_hdr header = header_to(0, CID(0), 0);
    header.src_cid = 99;
    header.op = VIRTIO_VSOCK_OP_RST;
    vmm_put(0, &header, bytes, 0, FRAME_MAX);
    port_publish(&vmms[0].send);
    run();
    expect_done(0, 1, 0);
    assert_true(vmm_receive(0, &arrival));
    assert_memory_equal(&arrival.vsock, &header, sizeof(header));
    assert_int_equal(arrival.bytes, 0);
    for (uint32_t i = 1; i < VMMS; i++) {
        expect_nothing(i);
    }
}

/* V2, V4: a packet that its VMM should not have let pass is done, and goes nowhere. */
static void packets_that_lie(void **state)
{
    (void)state;
    vmm_post_many(1, 4, 65536 + 1000);
    struct virtio_vsock_hdr header = header_to(2, CID(1), 10);
    vmm_send(0, &header, bytes, 10);
    header = header_to(0, CID(1), 11);
    vmm_send(0, &header, bytes, 10);
    header.len = UINT32_MAX;
    vmm_send(0, &header, bytes, 10);
    header.len = 65537;
    vmm_send(0, &header, bytes, 65537);
    assert_int_equal(vmms[0].not_there, 0);
    expect_nothing(1);
    assert_int_equal(core.counters[0].drops[DROP_SOURCE], 1);
    assert_int_equal(core.counters[0].drops[DROP_LENGTH], 3);
}

/* Who has no room holds up nobody but what is for it. */
static void what_has_no_room_waits(void **state)
{
    (void)state;
    send(0, 1, bytes, 100);
    send(0, 1, bytes + 1, 200);
    expect_done(0, 0, 0);
    vmm_post_many(2, 2, 2048);
    send(0, 2, bytes + 2, 300);
    expect_done(0, 1, 0);
    expect_packet(2, 0, bytes + 2, 300);
    send(0, 1, bytes + 3, 400);
    assert_true(vmm_post_chain(1, &(struct stretch){ RECV_AREA, 2048 }, 1)); /* it is waited for */
    run();
    expect_packet(1, 0, bytes, 100);
    expect_done(0, 1, 0);
    vmm_post(1, 0, 2048);
    vmm_post(1, 1, 2048);
    run();
    expect_packet(1, 0, bytes + 1, 200);
    expect_packet(1, 0, bytes + 3, 400);
    expect_done(0, 2, 0);
    assert_int_equal(core.members[0].send.index, 4);
    assert_int_equal(core.held[0].num + core.held[0].num_pieces, 0);
}

/* In part, too. */
static void half_a_packet_waits(void **state)
{
    (void)state;
    vmm_post_many(1, 3, 44 + 10);
    send(0, 1, bytes, 55);
    expect_done(0, 0, 0);
    for (uint32_t n = 0; n < 3; n++) {
        expect_packet(1, 0, bytes + n * 10, 10);
    }
    vmm_post(1, 0, 44 + 20);
    vmm_post(1, 1, 44 + 20);
    run();
    expect_done(0, 1, 0);
    expect_packet(1, 0, bytes + 30, 20);
    expect_packet(1, 0, bytes + 50, 5);
}

/* Those who wait for a port that closes learn that nobody is there. */
static void a_receiver_closes(void **state)
{
    (void)state;
    vmm_post(1, 0, 44 + 10);
    send(0, 1, bytes, 100);
    send(2, 1, bytes, 100);
    expect_packet(1, 0, bytes, 10);
    vmm_close(1);
    expect_done(0, 1, 1);
    expect_done(2, 1, 1);
    vmm_open(1, 0);
    vmm_post_many(1, 4, 2048);
    run();
    expect_nothing(1);
    send(0, 1, bytes, 100);
    expect_packet(1, 0, bytes, 100);
}

static void a_sender_closes(void **state)
{
    (void)state;
    send(0, 1, bytes, 100);
    vmm_close(0);
    vmm_post_many(1, 4, 2048);
    run();
    expect_nothing(1);
    vmm_open(0, 0);
    send(0, 1, bytes, 50);
    expect_packet(1, 0, bytes, 50);
    expect_done(0, 1, 0);
}

/* As many as a sender may have under way wait for one receiver, and hold up nobody else. */
static void many_wait(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PORT_ENTRIES - 1; i++) {
        struct virtio_vsock_hdr header = header_to(0, CID(1), 10);
        vmm_put(0, &header, bytes + i, 10, FRAME_MAX);
    }
    port_publish(&vmms[0].send);
    run();
    assert_int_equal(core.held[0].num, PORT_ENTRIES - 1);
    for (uint32_t i = 0; i < 2; i++) {
        vmm_post(3, 0, 2048);
        send(2 * i, 3, bytes, 10);
        expect_packet(3, 2 * i, bytes, 10);
    }
    for (uint32_t got = 0; got < PORT_ENTRIES - 1; got++) {
        assert_true(vmm_post_chain(1, &(struct stretch){ RECV_AREA, 2048 }, 1));
        run();
        expect_packet(1, 0, bytes + got, 10);
    }
    expect_done(0, PORT_ENTRIES, 0);
    assert_int_equal(core.held[0].num, 0);
}

/* V17, S7: a receiver without sense is closed, and who waits for it told. */
static void a_receiver_breaks(void **state)
{
    (void)state;
    send(0, 1, bytes, 10);
    send(2, 1, bytes, 10);
    vmm_post(1, 0, 44); /* no room for a byte */
    run();
    assert_int_equal(vmms[1].port.control.broken, 1);
    expect_done(0, 1, 1);
    expect_done(2, 1, 1);
    assert_non_null(strstr(said, "the port of guest1 is closed"));
}

/* What a VMM changes in its ring while a packet waits counts no more. */
static void a_sender_changes_its_mind(void **state)
{
    (void)state;
    struct port_entry *entry = &vmms[0].port.send.entries[0];
    struct virtio_vsock_hdr header = header_to(0, CID(2), 10);
    vmm_post(1, 0, 44 + 50);
    send(0, 1, bytes, 100); /* half of it has arrived */
    expect_packet(1, 0, bytes, 50);
    *entry = (struct port_entry){ .offset = RAM_BYTES - 5, .length = 10, .id = 99 };
    memcpy(entry->header, &header, sizeof(header));
    vmm_post(1, 1, 2048);
    vmm_post(2, 1, 2048);
    run();
    expect_packet(1, 0, bytes + 50, 50);
    expect_done(0, 1, 0);
    expect_nothing(2);
}

/* One receiver that posts nothing pins no ring, however much else is sent. */
static void others_go_on_for_ever(void **state)
{
    (void)state;
    send(0, 1, bytes, 100);
    for (uint32_t i = 0; i < 3 * PORT_ENTRIES; i++) {
        vmm_post(2, 0, 2048);
        send(0, 2, bytes, 10);
        expect_packet(2, 0, bytes, 10);
        expect_done(0, 1, 0);
        assert_int_equal(port_room(&vmms[0].send), PORT_ENTRIES);
    }
    vmm_post(1, 0, 2048);
    run();
    expect_packet(1, 0, bytes, 100);
    expect_done(0, 1, 0);
}

static void send_in_pieces(uint32_t from, uint32_t to)
{
    struct virtio_vsock_hdr header = header_to(from, CID(to), 2000);
    vmm_put(from, &header, bytes, 2000, 10);
    port_publish(&vmms[from].send);
    run();
}

/* Who does not take what comes in very many pieces is given up, and others go on. */
static void many_pieces_wait(void **state)
{
    (void)state;
    for (uint32_t to = 1; to < VMMS; to++) {
        for (uint32_t i = 0; i < 5; i++) {
            send_in_pieces(0, to);
        }
    }
    expect_done(0, 0, 0);
    for (uint32_t i = 0; i < 5; i++) {
        send_in_pieces(0, 1);
    }
    expect_done(0, 0, 0);
    send_in_pieces(0, 1);
    expect_done(0, 11, 11);
    for (uint32_t to = 2; to < VMMS; to++) {
        vmm_post_many(to, 6, 4096);
        send(0, to, bytes, 2000);
        for (uint32_t i = 0; i < 6; i++) {
            expect_packet(to, 0, bytes, 2000);
        }
    }
    expect_done(0, 12, 0);
    assert_int_equal(core.held[0].num + core.held[0].num_pieces, 0);
}

/* What was sent before its sender knew that the receiver is given up must not arrive: something
 * before it did not. */
static void what_is_behind_a_gap(void **state)
{
    struct virtio_vsock_hdr header = header_to(0, CID(1), 10);
    (void)state;
    for (uint32_t i = 0; i < 11; i++) {
        send_in_pieces(0, 1);
    }
    vmm_post_many(1, 4, 2048);
    for (uint32_t i = 0; i < 2; i++) {
        send(0, 1, bytes, 10);
    }
    vmm_put(0, &header, bytes, 10, FRAME_MAX); /* put in, and not published yet */
    expect_done(0, 13, 13);
    port_publish(&vmms[0].send);
    run();
    expect_done(0, 1, 1);
    expect_nothing(1);
    send(2, 1, bytes, 20);
    expect_packet(1, 2, bytes, 20);
    send(0, 1, bytes, 30);
    expect_packet(1, 0, bytes, 30);
    expect_done(0, 1, 0);
}

/* A VMM that sends on and never takes what is done has its port closed. */
static void done_that_is_not_taken(void **state)
{
    struct virtio_vsock_hdr header = header_to(0, CID(1), 0);
    (void)state;
    for (uint32_t i = 0; i < PORT_ENTRIES; i++) {
        vmm_put(0, &header, bytes, 0, 1);
        port_publish(&vmms[0].send);
        if (i > 0) {
            vmm_post(1, 0, 2048);
        }
        run();
        assert_int_equal(vmm_receive(1, &arrival), i > 0);
    }
    assert_int_equal(port_fill(&vmms[0].send_done), PORT_ENTRIES - 1);
    port_put(&vmms[0].send, &(struct port_entry){ .id = 5 }); /* not from its own CID */
    port_publish(&vmms[0].send);
    run();
    assert_int_equal(vmms[0].port.control.broken, 0);
    vmm_post(1, 0, 2048);
    run();
    assert_int_equal(vmms[0].port.control.broken, 1);
    assert_int_equal(port_fill(&vmms[0].send_done), PORT_ENTRIES);
    vmm_receive(1, &arrival);
}

/* ---- The timer --------------------------------------------------------------------------------*/

static void tick(void)
{
    assert_true(timeout_ns > 0);
    timeout_ns = 0;
    switch_core_timeout(&core);
    run();
}

static void setup_timer(void)
{
    config.timer_channel = 40;
    timeout_ns = 0;
}

/* Who posts nothing is given up, until it does. */
static void a_silent_receiver(void **state)
{
    (void)state;
    setup_timer();
    vmm_post(2, 0, 2048);
    send(0, 2, bytes, 10);
    expect_packet(2, 0, bytes, 10);
    expect_done(0, 1, 0);
    assert_int_equal(timeout_ns, 0); /* nothing waits */
    send(0, 1, bytes, 100);
    send(2, 1, bytes, 100);
    tick();
    expect_done(0, 0, 0);
    tick();
    expect_done(0, 1, 1);
    expect_done(2, 1, 1);
    send(0, 1, bytes, 100); /* at once */
    expect_done(0, 1, 1);
    tick();
    assert_int_equal(timeout_ns, 0);
    vmm_post(1, 0, 2048);
    send(0, 1, bytes, 200);
    expect_packet(1, 0, bytes, 200);
    expect_done(0, 1, 0);
    send(0, 1, bytes, 300); /* has time again */
    expect_done(0, 0, 0);
    tick();
    vmm_post(1, 0, 2048);
    run();
    expect_packet(1, 0, bytes, 300);
}

/* Who is slow but takes something is not... */
static void a_slow_receiver(void **state)
{
    (void)state;
    setup_timer();
    for (uint32_t i = 0; i < 9; i++) {
        send(0, 1, bytes + i, 10);
    }
    for (uint32_t i = 0; i < 9; i++) {
        tick();
        vmm_post(1, 0, 2048);
        run();
        expect_packet(1, 0, bytes + i, 10);
    }
    expect_done(0, 9, 0);
}

/* ...but by those whose packets it has left for ten seconds. */
static void a_receiver_that_takes_too_little(void **state)
{
    (void)state;
    setup_timer();
    for (uint32_t i = 0; i < 20; i++) {
        send(0, 1, bytes, 10);
    }
    for (uint32_t i = 0; i < 9; i++) {
        vmm_post(1, 0, 2048);
        tick();
        expect_packet(1, 0, bytes, 10);
    }
    send(2, 1, bytes, 20);
    expect_done(0, 9, 0);
    tick();
    expect_done(0, 11, 11);
    expect_done(2, 0, 0);
    vmm_post(1, 0, 2048);
    run();
    expect_packet(1, 2, bytes, 20);
}

/* The news that a connection is no more waits for who comes back, and comes first. */
static void a_patient_packet(void **state)
{
    (void)state;
    setup_timer();
    vmms[0].send_flags = PORT_PATIENT;
    send(0, 1, bytes, 10);
    vmms[0].send_flags = 0;
    send(0, 1, bytes, 20);
    for (uint32_t i = 0; i < 20; i++) {
        tick();
    }
    expect_done(0, 1, 1);
    vmm_post(1, 0, 2048);
    send(0, 1, bytes, 30);
    expect_packet(1, 0, bytes, 10);
    vmm_post(1, 0, 2048);
    run();
    expect_packet(1, 0, bytes, 30);
    expect_done(0, 2, 0);
    vmms[0].send_flags = PORT_PATIENT;
    send(0, 1, bytes, 10);
    vmm_close(1);
    expect_done(0, 1, 1);
}

/* A guest that is off says its last words, and hears nothing. */
static void a_port_that_sends_only(void **state)
{
    (void)state;
    vmm_close(1);
    vmm_open(1, PORT_SENDS_ONLY);
    vmm_post(0, 0, 2048);
    vmm_post(1, 0, 2048);
    send(0, 1, bytes, 10);
    expect_done(0, 1, 1);
    expect_nothing(1);
    send(1, 0, bytes, 10);
    expect_packet(0, 1, bytes, 10);
    expect_done(1, 1, 0);
}

/* To itself, out of what it receives into. */
static void overlapping_memory(void **state)
{
    (void)state;
    for (uint32_t shift = 0; shift < 300; shift += 7) {
        uint32_t at = vmms[0].next_send;
        vmm_post_chain(0, &(struct stretch){ at + shift, 44 + 200 }, 1);
        send(0, 0, bytes, 200);
        expect_done(0, 1, 0);
        assert_true(vmm_receive(0, &arrival));
        assert_int_equal(arrival.bytes, 200);
    }
}

/* A tail that goes back behind what was seen must not make the switch turn for ever. */
static void a_tail_goes_back(void **state)
{
    (void)state;
    send(0, 1, bytes, 100);
    send(0, 1, bytes, 100);
    vmms[0].port.send.tail = 1;
    run();
    assert_int_equal(vmms[0].port.control.broken, 1);
    vmm_post_many(1, 3, 2048);
    run();
    expect_nothing(1);
}

/* ---- At random --------------------------------------------------------------------------------*/

static uint32_t positions[2][VMMS][VMMS]; /* of the stream of a pair: sent, received */

static uint8_t stream_byte(uint32_t from, uint32_t to, uint32_t at)
{
    return (uint8_t)(at * 31 + at / 256 + from * 5 + to * 77);
}

static void send_some(uint32_t from, uint32_t to)
{
    uint32_t len = (uint32_t)rand() % (rand() % 4 ? 300 : 5000), *at = &positions[0][from][to];
    struct virtio_vsock_hdr header = header_to(from, CID(to), len);
    if (port_room(&vmms[from].send) < 20 || from == to) {
        return;
    }
    for (uint32_t n = 0; n < len; n++) {
        bytes[n] = stream_byte(from, to, (*at)++);
    }
    vmm_put(from, &header, bytes, len, 300 + (uint32_t)rand() % 5000);
    port_publish(&vmms[from].send);
}

static void receive_all(uint32_t i)
{
    while (vmm_receive(i, &arrival)) {
        uint32_t from = (uint32_t)arrival.vsock.src_cid - 3, *at = &positions[1][from][i];
        assert_int_equal(arrival.vsock.len, arrival.bytes);
        for (uint32_t n = 0; n < arrival.bytes; n++) {
            assert_int_equal(arrival.data[n], stream_byte(from, i, (*at)++));
        }
    }
}

static void post_some(uint32_t i, uint32_t num)
{
    for (uint32_t n = 0; n < num && port_room(&vmms[i].recv) > 0; n++) {
        vmm_post(i, vmms[i].next_id++ % 400, 45 + (uint32_t)rand() % 2000);
    }
}

static void at_random(void **state)
{
    (void)state;
    srand(9);
    memset(positions, 0, sizeof(positions));
    for (uint32_t round = 0; round < 30000; round++) {
        uint32_t i = (uint32_t)rand() % VMMS;
        if (rand() % 2) {
            send_some(i, (uint32_t)rand() % VMMS);
        } else if (core.members[i].recv.ring != NULL && port_fill(&core.members[i].recv) < 50) {
            post_some(i, (uint32_t)rand() % 4);
        }
        if (rand() % 2) {
            run();
        }
        vmm_reap(i);
        receive_all(i);
    }
    for (uint32_t round = 0; round < 3000; round++) {
        run();
        for (uint32_t i = 0; i < VMMS; i++) {
            receive_all(i);
            vmm_reap(i);
            if (port_fill(&core.members[i].recv) < 50) {
                post_some(i, 4);
            }
        }
    }
    assert_memory_equal(positions[0], positions[1], sizeof(positions[0]));
    assert_true(positions[0][0][1] > 100000);
    for (uint32_t i = 0; i < VMMS; i++) {
        assert_int_equal(vmms[i].not_there, 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packets_arrive),
        TEST(long_packets_are_split),
        TEST(nobody_is_there),
        TEST(a_port_reaches_itself),
        TEST(packets_that_lie),
        TEST(what_has_no_room_waits),
        TEST(half_a_packet_waits),
        TEST(a_receiver_closes),
        TEST(a_sender_closes),
        TEST(many_wait),
        TEST(a_receiver_breaks),
        TEST(a_sender_changes_its_mind),
        TEST(overlapping_memory),
        TEST(a_tail_goes_back),
        TEST(others_go_on_for_ever),
        TEST(many_pieces_wait),
        TEST(what_is_behind_a_gap),
        TEST(done_that_is_not_taken),
        TEST(a_silent_receiver),
        TEST(a_slow_receiver),
        TEST(a_receiver_that_takes_too_little),
        TEST(a_patient_packet),
        TEST(a_port_that_sends_only),
        TEST(at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
