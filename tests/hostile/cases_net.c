/* SPDX-License-Identifier: BSD-2-Clause */
/* Section N: frames (5.1.6). Who answers is the other guest, which has 192.168.1.1: what it answers
 * tells which frames have come to it. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <linux/if_ether.h>
#include <stddef.h>

#define NEXT         VRING_DESC_F_NEXT
#define WRITE        VRING_DESC_F_WRITE

#define CSUM         FEATURE(VIRTIO_NET_F_CSUM)
#define TSO4         FEATURE(VIRTIO_NET_F_HOST_TSO4)
#define MRG_RXBUF    FEATURE(VIRTIO_NET_F_MRG_RXBUF)
#define CTRL         (FEATURE(VIRTIO_NET_F_CTRL_VQ) | FEATURE(VIRTIO_NET_F_CTRL_RX))

#define NET_RING     32u
#define ARP_BYTES    60u
#define GOOD_HOST    2u /* whom the good request is from: 192.168.1.2 */
#define BAD_HOST     3u
#define LONGEST      0x18000u
#define STORM        2000u
#define TRIES        300u

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const uint8_t everybody[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void begin_with(struct virtio *v, uint64_t features)
{
    vreset(v);
    mem_begin();
    vbegin_with(v, VERSION_1 | features, NET_RING);
}

/* A good request of 192.168.1.HOST for the address of 192.168.1.1 (RFC 826). */
static struct net_parts arp(struct virtio *v, uint8_t host)
{
    static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1 };
    const uint8_t sender[] = { 192, 168, 1, host }, target[] = { 192, 168, 1, 1 };
    struct net_parts parts = net_frame(v, everybody, ARP_BYTES);
    for (size_t i = 0; i < sizeof(head); i++) {
        parts.frame[12 + i] = head[i];
    }
    for (size_t i = 0; i < ETH_ALEN; i++) {
        parts.frame[22 + i] = parts.frame[ETH_ALEN + i];
    }
    for (size_t i = 0; i < 4; i++) {
        parts.frame[28 + i] = sender[i];
        parts.frame[38 + i] = target[i];
    }
    return parts;
}

/* Sends `bytes` of header and frame at descriptor 0; it must come back. */
static void send(struct virtio *v, struct net_parts parts, uint32_t bytes)
{
    desc_set(requests_of(v)->desc, parts.header, bytes, 0, 0);
    expect(expect_used(v, 0) == 0, "used.len of a sent frame");
}

/* Whether something is received; a frame may be lost, so this ends soon. */
static bool hears(struct virtio *v)
{
    for (unsigned i = 0; i < 100 && ring_used(&v->rings[NET_RX]) == 0; i++) {
        pause_us(1000);
    }
    return ring_used(&v->rings[NET_RX]) > 0;
}

/* The next answer that comes: to whose request. What else the other guest says does not count. 0:
 * none comes. Buffers go back to the device. */
static uint8_t answered(struct virtio *v)
{
    struct ring *ring = &v->rings[NET_RX];
    uint8_t host = 0;
    while (host == 0 && hears(v)) {
        struct vring_used_elem element = ring_take(ring);
        const volatile uint8_t *frame =
            (const volatile uint8_t *)ring->desc[element.id % NET_RING].addr + NET_HEADER_BYTES;
        bool is_reply = element.len >= NET_HEADER_BYTES + 42 && frame[12] == 8 && frame[13] == 6 &&
                        frame[21] == 2;
        host = is_reply ? frame[41] : 0;
        ring_offer(ring, element.id);
        vkick(v, NET_RX);
    }
    return host;
}

/* Sends a request until one is answered: frames are lost while the other guest has no time. */
static uint8_t ask(struct virtio *v, struct net_parts parts)
{
    uint8_t host = 0;
    for (unsigned i = 0; i < TRIES && host == 0; i++) {
        send(v, parts, NET_HEADER_BYTES + ARP_BYTES);
        host = answered(v);
    }
    return host;
}

/* What was sent before must not be answered: the answer to a good request comes first. */
static void expect_unheard(struct virtio *v)
{
    uint8_t host = ask(v, arp(v, GOOD_HOST));
    expect(host != BAD_HOST, "a frame that makes no sense is delivered");
    expect(host == GOOD_HOST, "a good frame is not answered");
}

static void listen(struct virtio *v, uint64_t features)
{
    begin_with(v, features);
    post_buffers(v, NET_RX, NET_RING, 2048);
}

static void n1(struct virtio *v)
{
    listen(v, 0);
    for (uint32_t bytes = 1; bytes < NET_HEADER_BYTES; bytes++) {
        send(v, arp(v, BAD_HOST), bytes);
    }
    expect_unheard(v);
}

