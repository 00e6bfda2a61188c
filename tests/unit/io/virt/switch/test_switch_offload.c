/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums and segments against a slow implementation that knows nothing of the switch's: it
 * builds each expected frame from the fields. Rows N4 to N7.
 */
#include "tests/unit/io/virt/switch/switch_rig.h"

/* A TCP segment as its sender means it. */
struct tcp_case {
    bool ipv6;
    uint32_t tags;                    /* the outer of two is a service tag */
    uint32_t ip_options, tcp_options; /* bytes, multiples of 4 */
    uint32_t payload, gso_size;
    uint32_t seq;
    uint16_t id;
    uint8_t flags;
};

static uint8_t frame[FRAME_MAX], expected[FRAME_MAX];
static struct arrival arrival;

static void be(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

/* RFC 1071 as it is written down. */
static uint32_t slow_sum(const uint8_t *at, uint32_t bytes, uint32_t sum)
{
    for (uint32_t i = 0; i < bytes; i++) {
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint32_t ip_at(const struct tcp_case *c)
{
    return 14 + 4 * c->tags;
}

static uint32_t tcp_at(const struct tcp_case *c)
{
    return ip_at(c) + (c->ipv6 ? 40 : 20 + c->ip_options);
}

static uint32_t headers_end(const struct tcp_case *c)
{
    return tcp_at(c) + 20 + c->tcp_options;
}

static void build_ip(uint8_t *ip, const struct tcp_case *c, uint32_t behind, uint16_t id)
{
    if (c->ipv6) {
        be(ip, 0x60012345, 4);
        be(ip + 4, behind, 2);
        be(ip + 6, 0x0640, 2);
        memset(ip + 8, 0x21, 16);
        memset(ip + 24, 0x93, 16);
        return;
    }
    be(ip, 0x4000 | (5 + c->ip_options / 4) << 8, 2);
    be(ip + 2, 20 + c->ip_options + behind, 2);
    be(ip + 4, id, 2);
    be(ip + 6, 0x4000, 2);
    be(ip + 8, 0x4006, 2);
    be(ip + 10, 0, 2);
    be(ip + 12, 0xc0a80101, 4);
    be(ip + 16, 0xc0a80102, 4);
    memset(ip + 20, 1, c->ip_options);
    be(ip + 10, ~slow_sum(ip, 20 + c->ip_options, 0), 2);
}

static uint32_t pseudo_sum(const uint8_t *ip, const struct tcp_case *c, uint32_t behind)
{
    uint8_t tail[4] = { 0, 6, (uint8_t)(behind >> 8), (uint8_t)behind };
    uint32_t sum = slow_sum(tail, 4, 0);
    return c->ipv6 ? slow_sum(ip + 8, 32, sum) : slow_sum(ip + 12, 8, sum);
}

/* Builds the frame with `bytes` of payload from `offset` on; its checksum whole or left open. */
static uint32_t build(uint8_t *to, const struct tcp_case *c, uint32_t offset, uint32_t bytes,
                      uint8_t flags, uint16_t id, bool open)
{
    uint8_t *ip = to + ip_at(c), *tcp = to + tcp_at(c);
    uint32_t behind = 20 + c->tcp_options + bytes;
    rig_mac(to, 1);
    rig_mac(to + 6, 0);
    if (c->tags > 0) {
        be(ip - 6, 0x81000042, 4);
    }
    if (c->tags > 1) {
        be(ip - 10, 0x88a80007, 4);
    }
    be(ip - 2, c->ipv6 ? 0x86dd : 0x0800, 2);
    build_ip(ip, c, behind, id);
    be(tcp, 0x12345678, 4);
    be(tcp + 4, c->seq + offset, 4);
    be(tcp + 8, 0xdeadbeef, 4);
    be(tcp + 12, (5 + c->tcp_options / 4) << 12 | flags, 2);
    be(tcp + 14, 0xffff0000, 4);
    be(tcp + 18, 7, 2);
    memset(tcp + 20, 1, c->tcp_options);
    for (uint32_t i = 0; i < bytes; i++) {
        to[headers_end(c) + i] = (uint8_t)((offset + i) * 7 + (offset + i) / 251);
    }
    uint32_t pseudo = pseudo_sum(ip, c, behind);
    uint32_t whole = 0xffff & ~slow_sum(tcp, behind, pseudo);
    be(tcp + 16, open ? pseudo : whole == 0 ? 0xffff : whole, 2);
    return headers_end(c) + bytes;
}

static uint32_t flags_of(const struct tcp_case *c, uint32_t offset, uint32_t bytes)
{
    bool first = offset == 0, last = offset + bytes == c->payload;
    return c->flags & (first ? 0xff : 0x7f) & (last ? 0xff : 0xf6);
}

/* Port 1 gets the case in segments, their checksum whole or open. */
static void expect_segments(const struct tcp_case *c, bool open)
{
    for (uint32_t offset = 0, n = 0; offset < c->payload; offset += c->gso_size, n++) {
        uint32_t left = c->payload - offset, bytes = left < c->gso_size ? left : c->gso_size;
        uint32_t length = build(expected, c, offset, bytes, (uint8_t)flags_of(c, offset, bytes),
                                (uint16_t)(c->id + n), open);
        assert_true(vmm_receive(1, &arrival));
        assert_int_equal(arrival.bytes, length);
        assert_memory_equal(arrival.data, expected, length);
        assert_int_equal(arrival.header.flags, open ? CSUM : 0);
        assert_int_equal(arrival.header.csum_start, open ? tcp_at(c) : 0);
        assert_int_equal(arrival.header.csum_offset, open ? 16 : 0);
        assert_int_equal(arrival.header.gso_type, 0);
        assert_int_equal(arrival.header.gso_size, 0);
    }
    expect_nothing(1);
}

static void expect_whole(const struct tcp_case *c, uint32_t bytes)
{
    assert_true(vmm_receive(1, &arrival));
    assert_int_equal(arrival.bytes, bytes);
    assert_memory_equal(arrival.data, frame, bytes);
    assert_int_equal(arrival.header.flags, CSUM);
    assert_int_equal(arrival.header.gso_type, c->ipv6 ? 4 : 1);
    assert_int_equal(arrival.header.gso_size, c->gso_size);
    assert_int_equal(arrival.header.hdr_len, headers_end(c));
    assert_int_equal(arrival.header.csum_start, tcp_at(c));
    expect_nothing(1);
}

static struct virtio_net_hdr_v1 header_of(const struct tcp_case *c)
{
    return (struct virtio_net_hdr_v1){
        .flags = CSUM,
        .gso_type = c->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = 0xffff, /* not trusted */
        .gso_size = (uint16_t)c->gso_size,
        .csum_start = (uint16_t)tcp_at(c),
        .csum_offset = 16,
    };
}

static void open_receiver(uint32_t features)
{
    if (core.members[1].open) {
        vmm_close(1);
    }
    vmm_open(1, features);
    for (uint32_t i = 0; i < 500; i++) {
        vmm_post(1, i, 2048);
    }
}

static void send_case(const struct tcp_case *c, uint32_t features, uint32_t piece)
{
    struct virtio_net_hdr_v1 header = header_of(c);
    uint32_t bytes = build(frame, c, 0, c->payload, c->flags, c->id, true);
    uint32_t whole = c->ipv6 ? PORT_RECV_TSO6 : PORT_RECV_TSO4;
    open_receiver(features);
    vmm_put(0, &header, frame, bytes, piece);
    port_publish(&vmms[0].send);
    run();
    assert_int_equal(vmm_reap(0), 1);
    if ((features & whole) && (features & PORT_RECV_CSUM)) {
        expect_whole(c, bytes);
    } else {
        expect_segments(c, features & PORT_RECV_CSUM);
    }
}

static int setup(void **state)
{
    (void)state;
    rig_configure();
    for (uint32_t i = 1; i < VMMS; i++) {
        config.ports[i].allow = 0;
    }
    rig_start();
    vmm_open(0, ALL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    expect_memory_untouched();
    rig_destroy();
    return 0;
}

static const uint32_t feature_sets[] = {
    ALL,
    PORT_RECV_MERGE,
    PORT_RECV_MERGE | PORT_RECV_CSUM,
    PORT_RECV_MERGE | PORT_RECV_CSUM | PORT_RECV_TSO4,
    PORT_RECV_MERGE | PORT_RECV_CSUM | PORT_RECV_TSO6,
    PORT_RECV_MERGE | PORT_RECV_TSO4 | PORT_RECV_TSO6, /* counts for nothing without CSUM */
};

static void segments(void **state)
{
    (void)state;
    static const struct tcp_case cases[] = {
        { .payload = 65000, .gso_size = 1448, .seq = 1, .flags = 0x10 },
        { .ipv6 = true, .payload = 65000, .gso_size = 1428, .seq = 0xfffff000, .flags = 0x99 },
        { .payload = 1449, .gso_size = 1448, .tcp_options = 12, .id = 0xffff, .flags = 0xd9 },
        { .payload = 1448, .gso_size = 1448, .tcp_options = 12, .flags = 0xff },
        { .payload = 1, .gso_size = 1, .flags = 0xff },
        { .payload = 10, .gso_size = 1, .flags = 0xff, .tags = 1 },
        { .ipv6 = true, .tags = 1, .tcp_options = 40, .payload = 5000, .gso_size = 1400 },
        { .ip_options = 28, .tcp_options = 40, .tags = 1, .payload = 999, .gso_size = 333 },
        { .tags = 2, .payload = 64000, .gso_size = 1448, .tcp_options = 12, .flags = 0x19 },
        { .ipv6 = true, .tags = 2, .payload = 5000, .gso_size = 1400, .tcp_options = 40 },
        { .tags = 2, .payload = 3000, .gso_size = 1460, .flags = 0x10 }, /* of 1522 bytes */
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (uint32_t f = 0; f < sizeof(feature_sets) / sizeof(feature_sets[0]); f++) {
            send_case(&cases[i], feature_sets[f], FRAME_MAX);
        }
    }
}

static void segments_at_random(void **state)
{
    (void)state;
    srand(3);
    for (uint32_t round = 0; round < 400; round++) {
        struct tcp_case c = {
            .ipv6 = rand() % 2,
            .tags = (uint32_t)rand() % 3,
            .ip_options = (uint32_t)rand() % 7 * 4,
            .tcp_options = (uint32_t)rand() % 11 * 4,
            .payload = 1 + (uint32_t)rand() % (rand() % 2 ? 500 : 20000),
            .seq = (uint32_t)rand() * 2,
            .id = (uint16_t)rand(),
            .flags = (uint8_t)rand(),
        };
        c.gso_size = c.payload / 100 + 1 + (uint32_t)rand() % 1150;
        send_case(&c, feature_sets[rand() % 6], 90 + (uint32_t)rand() % 3000);
    }
}

/* The checksum of any protocol is completed where the receiver does not do it. */
static void a_checksum_left_open(void **state)
{
    (void)state;
    srand(4);
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t bytes = make_frame(frame, 1, 0, 64 + (uint32_t)rand() % 1400);
        uint32_t start = 14 + (uint32_t)rand() % 40, offset = (uint32_t)rand() % 9;
        struct virtio_net_hdr_v1 header = { .flags = CSUM,
                                            .csum_start = (uint16_t)start,
                                            .csum_offset = (uint16_t)offset };
        open_receiver(round % 2 ? PORT_RECV_MERGE : PORT_RECV_CSUM);
        vmm_put(0, &header, frame, bytes, 6 + (uint32_t)rand() % 300);
        port_publish(&vmms[0].send);
        run();
        assert_int_equal(vmm_reap(0), 1);
        if (round % 2) {
            uint32_t sum = 0xffff & ~slow_sum(frame + start, bytes - start, 0);
            sum = sum == 0 ? 0xffff : sum;
            be(frame + start + offset, sum, 2);
        }
        assert_true(vmm_receive(1, &arrival));
        assert_int_equal(arrival.bytes, bytes);
        assert_memory_equal(arrival.data, frame, bytes);
        assert_int_equal(arrival.header.flags, round % 2 ? 0 : CSUM);
        assert_int_equal(arrival.header.csum_start, round % 2 ? 0 : start);
    }
}

/* A checksum that comes out as 0 is written as 0xffff: for UDP, 0 is none. */
static void no_checksum_is_zero(void **state)
{
    (void)state;
    struct virtio_net_hdr_v1 header = { .flags = CSUM, .csum_start = 34, .csum_offset = 6 };
    make_frame(frame, 1, 0, 64);
    memset(frame + 34, 0, 30);
    frame[34] = frame[35] = 0xff;
    open_receiver(0);
    vmm_send(0, &header, frame, 64);
    assert_true(vmm_receive(1, &arrival));
    assert_int_equal(arrival.data[40] << 8 | arrival.data[41], 0xffff);
}

/* N4, N5, N7: each field that makes no sense. */
static void what_makes_no_sense_is_dropped(void **state)
{
    (void)state;
    enum { FLAGS, TYPE, SIZE, START, OFFSET, FRAME8 };
    static const struct {
        int what;
        uint32_t value, at;
    } rows[] = {
        { FLAGS, 0, 0 },
        { TYPE, VIRTIO_NET_HDR_GSO_UDP, 0 },
        { TYPE, 5, 0 },
        { TYPE, VIRTIO_NET_HDR_GSO_TCPV6, 0 },
        { TYPE, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 0 },
        { TYPE, VIRTIO_NET_HDR_GSO_ECN, 0 },
        { TYPE, 0xff, 0 },
        { SIZE, 0, 0 },
        { SIZE, 1500, 0 }, /* with its headers longer than the MTU */
        { SIZE, 0xffff, 0 },
        { START, 0, 0 },
        { START, 13, 0 },
        { START, 33, 0 },
        { START, 0xffff, 0 },
        { OFFSET, 14, 0 },
        { OFFSET, 0xffff, 0 },
        { OFFSET, 0xffde, 0 },
        { FRAME8, 0x86, 12 }, /* EtherType */
        { FRAME8, 0x65, 14 }, /* version */
        { FRAME8, 0x44, 14 }, /* IHL */
        { FRAME8, 0x4f, 14 },
        { FRAME8, 0x20, 20 }, /* more fragments */
        { FRAME8, 0x01, 21 }, /* a later one */
        { FRAME8, 17, 23 },   /* protocol */
        { FRAME8, 0x40, 46 }, /* TCP's length */
        { FRAME8, 0x00, 46 },
    };
    struct tcp_case c = { .payload = 3000, .gso_size = 1000, .flags = 0x10 };
    open_receiver(ALL);
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct virtio_net_hdr_v1 header = header_of(&c);
        uint32_t bytes = build(frame, &c, 0, c.payload, c.flags, c.id, true);
        header.flags = rows[i].what == FLAGS ? (uint8_t)rows[i].value : header.flags;
        header.gso_type = rows[i].what == TYPE ? (uint8_t)rows[i].value : header.gso_type;
        header.gso_size = rows[i].what == SIZE ? (uint16_t)rows[i].value : header.gso_size;
        header.csum_start = rows[i].what == START ? (uint16_t)rows[i].value : header.csum_start;
        header.csum_offset = rows[i].what == OFFSET ? (uint16_t)rows[i].value : header.csum_offset;
        if (rows[i].what == FRAME8) {
            frame[rows[i].at] = (uint8_t)rows[i].value;
        }
        vmm_send(0, &header, frame, bytes);
        expect_nothing(1);
    }
    uint64_t *drops = core.counters[0].drops;
    assert_int_equal(drops[DROP_OFFLOAD] + drops[DROP_LENGTH], sizeof(rows) / sizeof(rows[0]));
}

/* N5, N7: headers that the frame does not have; every length of a frame that is cut off. */
static void short_frames_with_offloads(void **state)
{
    (void)state;
    for (uint32_t ipv6 = 0; ipv6 < 2; ipv6++) {
        struct tcp_case c = { .ipv6 = ipv6, .payload = 10, .gso_size = 5, .tcp_options = 40 };
        struct virtio_net_hdr_v1 header = header_of(&c);
        build(frame, &c, 0, c.payload, c.flags, c.id, true);
        open_receiver(PORT_RECV_MERGE);
        for (uint32_t bytes = 0; bytes <= headers_end(&c); bytes++) {
            vmm_send(0, &header, frame, bytes);
            expect_nothing(1);
        }
        header.gso_type = 0;
        for (uint32_t bytes = 0; bytes < tcp_at(&c) + 18; bytes++) {
            vmm_send(0, &header, frame, bytes);
            expect_nothing(1);
        }
        vmm_send(0, &header, frame, tcp_at(&c) + 18);
        assert_true(vmm_receive(1, &arrival));
    }
}

/* Headers that lie about their own length, and the rest in accord with that. */
static void headers_out_of_bounds(void **state)
{
    (void)state;
    struct tcp_case whole = { .payload = 500, .gso_size = 100, .tags = 1 };
    struct tcp_case too_long = { .tags = 1, .ip_options = 40, .tcp_options = 40 };
    struct tcp_case empty = { .payload = 0, .gso_size = 1 };
    struct virtio_net_hdr_v1 header = header_of(&whole);
    uint32_t bytes = build(frame, &whole, 0, whole.payload, 0, 0, true);
    open_receiver(PORT_RECV_MERGE);
    frame[18] = 0x44; /* an IP header of 16 bytes, and TCP behind it */
    frame[18 + 16 + 12] = 0x50;
    header.csum_start = 18 + 16;
    vmm_send(0, &header, frame, bytes);
    too_long.payload = 500;
    too_long.gso_size = 100;
    header = header_of(&too_long);
    vmm_send(0, &header, frame, build(frame, &too_long, 0, 500, 0, 0, true));
    header = header_of(&empty);
    vmm_send(0, &header, frame, build(frame, &empty, 0, 0, 0, 0, true));
    header = (struct virtio_net_hdr_v1){ .flags = CSUM, .csum_start = 13, .csum_offset = 20 };
    vmm_send(0, &header, frame, make_frame(frame, 1, 0, 100));
    expect_nothing(1);
    assert_int_equal(core.counters[0].drops[DROP_OFFLOAD], 4);
}

/* IPv6 extension headers before TCP: not cut. */
static void extension_headers(void **state)
{
    (void)state;
    struct tcp_case c = { .ipv6 = true, .payload = 3000, .gso_size = 1000 };
    struct virtio_net_hdr_v1 header = header_of(&c);
    uint32_t bytes = build(frame, &c, 0, c.payload, c.flags, c.id, true);
    open_receiver(ALL);
    frame[20] = 0; /* hop-by-hop options */
    vmm_send(0, &header, frame, bytes);
    expect_nothing(1);
}

/* Three tags, and two before something else than IP: not cut. Without offload they pass. */
static void more_tags(void **state)
{
    (void)state;
    struct tcp_case c = { .tags = 2, .payload = 1000, .gso_size = 500 };
    static const struct virtio_net_hdr_v1 none;
    struct virtio_net_hdr_v1 header = header_of(&c);
    open_receiver(ALL);
    for (uint32_t type = 0x8100; type <= 0x8847; type += 0x0747) {
        uint32_t bytes = build(frame, &c, 0, c.payload, 0, 0, true);
        be(frame + 20, type, 2);
        vmm_send(0, &header, frame, bytes);
        expect_nothing(1);
        vmm_send(0, &none, frame, bytes);
        expect_frame(1, frame, bytes);
    }
    assert_int_equal(core.counters[0].drops[DROP_OFFLOAD], 2);
}

/* Segments stop where the receiver has no room: bounded by what it has posted. */
static void segments_without_room(void **state)
{
    (void)state;
    struct tcp_case c = { .payload = 65000, .gso_size = 1 };
    struct virtio_net_hdr_v1 header = header_of(&c);
    uint32_t bytes = build(frame, &c, 0, c.payload, c.flags, c.id, true), got = 0;
    open_receiver(0);
    vmm_send(0, &header, frame, bytes);
    while (vmm_receive(1, &arrival)) {
        got++;
    }
    assert_int_equal(got, 500);
    assert_int_equal(core.counters[1].drops[DROP_ROOM], 1);
}

/* The longest segment that a guest may send. */
static void sixty_four_kib(void **state)
{
    (void)state;
    struct tcp_case c = { .payload = 65535 - 40, .gso_size = 1448, .tags = 2 };
    struct virtio_net_hdr_v1 header = header_of(&c);
    uint32_t bytes = build(frame, &c, 0, c.payload, c.flags, c.id, true);
    open_receiver(ALL);
    vmm_send(0, &header, frame, bytes);
    expect_whole(&c, 65535 + 22);
    open_receiver(ALL);
    vmm_send(0, &header, frame, bytes + 1);
    expect_nothing(1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(segments),
        TEST(segments_at_random),
        TEST(a_checksum_left_open),
        TEST(no_checksum_is_zero),
        TEST(what_makes_no_sense_is_dropped),
        TEST(short_frames_with_offloads),
        TEST(headers_out_of_bounds),
        TEST(extension_headers),
        TEST(more_tags),
        TEST(segments_without_room),
        TEST(sixty_four_kib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
