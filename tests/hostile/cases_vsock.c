/* SPDX-License-Identifier: BSD-2-Clause */
/* Section V: packets of sockets (5.10.6). The other guest has CID 3, nobody listens on its ports,
 * and no packet of this one reaches a third. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define HEADER_BYTES sizeof(struct virtio_vsock_hdr)
#define SEQPACKET    FEATURE(VIRTIO_VSOCK_F_SEQPACKET)
#define PEER         3u
#define LISTENED     1234u /* vsock_recv's */
#define VSOCK_RING   32u
#define BUFFER_BYTES 256u
#define REQUESTS     1000u
#define MARK_PORT    4242u /* of a packet whose answer shows that no other comes before it */
#define MARK_OP      0xffffu

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

typedef volatile struct virtio_vsock_hdr packet;

static void begin_with(struct virtio *v, uint64_t features)
{
    vreset(v);
    mem_begin();
    vbegin_with(v, VERSION_1 | features, VSOCK_RING);
    post_buffers(v, VSOCK_RX, VSOCK_RING, BUFFER_BYTES);
}

static void begin(struct virtio *v)
{
    begin_with(v, 0);
}

static packet *packet_to(struct virtio *v, uint64_t cid, uint32_t port, uint32_t op)
{
    packet *header = vsock_packet(v, op, 0);
    header->dst_cid = cid;
    header->dst_port = port;
    header->buf_alloc = 0x10000;
    return header;
}

static void send_bytes(struct virtio *v, packet *header, uint32_t bytes)
{
    desc_set(requests_of(v)->desc, header, bytes, 0, 0);
    expect(expect_used(v, 0) == 0, "used.len of a sent packet");
}

static void send(struct virtio *v, packet *header)
{
    send_bytes(v, header, HEADER_BYTES);
}

/* The next packet that comes; its buffer goes back to the device. The op is MARK_OP if none does.
 */
static struct virtio_vsock_hdr received(struct virtio *v)
{
    struct ring *ring = &v->rings[VSOCK_RX];
    if (!ring_wait(v, ring, 1)) {
        expect(false, "an answer does not come");
        return (struct virtio_vsock_hdr){ .op = MARK_OP };
    }
    struct vring_used_elem element = ring_take(ring);
    struct virtio_vsock_hdr header =
        *(packet *)(volatile void *)ring->desc[element.id % VSOCK_RING].addr;
    expect(element.len == HEADER_BYTES + header.len, "used.len of a packet");
    ring_offer(ring, element.id);
    vkick(v, VSOCK_RX);
    return header;
}

/* What is sent next is answered by RST, and by nothing else. */
static void expect_reset(struct virtio *v, packet *header)
{
    send(v, header);
    struct virtio_vsock_hdr answer = received(v);
    expect(answer.op == VIRTIO_VSOCK_OP_RST, "it is not answered by RST");
    expect(answer.src_port == header->dst_port && answer.dst_port == header->src_port,
           "the answer is to something else");
}

/* Nothing was answered until now: the answer to this one comes first. */
static void expect_silence(struct virtio *v)
{
    send(v, packet_to(v, NOBODY, MARK_PORT, VIRTIO_VSOCK_OP_REQUEST));
    expect(received(v).src_port == MARK_PORT, "what is to be dropped is answered");
}

/* What is sent next may be answered by RST or not at all; returns with all of that taken. */
static void expect_reset_or_silence(struct virtio *v, packet *header, uint32_t bytes)
{
    send_bytes(v, header, bytes);
    send(v, packet_to(v, NOBODY, MARK_PORT, VIRTIO_VSOCK_OP_REQUEST));
    struct virtio_vsock_hdr answer = received(v);
    if (answer.src_port != MARK_PORT) {
        expect(answer.op == VIRTIO_VSOCK_OP_RST, "it is answered by something else than RST");
        expect(received(v).src_port == MARK_PORT, "it is answered twice");
    }
}

static void v1(struct virtio *v)
{
    begin(v);
    packet *header = packet_to(v, PEER, 1, VIRTIO_VSOCK_OP_REQUEST);
    for (uint32_t bytes = 1; bytes < HEADER_BYTES; bytes++) {
        send_bytes(v, header, bytes);
    }
    expect_silence(v);
}

