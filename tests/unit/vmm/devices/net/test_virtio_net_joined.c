/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two network cards on the switch itself: both sides of the port's contract together. The switch
 * runs when a card notifies it, as the higher priority of its PD makes it, or later, as it does
 * beside the cards on a core of its own.
 */
#include "io/virt/switch/switch_core.h"
#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/devices/net/virtio_net.h"

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#define F(name) VIRTIO_FEATURE(VIRTIO_NET_F_##name)
#define FEATURES                                                                                   \
    (VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) |                \
     VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | F(CSUM) | F(GUEST_CSUM) | F(HOST_TSO4) |        \
     F(GUEST_TSO4) | F(MRG_RXBUF))
#define SIZE        64u
#define NUM_BUFFERS 32u
#define NUM_SLOTS   3u
#define FRAME_BYTES 20000u
#define HEADERS     54u /* Ethernet, IPv4, TCP */

enum { RX = VIRTIO_NET_RX, TX = VIRTIO_NET_TX, BUFFER = 2048 };

struct side {
    struct guest guest;
    struct virtio_net net;
    struct mmio_region region;
    struct ring rings[2];
    struct port port;
    struct vmm_net record;
    bool signalled;
    unsigned num_posted; /* in the whole life of its rings */
    unsigned sent, received;
};

static struct side sides[2];
static struct switch_config config;
static struct switch_core core;
static unsigned wake_ups;
static bool switch_is_late, switch_must_run;

static void card_notifies(unsigned channel)
{
    assert_in_range(channel, 10, 11);
    wake_ups++;
    switch_must_run = switch_is_late;
    if (!switch_is_late) {
        switch_core_run(&core);
    }
}

static void switch_notifies(uint8_t channel)
{
    assert_in_range(channel, 10, 11);
    sides[channel - 10].signalled = true;
}

static void report(const char *text)
{
    fail_msg("%s", text);
}

static void set_timeout(uint64_t ns)
{
    (void)ns;
}

static const struct switch_ops ops = { switch_notifies, report, set_timeout };

static void join(unsigned i)
{
    struct side *side = &sides[i];
    struct switch_port *port = &config.ports[i];
    guest_create(&side->guest);
    side->record = (struct vmm_net){
        .port_vaddr = (uint64_t)(uintptr_t)&side->port,
        .mtu = 1500,
        .channel = (uint8_t)(10 + i),
        .mac = { 2, 0, 0, 0, 0, (uint8_t)i },
    };
    *port = (struct switch_port){
        .port_vaddr = side->record.port_vaddr,
        .memory = { (uint64_t)(uintptr_t)side->guest.ram.base, RAM_BYTES },
        .allow = UINT32_MAX,
        .mtu = 1500,
        .channel = side->record.channel,
        .fixed = true,
        .name = "guest",
    };
    memcpy(port->mac, side->record.mac, 6);
    assert_true(virtio_net_init(&side->net, "net0", &side->guest.ram, &side->guest.irq,
                                &side->record, card_notifies));
    side->region = virtio_mmio_region(&side->net.device, 0xa000000, 0x1000);
}

static int setup(void **state)
{
    (void)state;
    memset(sides, 0, sizeof(sides));
    switch_is_late = switch_must_run = false;
    config = (struct switch_config){ .magic = SWITCH_CONFIG_MAGIC,
                                     .num_ports = 2,
                                     .timer_channel = SWITCH_NO_CHANNEL };
    join(0);
    join(1);
    switch_core_init(&core, &config, &ops);
    switch_core_run(&core);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_destroy(&sides[0].guest);
    guest_destroy(&sides[1].guest);
    return 0;
}

static void drive(struct side *side)
{
    assert_int_equal(driver_negotiate(&side->region, FEATURES), 11);
    for (unsigned q = 0; q < 2; q++) {
        ring_create(&side->rings[q], &side->guest, q, SIZE);
        assert_int_equal(driver_place(&side->region, q, &side->rings[q]), 1);
    }
    driver_ok(&side->region);
    side->num_posted = 0;
}

