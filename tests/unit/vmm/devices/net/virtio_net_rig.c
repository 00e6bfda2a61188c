/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

struct guest guest;
struct virtio_net net;
struct mmio_region region;
struct ring rings[VIRTIO_NET_NUM_QUEUES];
struct vmm_net record;

/* What the switch and other guests rely on. */
static void check(const struct sent *sent)
{
    const struct virtio_net_hdr_v1 *header = &sent->header;
    uint32_t bytes = sent->bytes;
    uint64_t features = net.device.driver_features;
    assert_true(bytes >= 14);
    assert_int_equal(header->num_buffers | header->hdr_len, 0);
    assert_int_equal(header->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
    if (header->flags == 0) {
        assert_int_equal(header->csum_start | header->csum_offset, 0);
    } else {
        assert_true((features & F(CSUM)) != 0);
        assert_true(header->csum_start >= 14);
        assert_true(header->csum_start + header->csum_offset + 2u <= bytes);
    }
    if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        assert_int_equal(header->gso_size, 0);
        assert_true(bytes <= MTU + 22);
        return;
    }
    assert_true((header->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 && (features & F(HOST_TSO4)) != 0) ||
                (header->gso_type == VIRTIO_NET_HDR_GSO_TCPV6 && (features & F(HOST_TSO6)) != 0));
    assert_int_equal(header->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_true(header->gso_size > 0 && bytes <= 65535 + 22);
}

static void signal_device(void)
{
    virtio_net_notified(&net);
}

int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    port_rig_create(&(struct port_rig){ &guest, VIRTIO_NET_HEADER_BYTES, check, signal_device });
    record = (struct vmm_net){
        .port_vaddr = (uint64_t)(uintptr_t)&port,
        .mtu = MTU,
        .channel = CHANNEL,
        .mac = { 0x52, 0x54, 1, 0, 0, 0xfd },
    };
    assert_true(virtio_net_init(&net, "net0", &guest.ram, &guest.irq, &record, port_rig_notify));
    region = virtio_mmio_region(&net.device, 0xa000000, 0x1000);
    return 0;
}

int teardown(void **state)
{
    (void)state;
    port_rig_destroy();
    guest_destroy(&guest);
    return 0;
}

/* ---- The driver ------------------------------------------------------------------------------*/

void snapshot(void)
{
    guest_snapshot(&guest);
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
        ring_allow_used(&rings[i]);
    }
}

void drive(uint64_t accepted)
{
    assert_int_equal(driver_negotiate(&region, accepted), 11);
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
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

void set_header(unsigned n, const struct virtio_net_hdr_v1 *header)
{
    memcpy(guest_at(&guest, HEADER(n)), header, sizeof(*header));
}

void submit(unsigned n, const struct virtio_net_hdr_v1 *header, gpa_t data, uint32_t bytes)
{
    set_header(n, header);
    ring_set(&rings[TX], 2 * n, HEADER(n), sizeof(*header), bytes > 0 ? NEXT : 0, 2 * n + 1);
    ring_set(&rings[TX], 2 * n + 1, data, bytes, 0, 0);
    ring_offer(&rings[TX], 2 * n);
}

void send_plain(unsigned n, gpa_t data, uint32_t bytes)
{
    submit(n, &(struct virtio_net_hdr_v1){ 0 }, data, bytes);
}

void post(unsigned n, gpa_t at, uint32_t bytes)
{
    ring_set(&rings[RX], n, at, bytes, WRITE, 0);
    ring_offer(&rings[RX], n);
}

uint8_t control(uint8_t class, uint8_t command, const void *data, uint32_t bytes)
{
    uint8_t *at = guest_at(&guest, CTRL_GPA);
    at[0] = class;
    at[1] = command;
    memcpy(at + 2, data, bytes);
    at[0xfff] = 0xee;
    ring_set(&rings[CTRL], 0, CTRL_GPA, 2, NEXT, bytes > 0 ? 1 : 2);
    ring_set(&rings[CTRL], 1, CTRL_GPA + 2, bytes, NEXT, 2);
    ring_set(&rings[CTRL], 2, CTRL_GPA + 0xfff, 1, WRITE, 0);
    ring_offer(&rings[CTRL], 0);
    snapshot();
    guest_allow(&guest, CTRL_GPA + 0xfff, 1);
    kick(CTRL);
    if (ring_used(&rings[CTRL])->idx != rings[CTRL].used_seen) {
        assert_int_equal(ring_take_used(&rings[CTRL], 0), 1);
    }
    guest_assert_untouched(&guest);
    return at[0xfff];
}

/* ---- Oracle ----------------------------------------------------------------------------------*/

static void assert_sends_and_receives(void)
{
    static const uint8_t frame[60] = { 0x52, 0x54, 1, 0, 0, 0xfd, 7, 7, 7, 7, 7, 7, 8, 0 };
    memset(guest_at(&guest, BUF(0)), 0x5a, 60);
    send_plain(0, BUF(0), 60);
    post(0, BUF(1), 2048);
    snapshot();
    guest_allow(&guest, BUF(1), sizeof(frame) + VIRTIO_NET_HEADER_BYTES);
    kick(RX);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_memory_equal(sents[0].data, guest_at(&guest, BUF(0)), 60);
    switch_done(0);
    assert_true(switch_deliver(&(struct virtio_net_hdr_v1){ 0 }, frame, sizeof(frame)));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(ring_take_used(&rings[RX], 0), sizeof(frame) + VIRTIO_NET_HEADER_BYTES);
    assert_memory_equal(guest_at(&guest, BUF(1) + VIRTIO_NET_HEADER_BYTES), frame, sizeof(frame));
    assert_true(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_int_equal(num_sents, 0);
    assert_int_equal(num_posteds, 0);
    assert_int_equal(net.port.sending, 0);
}

void assert_works_after_reset(void)
{
    guest_race = NULL;
    switch_is_slow = false;
    drive(ALL);
    assert_int_equal(num_sents, 0);
    assert_int_equal(num_posteds, 0);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    assert_sends_and_receives();
}