static void v2(struct virtio *v)
{
    const uint32_t lengths[] = { 1, 0x1000, 0x10001, 0x80000000, UINT32_MAX };
    begin(v);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        packet *header = packet_to(v, PEER, 1, VIRTIO_VSOCK_OP_RW);
        header->len = lengths[i];
        expect_reset_or_silence(v, header, HEADER_BYTES);
    }
    packet *header = vsock_packet(v, VIRTIO_VSOCK_OP_RW, 0x11000); /* all of it is there */
    header->dst_cid = PEER;
    expect_reset_or_silence(v, header, HEADER_BYTES + 0x11000);
}

/* Its answer waits for a buffer; meanwhile the packet becomes another. */
static void v3(struct virtio *v)
{
    vreset(v);
    mem_begin();
    vbegin_with(v, VERSION_1, VSOCK_RING);
    packet *header = packet_to(v, NOBODY, 77, VIRTIO_VSOCK_OP_REQUEST);
    desc_set(requests_of(v)->desc, header, HEADER_BYTES, 0, 0);
    ring_offer(requests_of(v), 0);
    vkick(v, VSOCK_TX);
    header->src_cid = PEER;
    header->src_port = 1;
    header->dst_port = 2;
    header->op = VIRTIO_VSOCK_OP_RST;
    post_buffers(v, VSOCK_RX, VSOCK_RING, BUFFER_BYTES);
    struct virtio_vsock_hdr answer = received(v);
    expect(answer.src_port == 77 && answer.src_cid == NOBODY, "a header is read twice");
    expect(ring_wait(v, requests_of(v), 1), "an answered packet does not come back");
}

static void v4(struct virtio *v)
{
    const uint64_t others[] = { 0, 1, 2, PEER, NOBODY, UINT32_MAX, 1ul << 32, UINT64_MAX };
    begin(v);
    for (size_t i = 0; i < 2 * COUNT(others); i++) { /* to nobody, it would be answered by RST */
        packet *header = packet_to(v, i % 2 == 0 ? PEER : NOBODY, 1, VIRTIO_VSOCK_OP_REQUEST);
        header->src_cid = others[i / 2];
        send(v, header);
    }
    expect_silence(v);
}

static void v5(struct virtio *v)
{
    uint64_t own = load(v->base + VIRTIO_MMIO_CONFIG, 8);
    const uint64_t nobody[] = { 0, 1, 2, 5, own, NOBODY, UINT32_MAX, PEER | 1ul << 32, UINT64_MAX };
    begin(v);
    for (size_t i = 0; i < COUNT(nobody); i++) {
        expect_reset_or_silence(v, packet_to(v, nobody[i], 1, VIRTIO_VSOCK_OP_REQUEST),
                                HEADER_BYTES);
    }
}

static void v6(struct virtio *v)
{
    const uint16_t types[] = { 0, 3, 0x7fff, 0xffff };
    begin(v);
    for (size_t i = 0; i < COUNT(types); i++) {
        packet *header = packet_to(v, PEER, 1, VIRTIO_VSOCK_OP_REQUEST);
        header->type = types[i];
        expect_reset(v, header);
    }
}

static void v7(struct virtio *v)
{
    const uint16_t ops[] = { VIRTIO_VSOCK_OP_INVALID, 8, 9, 0x8000, 0xffff };
    begin(v);
    for (size_t i = 0; i < COUNT(ops); i++) {
        expect_reset_or_silence(v, packet_to(v, PEER, 1, ops[i]), HEADER_BYTES);
    }
}

static void v8(struct virtio *v)
{
    const uint16_t ops[] = { VIRTIO_VSOCK_OP_RW, VIRTIO_VSOCK_OP_CREDIT_UPDATE,
                             VIRTIO_VSOCK_OP_CREDIT_REQUEST, VIRTIO_VSOCK_OP_SHUTDOWN };
    begin(v);
    for (size_t i = 0; i < COUNT(ops); i++) {
        expect_reset(v, packet_to(v, PEER, 1, ops[i]));
        expect_reset(v, packet_to(v, NOBODY, 1, ops[i]));
    }
}

static void v9(struct virtio *v)
{
    const uint64_t cids[] = { PEER, NOBODY, 2 };
    begin(v);
    for (size_t i = 0; i < COUNT(cids); i++) {
        send(v, packet_to(v, cids[i], 1, VIRTIO_VSOCK_OP_RST));
    }
    expect_silence(v);
}