static void settle(void)
{
    for (unsigned i = 0; i < 8; i++) {
        struct side *side = &sides[i % 2];
        if (switch_must_run) {
            switch_must_run = false;
            switch_core_run(&core);
        }
        if (side->signalled) {
            side->signalled = false;
            virtio_net_notified(&side->net);
        }
        while (virtio_mmio_poll(&side->net.device)) {
        }
    }
}

static void post_all(struct side *side)
{
    while ((uint16_t)(side->num_posted - side->rings[RX].used_seen) < NUM_BUFFERS) {
        unsigned n = side->num_posted++ % NUM_BUFFERS;
        ring_set(&side->rings[RX], n, BUFFERS_GPA + n * BUFFER, BUFFER, WRITE, 0);
        ring_offer(&side->rings[RX], n);
    }
    reg_write(&side->region, VIRTIO_MMIO_QUEUE_NOTIFY, RX);
}

/* Frame `number` of a side: TCP over IPv4 to the other; its length and bytes follow from that. */
static uint32_t make_frame(unsigned from, unsigned number, uint8_t *frame)
{
    uint32_t bytes = HEADERS + number * 7919 % (number % 3 == 0 ? FRAME_BYTES - HEADERS : 1400);
    uint32_t ip_bytes = bytes - 14;
    for (uint32_t i = 0; i < bytes; i++) {
        frame[i] = (uint8_t)((number + from * 77 + i) * 0x9e3779b1u >> 11);
    }
    memcpy(frame, sides[1 - from].record.mac, 6);
    memcpy(frame + 6, sides[from].record.mac, 6);
    memcpy(frame + 12,
           (uint8_t[]){ 8, 0, 0x45, 0, (uint8_t)(ip_bytes >> 8), (uint8_t)ip_bytes, 0, 0, 0x40, 0,
                        64, 6 },
           12);
    frame[46] = 0x50; /* a TCP header of 20 bytes */
    return bytes;
}

static void send(unsigned from)
{
    static uint8_t frame[FRAME_BYTES];
    struct side *side = &sides[from];
    unsigned slot = side->sent % NUM_SLOTS;
    gpa_t at = BUFFERS_GPA + 0x10000 + slot * 0x5000;
    uint32_t bytes = make_frame(from, side->sent++, frame);
    struct virtio_net_hdr_v1 header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                        .csum_start = 34,
                                        .csum_offset = 16 };
    if (bytes > 1514) {
        header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        header.gso_size = 1460;
    }
    memcpy(guest_at(&side->guest, at), &header, sizeof(header));
    memcpy(guest_at(&side->guest, at + sizeof(header)), frame, bytes);
    ring_set(&side->rings[TX], slot, at, sizeof(header) + bytes, 0, 0);
    ring_offer(&side->rings[TX], slot);
}

/* Takes a frame that has come whole, in one piece or more. */
static void take_frame(unsigned to)
{
    static uint8_t expected[FRAME_BYTES], got[FRAME_BYTES + NUM_BUFFERS * BUFFER];
    struct side *side = &sides[to];
    struct virtio_net_hdr_v1 header = { .num_buffers = 1 };
    uint32_t done = 0;
    for (unsigned i = 0; i < header.num_buffers; i++) {
        assert_int_not_equal(ring_used(&side->rings[RX])->idx, side->rings[RX].used_seen);
        unsigned n = side->rings[RX].used_seen % NUM_BUFFERS; /* they are used in order */
        uint32_t bytes = ring_take_used(&side->rings[RX], n);
        memcpy(got + done, guest_at(&side->guest, BUFFERS_GPA + n * BUFFER), bytes);
        done += bytes;
        if (i == 0) {
            memcpy(&header, got, sizeof(header));
        }
    }
    uint32_t bytes = make_frame(1 - to, side->received++, expected);
    assert_int_equal(done, sizeof(header) + bytes);
    assert_memory_equal(got + sizeof(header), expected, bytes);
    assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(header.gso_type, bytes > 1514 ? VIRTIO_NET_HDR_GSO_TCPV4 : 0);
}