static void n2(struct virtio *v)
{
    listen(v, 0);
    for (uint32_t bytes = NET_HEADER_BYTES; bytes < NET_HEADER_BYTES + 42; bytes++) {
        send(v, arp(v, BAD_HOST), bytes);
    }
    expect_unheard(v);
}

static void n3(struct virtio *v)
{
    const uint32_t lengths[] = { 1523, 2048, 4096, 65535, 65536, LONGEST };
    begin_with(v, 0);
    struct net_parts parts = arp(v, BAD_HOST);
    volatile uint8_t *large = mem_take(NET_HEADER_BYTES + LONGEST, 8, MEM_DRIVER);
    for (uint32_t i = 0; i < ARP_BYTES; i++) {
        large[NET_HEADER_BYTES + i] = parts.frame[i];
    }
    parts.header = (volatile struct virtio_net_hdr_v1 *)(volatile void *)large;
    post_buffers(v, NET_RX, NET_RING, 2048);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        send(v, parts, NET_HEADER_BYTES + lengths[i]);
    }
    expect_unheard(v);
}

/* ---- The header ------------------------------------------------------------------------------*/

/* A request under a header that must keep it from being heard. */
static void send_under(struct virtio *v, struct virtio_net_hdr_v1 header)
{
    struct net_parts parts = arp(v, BAD_HOST);
    *parts.header = header;
    send(v, parts, NET_HEADER_BYTES + ARP_BYTES);
}

static void n4(struct virtio *v)
{
    const uint8_t kinds[] = { VIRTIO_NET_HDR_GSO_TCPV4,
                              VIRTIO_NET_HDR_GSO_UDP,
                              VIRTIO_NET_HDR_GSO_TCPV6,
                              2,
                              0x7f,
                              0x80,
                              0xff };
    listen(v, 0);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        send_under(v, (struct virtio_net_hdr_v1){ .gso_type = kinds[i], .gso_size = 1000 });
    }
    expect_unheard(v);
    listen(v, CSUM | TSO4);
    const uint8_t needs = VIRTIO_NET_HDR_F_NEEDS_CSUM, tcp = VIRTIO_NET_HDR_GSO_TCPV4;
    send_under(v, (struct virtio_net_hdr_v1){ .flags = needs, .gso_type = tcp, .csum_start = 14 });
    send_under(v, (struct virtio_net_hdr_v1){ .gso_type = tcp, .gso_size = 1000 });
    send_under(v, (struct virtio_net_hdr_v1){ .flags = needs,
                                              .gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
                                              .gso_size = 1000,
                                              .csum_start = 14 });
    expect_unheard(v);
    struct net_parts parts = arp(v, GOOD_HOST); /* hdr_len is a hint that nobody trusts */
    parts.header->hdr_len = 0xffff;
    expect(ask(v, parts) == GOOD_HOST, "hdr_len counts");
}

static void n5(struct virtio *v)
{
    static const uint16_t places[][2] = { { 59, 0 },          { 0xffff, 0 },
                                          { 14, 45 },         { 14, 0xffff },
                                          { 0xffff, 0xffff }, { 0xffff, 2 },
                                          { 60, 0 },          { 0, 0 } };
    listen(v, 0);
    send_under(v, (struct virtio_net_hdr_v1){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                              .csum_start = 14 }); /* not agreed on */
    expect_unheard(v);
    listen(v, CSUM);
    for (size_t i = 0; i < COUNT(places); i++) {
        send_under(v, (struct virtio_net_hdr_v1){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                                  .csum_start = places[i][0],
                                                  .csum_offset = places[i][1] });
    }
    expect_unheard(v);
}

static void n6(struct virtio *v)
{
    listen(v, CSUM);
    struct net_parts parts = arp(v, GOOD_HOST);
    *parts.header = (struct virtio_net_hdr_v1){ .flags = 0xfe & ~VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                                .csum_start = 0xffff,
                                                .csum_offset = 0xffff,
                                                .num_buffers = 0xffff };
    expect(ask(v, parts) == GOOD_HOST, "fields count that no flag speaks of");
}

/* IPv4 and TCP headers of any content, under a header that asks for segments. */
static void n7(struct virtio *v)
{
    listen(v, CSUM | TSO4);
    for (unsigned i = 0; i < 64; i++) {
        volatile uint8_t *at = mem_take(NET_HEADER_BYTES + 3000, 8, MEM_DRIVER);
        struct net_parts parts = { (volatile struct virtio_net_hdr_v1 *)(volatile void *)at,
                                   at + NET_HEADER_BYTES };
        struct net_parts plain = arp(v, BAD_HOST);
        for (unsigned j = 0; j < 14; j++) {
            parts.frame[j] = plain.frame[j];
        }
        parts.frame[13] = i % 8 == 7 ? 0xdd : 0x00;   /* IPv4, or what is none */
        parts.frame[14] = (uint8_t)(0x40 | (i & 15)); /* header length, in words */
        parts.frame[16] = (uint8_t)(i * 37);          /* total length */
        parts.frame[23] = i % 4 == 3 ? 17 : 6;        /* protocol */
        parts.frame[34 + 12] = (uint8_t)(i << 4);     /* TCP's header length */
        *parts.header = (struct virtio_net_hdr_v1){
            .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
            .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
            .gso_size = (uint16_t)(1 + i * 41 % 1500),
            .csum_start = (uint16_t)(14 + i),
            .csum_offset = 16,
        };
        send(v, parts, NET_HEADER_BYTES + 100 + 40 * i);
    }
    expect_unheard(v);
}