static void v10(struct virtio *v)
{
    begin(v);
    expect_reset(v, packet_to(v, PEER, 1, VIRTIO_VSOCK_OP_RESPONSE));
    expect_reset(v, packet_to(v, PEER, 1, VIRTIO_VSOCK_OP_REQUEST));
    expect_reset(v, packet_to(v, PEER, 1, VIRTIO_VSOCK_OP_REQUEST));
}

/* A connection to the one who listens, who may not be back from the last one yet. */
static bool connect(struct virtio *v, uint32_t own_port)
{
    for (unsigned i = 0; i < 1000; i++) {
        packet *header = packet_to(v, PEER, LISTENED, VIRTIO_VSOCK_OP_REQUEST);
        header->src_port = own_port;
        send(v, header);
        uint16_t op = received(v).op;
        if (op == VIRTIO_VSOCK_OP_RESPONSE) {
            return true;
        }
        expect(op == VIRTIO_VSOCK_OP_RST, "a request has a strange answer");
        pause_us(20000);
    }
    expect(false, "nobody listens");
    return false;
}

/* Ends the connection, and takes all that the peer has said until then. Its words may have filled
 * all buffers, so that the last packet's answer, and with it the packet, has to wait for them. */
static void end(struct virtio *v, uint32_t own_port)
{
    struct ring *ring = requests_of(v);
    packet *header = packet_to(v, PEER, LISTENED, VIRTIO_VSOCK_OP_RST);
    header->src_port = own_port;
    send(v, header);
    header = packet_to(v, NOBODY, MARK_PORT, VIRTIO_VSOCK_OP_REQUEST);
    desc_set(ring->desc, header, HEADER_BYTES, 0, 0);
    ring_offer(ring, 0);
    vkick(v, VSOCK_TX);
    struct virtio_vsock_hdr said;
    do {
        said = received(v);
    } while (said.src_port != MARK_PORT && said.op != MARK_OP);
    expect(ring_wait(v, ring, 1), "the last packet does not come back");
    ring_take(ring);
}

/* More than the peer said that it takes, and more again. */
static void v11(struct virtio *v)
{
    const uint32_t payload = 0x8000;
    begin(v);
    if (connect(v, 1011)) {
        packet *header = vsock_packet(v, VIRTIO_VSOCK_OP_RW, payload);
        header->dst_cid = PEER;
        header->dst_port = LISTENED;
        header->src_port = 1011;
        for (unsigned i = 0; i < 40; i++) {
            send_bytes(v, header, HEADER_BYTES + payload);
        }
        end(v, 1011);
    }
}