/* Each side sends up to as many frames as the other has buffers for. */
static void exchange(void)
{
    for (unsigned i = 0; i < 2; i++) {
        post_all(&sides[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        unsigned before = sides[i].sent, count = 1 + (unsigned)rand() % NUM_SLOTS;
        while (sides[i].sent < before + count) {
            send(i);
        }
        wake_ups = 0;
        reg_write(&sides[i].region, VIRTIO_MMIO_QUEUE_NOTIFY, TX);
        assert_int_equal(wake_ups, 1); /* one for all of them, and nothing to wait for */
        while (before < sides[i].sent) {
            ring_take_used(&sides[i].rings[TX], before++ % NUM_SLOTS);
        }
        assert_int_equal(sides[i].net.port.sending, 0);
    }
    settle();
    for (unsigned i = 0; i < 2; i++) {
        while (sides[i].received < sides[1 - i].sent) {
            take_frame(i);
        }
    }
}

static void frames_both_ways(void **state)
{
    (void)state;
    srand(4);
    drive(&sides[0]);
    drive(&sides[1]);
    for (unsigned i = 0; i < 5000; i++) {
        exchange();
    }
    assert_int_equal(sides[0].net.device.guest_errors + sides[1].net.device.guest_errors, 0);
}

/* A frame in 60 stretches that do not touch, by an indirect table. */
static void send_in_stretches(struct side *side, unsigned n)
{
    gpa_t table = TABLES_GPA + n * 1024;
    struct vring_desc *desc = guest_at(&side->guest, table);
    memset(guest_at(&side->guest, BUFFERS_GPA + 0x10000), 0, sizeof(struct virtio_net_hdr_v1));
    for (unsigned i = 0; i < 60; i++) {
        desc[i] = (struct vring_desc){ .addr = BUFFERS_GPA + 0x10000 + i * 64,
                                       .len = i == 0 ? sizeof(struct virtio_net_hdr_v1) : 20,
                                       .flags = i < 59 ? VRING_DESC_F_NEXT : 0,
                                       .next = (uint16_t)(i + 1) };
    }
    ring_set(&side->rings[TX], n, table, 60 * sizeof(*desc), VRING_DESC_F_INDIRECT, 0);
    ring_offer(&side->rings[TX], n);
}

/* All is sent by one kick, whenever the switch runs. */
static void more_than_the_port_has_room_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        drive(&sides[0]);
        settle();
        switch_is_late = i == 1;
        for (unsigned n = 0; n < 48; n++) {
            send_in_stretches(&sides[0], n);
        }
        reg_write(&sides[0].region, VIRTIO_MMIO_QUEUE_NOTIFY, TX);
        settle();
        assert_int_equal(ring_used(&sides[0].rings[TX])->idx, 48);
        assert_int_equal(sides[0].net.device.guest_errors + sides[0].net.dropped, 0);
        switch_is_late = false;
        reg_write(&sides[0].region, VIRTIO_MMIO_STATUS, 0);
        settle();
    }
}

/* One side is away: what is sent to it is done with, and all goes on when it is back. */
static void one_side_comes_and_goes(void **state)
{
    (void)state;
    srand(5);
    drive(&sides[0]);
    drive(&sides[1]);
    for (unsigned i = 0; i < 2000; i++) {
        unsigned away = (unsigned)rand() % 2;
        exchange();
        reg_write(&sides[away].region, VIRTIO_MMIO_STATUS, 0);
        assert_int_equal(reg_read(&sides[away].region, VIRTIO_MMIO_STATUS), 0);
        guest_snapshot(&sides[away].guest);
        unsigned slot = sides[1 - away].sent % NUM_SLOTS;
        send(1 - away);
        reg_write(&sides[1 - away].region, VIRTIO_MMIO_QUEUE_NOTIFY, TX);
        ring_take_used(&sides[1 - away].rings[TX], slot);
        settle();
        guest_assert_untouched(&sides[away].guest);
        sides[away].received++;
        drive(&sides[away]);
    }
    assert_int_equal(sides[0].net.num_waits + sides[1].net.num_waits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(frames_both_ways), TEST(one_side_comes_and_goes),
                                        TEST(more_than_the_port_has_room_for) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
