/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/devices/vsock/virtio_vsock_rig.h"

struct guest guest;
struct virtio_vsock vsock;
struct mmio_region region;
struct ring rings[VIRTIO_VSOCK_NUM_QUEUES];
struct vmm_vsock record;

/* What the switch and other guests rely on; a packet to the guest itself is RST and no more. */
static void check(const struct sent *sent)
{
    const struct virtio_vsock_hdr *header = &sent->vsock;
    assert_int_equal(header->len, sent->bytes);
    assert_true(sent->bytes <= 65536);
    assert_true(header->dst_cid <= UINT32_MAX);
    assert_in_range(header->op, REQUEST, ASK);
    if (header->dst_cid == OWN) {
        assert_in_range(sent->id, SIZE, 2 * SIZE + VIRTIO_VSOCK_CONNECTIONS - 1);
        assert_int_equal(header->op, RST);
        assert_int_equal(sent->bytes | header->flags, 0);
        return;
    }
    assert_int_equal(header->src_cid, OWN);
    assert_in_range(header->type, STREAM, SEQPACKET);
    assert_true(header->op == RW || sent->bytes == 0);
    assert_true(header->flags == 0 || header->op == SHUTDOWN ||
                (header->op == RW && header->type == SEQPACKET));
    assert_true(header->flags <= 3);
}

static void signal_device(void)
{
    virtio_vsock_notified(&vsock);
}

int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    port_rig_create(&(struct port_rig){ &guest, HEADER_BYTES, check, signal_device });
    record = (struct vmm_vsock){
        .port_vaddr = (uint64_t)(uintptr_t)&port, .cid = OWN, .channel = CHANNEL, .num_peers = PEERS
    };
    assert_true(
        virtio_vsock_init(&vsock, "vsock", &guest.ram, &guest.irq, &record, port_rig_notify));
    region = virtio_mmio_region(&vsock.device, 0xa000000, 0x1000);
    return 0;
}

int teardown(void **state)
{
    (void)state;
    port_rig_destroy();
    guest_destroy(&guest);
    return 0;
}

void snapshot(void)
{
    guest_snapshot(&guest);
    for (unsigned i = 0; i < VIRTIO_VSOCK_NUM_QUEUES; i++) {
        ring_allow_used(&rings[i]);
    }
}

void drive(uint64_t features)
{
    assert_int_equal(driver_negotiate(&region, features), 11);
    for (unsigned i = 0; i < VIRTIO_VSOCK_NUM_QUEUES; i++) {
        ring_create(&rings[i], &guest, i, SIZE);
        assert_int_equal(driver_place(&region, i, &rings[i]), 1);
    }
    driver_ok(&region);
    snapshot();
}

void kick(unsigned index)
{
    reg_write(&region, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

struct virtio_vsock_hdr packet(uint16_t op, uint32_t bytes)
{
    return (struct virtio_vsock_hdr){
        .src_cid = OWN,
        .dst_cid = PEER,
        .src_port = 1000,
        .dst_port = 2000,
        .len = bytes,
        .type = STREAM,
        .op = op,
        .buf_alloc = 0x40000,
        .fwd_cnt = 77,
    };
}

void submit(unsigned n, const struct virtio_vsock_hdr *header, gpa_t data, uint32_t bytes)
{
    memcpy(guest_at(&guest, PACKET(n)), header, sizeof(*header));
    ring_set(&rings[TX], 2 * n, PACKET(n), sizeof(*header), bytes > 0 ? NEXT : 0, 2 * n + 1);
    ring_set(&rings[TX], 2 * n + 1, data, bytes, 0, 0);
    ring_offer(&rings[TX], 2 * n);
}

void post(unsigned n, gpa_t at, uint32_t bytes)
{
    ring_set(&rings[RX], n, at, bytes, WRITE, 0);
    ring_offer(&rings[RX], n);
}

void switch_route(bool there)
{
    unsigned waiting = 0;
    switch_serve();
    while (waiting < num_sents) {
        struct sent *sent = &sents[waiting];
        if (sent->vsock.dst_cid == OWN && !switch_deliver(&sent->vsock, "", 0)) {
            waiting++;
        } else if (sent->vsock.dst_cid == OWN || there) {
            switch_done(waiting);
        } else {
            switch_put_done(sent->id, PORT_NOT_THERE);
            switch_forget(waiting);
        }
    }
    switch_signal();
}

void expect_rst(unsigned n, gpa_t at, const struct virtio_vsock_hdr *refused)
{
    const struct virtio_vsock_hdr expected = {
        .src_cid = refused->dst_cid,
        .dst_cid = OWN,
        .src_port = refused->dst_port,
        .dst_port = refused->src_port,
        .type = refused->type,
        .op = RST,
    };
    assert_int_equal(ring_take_used(&rings[RX], n), HEADER_BYTES);
    assert_memory_equal(guest_at(&guest, at), &expected, sizeof(expected));
}

static void assert_sends_and_receives(void)
{
    struct virtio_vsock_hdr header = packet(RW, 100), in = packet(RW, 50);
    in.src_cid = PEER;
    in.dst_cid = OWN;
    memset(guest_at(&guest, BUF(1)), 0x3c, 100);
    submit(0, &header, BUF(1), 100);
    post(0, BUF(4), 200);
    snapshot();
    guest_allow(&guest, BUF(4), HEADER_BYTES + 50);
    kick(RX);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_memory_equal(&sents[0].vsock, &header, sizeof(header));
    assert_memory_equal(sents[0].data, guest_at(&guest, BUF(1)), 100);
    switch_done(0);
    assert_true(switch_deliver(&in, guest_at(&guest, BUF(1)), 50));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(ring_take_used(&rings[RX], 0), HEADER_BYTES + 50);
    assert_memory_equal(guest_at(&guest, BUF(4)), &in, sizeof(in));
    assert_memory_equal(guest_at(&guest, BUF(4) + HEADER_BYTES), guest_at(&guest, BUF(1)), 50);
    assert_true(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_int_equal(num_posteds, 0);
    assert_int_equal(vsock.port.sending, 0);
}

void assert_works_after_reset(void)
{
    guest_race = NULL;
    switch_is_slow = false;
    drive(ALL);
    switch_route(true); /* what peers of before are told */
    assert_int_equal(vsock.num_lost, 0);
    assert_int_equal(num_sents, 0);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    assert_sends_and_receives();
}