static void v12(struct virtio *v)
{
    const uint32_t words[] = { 0, 1, 0x7fffffff, 0x80000000, UINT32_MAX };
    begin(v);
    if (connect(v, 1012)) {
        for (size_t i = 0; i < COUNT(words) * COUNT(words); i++) {
            packet *header = packet_to(v, PEER, LISTENED, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
            header->src_port = 1012;
            header->buf_alloc = words[i % COUNT(words)];
            header->fwd_cnt = words[i / COUNT(words)];
            send(v, header);
        }
        end(v, 1012);
    }
}

/* Offers a packet at each descriptor, all with one kick; half of them to nobody. */
static void send_many(struct virtio *v, uint32_t op, uint32_t first_port)
{
    struct ring *ring = requests_of(v);
    for (uint16_t i = 0; i < VSOCK_RING; i++) {
        packet *header = packet_to(v, i % 2 == 0 ? PEER : NOBODY, 5000, op);
        header->src_port = first_port + i;
        desc_set(&ring->desc[i], header, HEADER_BYTES, 0, 0);
        ring_offer(ring, i);
    }
    vkick(v, VSOCK_TX);
}

static void expect_many_resets(struct virtio *v)
{
    for (unsigned i = 0; i < VSOCK_RING; i++) {
        expect(received(v).op == VIRTIO_VSOCK_OP_RST, "an answer is lost");
    }
    expect(ring_wait(v, requests_of(v), VSOCK_RING), "packets do not come back");
}

static void v13(struct virtio *v)
{
    for (uint32_t i = 0; i < REQUESTS; i += VSOCK_RING) {
        begin(v);
        send_many(v, VIRTIO_VSOCK_OP_REQUEST, 10000 + i);
        expect_many_resets(v);
    }
}

/* As many as the ring takes, without buffers for the answers: they wait, and then all come. */
static void v14(struct virtio *v)
{
    vreset(v);
    mem_begin();
    vbegin_with(v, VERSION_1, VSOCK_RING);
    send_many(v, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 1);
    pause_us(20000);
    post_buffers(v, VSOCK_RX, VSOCK_RING, BUFFER_BYTES);
    expect_many_resets(v);
}

static void v15(struct virtio *v)
{
    const uint32_t flags[] = { 0, UINT32_MAX, VIRTIO_VSOCK_SHUTDOWN_SEND, 0, 3 };
    begin(v);
    if (connect(v, 1015)) {
        for (size_t i = 0; i < COUNT(flags); i++) {
            packet *header = packet_to(v, PEER, LISTENED, VIRTIO_VSOCK_OP_SHUTDOWN);
            header->src_port = 1015;
            header->flags = flags[i];
            send(v, header);
            header = vsock_packet(v, VIRTIO_VSOCK_OP_RW, 16);
            header->dst_cid = PEER;
            header->dst_port = LISTENED;
            header->src_port = 1015;
            send_bytes(v, header, HEADER_BYTES + 16);
        }
        end(v, 1015);
    }
}

static void v16(struct virtio *v)
{
    begin(v);
    packet *header = packet_to(v, PEER, LISTENED, VIRTIO_VSOCK_OP_REQUEST);
    header->type = 2; /* VIRTIO_VSOCK_TYPE_SEQPACKET */
    expect_reset(v, header);
    begin_with(v, SEQPACKET);
    header = vsock_packet(v, VIRTIO_VSOCK_OP_RW, 16);
    header->dst_cid = PEER;
    header->type = 2;
    header->flags = UINT32_MAX;
    expect_reset_or_silence(v, header, HEADER_BYTES + 16);
}

static void v17(struct virtio *v)
{
    const uint32_t lengths[] = { 1, 43, 44 };
    for (size_t i = 0; i < COUNT(lengths); i++) {
        vreset(v);
        mem_begin();
        vbegin_with(v, VERSION_1, VSOCK_RING);
        post_buffers(v, VSOCK_RX, 1, lengths[i]);
        expect(vneeds_reset(v), "a buffer without room behind a header is taken");
    }
}

/* A guest that resets its device in the middle of a stream, and has no buffer for events. */
static void v18(struct virtio *v)
{
    for (uint32_t i = 0; i < 3; i++) {
        begin(v);
        connect(v,
                1800 + i); /* the peer hears of the last one's end, or it would not listen again */
        expect(vreset(v), "Status does not read 0 after a reset");
    }
}

static void v19(struct virtio *v)
{
    begin(v);
    for (unsigned i = 0; i < 3; i++) {
        if (connect(v, 1019)) {
            end(v, 1019);
        }
    }
}

static const struct row rows[] = {
    { "V1", "packets shorter than a header", VSOCK, v1 },
    { "V2", "lengths that are not the packet's", VSOCK, v2 },
    { "V3", "a header changed while its answer waits", VSOCK, v3 },
    { "V4", "another's CID as the source", VSOCK, v4 },
    { "V5", "CIDs of nobody", VSOCK, v5 },
    { "V6", "unknown types", VSOCK, v6 },
    { "V7", "unknown operations", VSOCK, v7 },
    { "V8", "packets of no connection", VSOCK, v8 },
    { "V9", "RST of no connection", VSOCK, v9 },
    { "V10", "a request twice, a response to nothing", VSOCK, v10 },
    { "V11", "more than the peer takes", VSOCK, v11 },
    { "V12", "credit that makes no sense", VSOCK, v12 },
    { "V13", "a flood of requests", VSOCK, v13 },
    { "V14", "answers without buffers for them", VSOCK, v14 },
    { "V15", "shutdowns that make no sense, and data behind them", VSOCK, v15 },
    { "V16", "SEQPACKET that was not agreed on, flags", VSOCK, v16 },
    { "V17", "buffers without room behind a header", VSOCK, v17 },
    { "V18", "resets in the middle of a stream", VSOCK, v18 },
    { "V19", "ports used again at once", VSOCK, v19 },
};

const struct section section_v = SECTION('V', rows);