/* ---- Receiving -------------------------------------------------------------------------------*/

static void n8(struct virtio *v)
{
    begin_with(v, 0);
    post_buffers(v, NET_RX, 4, NET_HEADER_BYTES + 20);
    for (unsigned i = 0; i < 4; i++) {
        send(v, arp(v, GOOD_HOST), NET_HEADER_BYTES + ARP_BYTES);
    }
    pause_us(20000);
    struct ring *ring = &v->rings[NET_RX];
    while (ring_used(ring) > 0) {
        expect(ring_take(ring).len <= NET_HEADER_BYTES + 20, "a buffer holds more than it can");
    }
}

static uint16_t num_buffers_at(const struct ring *ring, uint16_t at)
{
    return ((const volatile struct virtio_net_hdr_v1 *)ring->desc[at].addr)->num_buffers;
}

static void n9(struct virtio *v)
{
    const uint32_t room = 16;
    begin_with(v, MRG_RXBUF);
    post_buffers(v, NET_RX, NET_RING, room);
    struct ring *ring = &v->rings[NET_RX];
    struct net_parts parts = arp(v, GOOD_HOST);
    for (unsigned i = 0; i < TRIES && ring_used(ring) == 0; i++) {
        send(v, parts, NET_HEADER_BYTES + ARP_BYTES);
        hears(v);
    }
    expect(ring_used(ring) > 0, "nothing comes into small buffers");
    uint16_t frames = 0; /* how many buffers they have, as their headers tell */
    for (uint16_t i = 0, used = ring_used(ring); i < used; i++) {
        struct vring_used_elem element = ring_take(ring);
        expect(element.id == i && element.len <= room, "a buffer holds more than it can");
        if (i == frames) {
            frames = (uint16_t)(frames + num_buffers_at(ring, i));
        }
        expect(i < frames && frames <= used, "num_buffers is not how many are used");
    }
    begin_with(v, MRG_RXBUF);
    post_buffers(v, NET_RX, 2, room); /* too few: all or nothing */
    send(v, arp(v, GOOD_HOST), NET_HEADER_BYTES + ARP_BYTES);
    pause_us(20000);
    expect(ring_used(ring) == 0, "half a frame comes");
    begin_with(v, MRG_RXBUF);
    post_buffers(v, NET_RX, 4, 1);
    expect(vneeds_reset(v), "buffers that hold no header are taken");
}

static void n10(struct virtio *v)
{
    begin_with(v, 0);
    struct ring *ring = &v->rings[NET_RX];
    desc_set(ring->desc, mem_take(2048, 8, MEM_DRIVER), 2048, 0, 0);
    ring_offer(ring, 0);
    vkick(v, NET_RX);
    expect(vneeds_reset(v) && ring_used(ring) == 0, "a readable buffer to receive into is taken");
}

static void n11(struct virtio *v)
{
    begin_with(v, 0);
    struct net_parts parts = arp(v, BAD_HOST);
    for (unsigned i = 0; i < 200; i++) {
        send(v, parts, NET_HEADER_BYTES + ARP_BYTES);
    }
    pause_us(20000);
    post_buffers(v, NET_RX, NET_RING, 2048);
    struct net_parts good = arp(v, GOOD_HOST);
    uint8_t host = BAD_HOST;
    for (unsigned i = 0; i < TRIES && host == BAD_HOST; i++) { /* late answers to the others */
        host = ask(v, good);
    }
    expect(host == GOOD_HOST, "after frames without buffers none comes any more");
}

static void n12(struct virtio *v)
{
    listen(v, 0);
    for (unsigned i = 0; i < 4; i++) { /* another station's source, a group's, the receiver's own */
        struct net_parts parts = arp(v, BAD_HOST);
        parts.frame[ETH_ALEN] = (uint8_t)(parts.frame[ETH_ALEN] | (i & 1));
        parts.frame[ETH_ALEN + 5] = (uint8_t)(parts.frame[ETH_ALEN + 5] + i + (i % 2 == 0 ? 1 : 0));
        send(v, parts, NET_HEADER_BYTES + ARP_BYTES);
    }
    struct net_parts own = arp(v, BAD_HOST);
    for (unsigned i = 0; i < ETH_ALEN; i++) {
        own.frame[i] = own.frame[ETH_ALEN + i];
    }
    send(v, own, NET_HEADER_BYTES + ARP_BYTES);
    expect_unheard(v);
    struct net_parts parts = net_frame(v, everybody, ARP_BYTES);
    for (unsigned i = 0; i < STORM; i++) {
        send(v, parts, NET_HEADER_BYTES + ARP_BYTES);
    }
}

/* ---- The control queue -----------------------------------------------------------------------*/

/* Sends `bytes` of a command at descriptor 0, with room for an answer behind it; returns that. */
static uint8_t control(struct virtio *v, const uint8_t *command, uint32_t bytes, uint32_t room)
{
    struct ring *ring = &v->rings[NET_CTRL];
    volatile uint8_t *text = mem_take(bytes, 8, MEM_DRIVER);
    volatile uint8_t *answer = mem_take(8, 8, MEM_DEVICE);
    for (uint32_t i = 0; i < bytes; i++) {
        text[i] = command[i];
    }
    *answer = 0xee;
    desc_set(&ring->desc[0], text, bytes, room > 0 ? NEXT : 0, 1);
    desc_set(&ring->desc[1], answer, room, WRITE, 0);
    ring_offer(ring, 0);
    vkick(v, NET_CTRL);
    expect(ring_wait(v, ring, 1), "a command does not come back");
    expect(ring_take(ring).len == (room > 0 ? 1 : 0), "used.len of a command");
    return *answer;
}

static void n13(struct virtio *v)
{
    static const struct {
        uint8_t command[12];
        uint32_t bytes;
    } wrong[] = {
        { { 0 }, 1 },                        /* half a header */
        { { VIRTIO_NET_CTRL_RX, 0 }, 2 },    /* no byte */
        { { VIRTIO_NET_CTRL_RX, 0, 2 }, 3 }, /* neither on nor off */
        { { VIRTIO_NET_CTRL_RX, 6, 1 }, 3 }, /* unknown command */
        { { VIRTIO_NET_CTRL_RX, 0xff, 1 }, 3 },
        { { 0x7f, 0, 1 }, 3 },                                     /* unknown class */
        { { VIRTIO_NET_CTRL_MAC, 0, 0, 0, 0 }, 5 },                /* half a count */
        { { VIRTIO_NET_CTRL_MAC, 0, 0xff, 0xff, 0xff, 0xff }, 6 }, /* 2^32 - 1 addresses */
        { { VIRTIO_NET_CTRL_MAC, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, 10 },
        { { VIRTIO_NET_CTRL_MAC, 0, 0x55, 0x55, 0x55, 0x55, 0, 0, 0, 0 }, 10 },
        { { VIRTIO_NET_CTRL_MQ, 0, 0, 0 }, 4 }, /* no pairs */
        { { VIRTIO_NET_CTRL_MQ, 0, 0xff, 0xff }, 4 },
    };
    const uint8_t promiscuous[] = { VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 1 };
    begin_with(v, CTRL);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        expect(control(v, wrong[i].command, wrong[i].bytes, 1) == VIRTIO_NET_ERR,
               "a command that makes no sense is obeyed");
        control(v, wrong[i].command, wrong[i].bytes, 0);
    }
    expect(control(v, promiscuous, sizeof(promiscuous), 1) == VIRTIO_NET_OK, "a good one is not");
    expect_request(v, 0);
}

static void n14(struct virtio *v)
{
    listen(v, 0);
    expect_unheard(
        v); /* a frame that begins 12 bytes into its buffer is understood by answered() */
    expect(!vreset(v) || !vagree(v, VERSION_1 | FEATURE(VIRTIO_NET_F_HASH_REPORT)),
           "HASH_REPORT, with a longer header, is accepted");
}

static const struct row rows[] = {
    { "N1", "frames shorter than their header", NET, n1 },
    { "N2", "frames that are cut off", NET, n2 },
    { "N3", "frames longer than the MTU", NET, n3 },
    { "N4", "segmentation that was not agreed on, or of nothing", NET, n4 },
    { "N5", "checksums behind the end", NET, n5 },
    { "N6", "checksum fields without the flag", NET, n6 },
    { "N7", "IP and TCP headers of any content", NET, n7 },
    { "N8", "buffers shorter than a frame", NET, n8 },
    { "N9", "merged buffers, small, too few, of one byte", NET, n9 },
    { "N10", "a readable buffer to receive into", NET, n10 },
    { "N11", "answers without buffers for them", NET, n11 },
    { "N12", "other stations' addresses, a storm", NET, n12 },
    { "N13", "commands that make no sense", NET, n13 },
    { "N14", "the header's length", NET, n14 },
};

const struct section section_n = SECTION('N', rows);
