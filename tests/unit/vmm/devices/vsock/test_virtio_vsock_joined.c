/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket devices of three guests on the switch itself: streams both ways that arrive byte for byte
 * whatever buffers there are, RST where nobody is or takes nothing, and peers that are told of a
 * reset. The switch runs when a device notifies it, or later.
 */
#include "io/virt/switch/switch_core.h"
#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/devices/vsock/virtio_vsock.h"

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#define SIZE        64u
#define NUM_BUFFERS 16u
#define NUM_SIDES   3u
#define SLOT        0x1800u /* bytes of RAM for a packet that is sent */
#define PACKETS(n)  (TABLES_GPA + 64 * (gpa_t)(n))

#define FEATURES    (VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC))

enum { RX = VIRTIO_VSOCK_RX, TX = VIRTIO_VSOCK_TX, BUFFER = 2048, NUM_SLOTS = 8 };

struct side {
    struct guest guest;
    struct virtio_vsock vsock;
    struct mmio_region region;
    struct ring rings[2];
    struct port port;
    struct vmm_vsock record;
    bool signalled;
    unsigned num_posted;   /* in the life of its rings */
    bool slots[NUM_SLOTS]; /* which are under way */
    uint32_t lengths[NUM_BUFFERS];
    uint64_t sent, received; /* bytes of the stream */
};

static struct side sides[NUM_SIDES];
static struct switch_config config;
static struct switch_core core;
static bool switch_is_late, switch_must_run;
static uint64_t timeout_ns;

static void device_notifies(unsigned channel)
{
    assert_in_range(channel, 10, 9 + NUM_SIDES);
    switch_must_run = switch_is_late;
    if (!switch_is_late) {
        switch_core_run(&core);
    }
}

static void switch_notifies(uint8_t channel)
{
    assert_in_range(channel, 10, 9 + NUM_SIDES);
    sides[channel - 10].signalled = true;
}

static void report(const char *text)
{
    fail_msg("%s", text);
}

static void set_timeout(uint64_t ns)
{
    timeout_ns = ns;
}

static const struct switch_ops ops = { switch_notifies, report, set_timeout };

static void join(unsigned i)
{
    struct side *side = &sides[i];
    guest_create(&side->guest);
    side->record = (struct vmm_vsock){ .port_vaddr = (uint64_t)(uintptr_t)&side->port,
                                       .cid = 3 + i,
                                       .channel = (uint8_t)(10 + i),
                                       .num_peers = NUM_SIDES - 1 };
    config.ports[i] = (struct switch_port){
        .port_vaddr = side->record.port_vaddr,
        .memory = { (uint64_t)(uintptr_t)side->guest.ram.base, RAM_BYTES },
        .cid = 3 + i,
        .allow = UINT32_MAX,
        .channel = side->record.channel,
        .name = "guest",
    };
    assert_true(virtio_vsock_init(&side->vsock, "vsock", &side->guest.ram, &side->guest.irq,
                                  &side->record, device_notifies));
    side->region = virtio_mmio_region(&side->vsock.device, 0xa000000, 0x1000);
}

static int setup(void **state)
{
    (void)state;
    memset(sides, 0, sizeof(sides));
    switch_is_late = switch_must_run = false;
    timeout_ns = 0;
    static _Alignas(8) uint8_t held[NUM_SIDES][SWITCH_HELD_BYTES];
    config = (struct switch_config){ .magic = SWITCH_CONFIG_MAGIC,
                                     .kind = SWITCH_VSOCK,
                                     .held_vaddr = (uintptr_t)held,
                                     .num_ports = NUM_SIDES,
                                     .timer_channel = 40 };
    for (unsigned i = 0; i < NUM_SIDES; i++) {
        join(i);
    }
    switch_core_init(&core, &config, &ops);
    switch_core_run(&core);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUM_SIDES; i++) {
        guest_destroy(&sides[i].guest);
    }
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
    memset(side->slots, 0, sizeof(side->slots));
}

static void settle(void)
{
    for (unsigned i = 0; i < 8 * NUM_SIDES; i++) {
        struct side *side = &sides[i % NUM_SIDES];
        if (switch_must_run) {
            switch_must_run = false;
            switch_core_run(&core);
        }
        if (side->signalled) {
            side->signalled = false;
            virtio_vsock_notified(&side->vsock);
        }
        while (virtio_mmio_poll(&side->vsock.device)) {
        }
    }
}

static void post(struct side *side, uint32_t bytes)
{
    unsigned n = side->num_posted % NUM_BUFFERS;
    if ((uint16_t)(side->num_posted - side->rings[RX].used_seen) == NUM_BUFFERS) {
        return;
    }
    side->num_posted++;
    side->lengths[n] = bytes;
    ring_set(&side->rings[RX], n, BUFFERS_GPA + n * BUFFER, bytes, WRITE, 0);
    ring_offer(&side->rings[RX], n);
    reg_write(&side->region, VIRTIO_MMIO_QUEUE_NOTIFY, RX);
}

static uint8_t byte_of(unsigned from, uint64_t at)
{
    return (uint8_t)((at + from * 77) * 0x9e3779b1u >> 11);
}

static struct virtio_vsock_hdr header_of(unsigned from, uint16_t op, uint32_t bytes)
{
    return (struct virtio_vsock_hdr){ .src_cid = 3 + from,
                                      .dst_cid = 4 - from,
                                      .src_port = 7 + from,
                                      .dst_port = 8 - from,
                                      .len = bytes,
                                      .type = VIRTIO_VSOCK_TYPE_STREAM,
                                      .op = op };
}

/* False: all slots are under way. */
static bool send(unsigned from, const struct virtio_vsock_hdr *header)
{
    struct side *side = &sides[from];
    const struct vring_used *used = ring_used(&side->rings[TX]);
    unsigned n = 0;
    while (side->rings[TX].used_seen != used->idx) {
        side->slots[used->ring[side->rings[TX].used_seen++ % SIZE].id / 2] = false;
    }
    while (n < NUM_SLOTS && side->slots[n]) {
        n++;
    }
    if (n == NUM_SLOTS) {
        return false;
    }
    gpa_t at = BUFFERS_GPA + 0x10000 + n * SLOT;
    for (uint32_t i = 0; i < header->len; i++) {
        *(uint8_t *)guest_at(&side->guest, at + i) = byte_of(from, side->sent++);
    }
    memcpy(guest_at(&side->guest, PACKETS(n)), header, sizeof(*header));
    ring_set(&side->rings[TX], 2 * n, PACKETS(n), sizeof(*header), header->len > 0 ? NEXT : 0,
             2 * n + 1);
    ring_set(&side->rings[TX], 2 * n + 1, at, header->len, 0, 0);
    ring_offer(&side->rings[TX], 2 * n);
    side->slots[n] = true;
    reg_write(&side->region, VIRTIO_MMIO_QUEUE_NOTIFY, TX);
    return true;
}

/* Takes one packet; its operation, or 0: there is none. */
static uint16_t receive(unsigned to, struct virtio_vsock_hdr *header)
{
    struct side *side = &sides[to];
    uint32_t bytes = 0;
    unsigned n = 0;
    while (bytes == 0) { /* one that comes back empty is none */
        if (ring_used(&side->rings[RX])->idx == side->rings[RX].used_seen) {
            return 0;
        }
        n = side->rings[RX].used_seen % NUM_BUFFERS; /* they are used in order */
        bytes = ring_take_used(&side->rings[RX], n);
    }
    const uint8_t *at = guest_at(&side->guest, BUFFERS_GPA + n * BUFFER);
    memcpy(header, at, sizeof(*header));
    assert_int_equal(bytes, sizeof(*header) + header->len);
    assert_true(bytes <= side->lengths[n]);
    for (uint32_t i = 0; i < header->len; i++) {
        assert_int_equal(at[sizeof(*header) + i], byte_of(1 - to, side->received++));
    }
    return header->op;
}

static void streams_both_ways(void **state)
{
    struct virtio_vsock_hdr header;
    (void)state;
    srand(6);
    drive(&sides[0]);
    drive(&sides[1]);
    for (unsigned i = 0; i < 20000; i++) {
        switch_is_late = rand() % 2;
        unsigned from = (unsigned)rand() % 2;
        header = header_of(from, VIRTIO_VSOCK_OP_RW, (uint32_t)rand() % 5000);
        send(from, &header);
        for (int n = rand() % 4; n > 0; n--) {
            post(&sides[1 - from], 45 + (uint32_t)rand() % 2000);
        }
        settle();
        while (receive(1 - from, &header) != 0) {
        }
    }
    switch_is_late = false;
    for (unsigned i = 0; i < 200; i++) {
        post(&sides[i % 2], 2000);
        settle();
        receive(i % 2, &header);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_true(sides[i].sent > 1000000);
        assert_int_equal(sides[1 - i].received, sides[i].sent);
        assert_int_equal(sides[i].vsock.port.sending, 0);
        assert_int_equal(sides[i].vsock.device.guest_errors, 0);
    }
}

static void nobody_is_there(void **state)
{
    struct virtio_vsock_hdr header = header_of(0, VIRTIO_VSOCK_OP_REQUEST, 0);
    (void)state;
    drive(&sides[0]);
    for (uint64_t cid = 0; cid < 6; cid++) { /* the other guest has no driver yet */
        header = header_of(0, VIRTIO_VSOCK_OP_REQUEST, 0);
        header.dst_cid = cid;
        assert_true(send(0, &header));
        post(&sides[0], 2000);
        settle();
        assert_int_equal(receive(0, &header), VIRTIO_VSOCK_OP_RST);
        assert_int_equal(header.src_cid, cid);
        assert_int_equal(header.dst_cid, 3);
        assert_int_equal(header.dst_port, 7);
    }
    assert_int_equal(sides[0].vsock.refused, 6);
}

static void a_peer_that_is_reset(void **state)
{
    struct virtio_vsock_hdr header;
    (void)state;
    drive(&sides[0]);
    for (unsigned i = 0; i < 1000; i++) {
        drive(&sides[1]);
        header = header_of(0, VIRTIO_VSOCK_OP_REQUEST, 0);
        assert_true(send(0, &header));
        post(&sides[1], 2000);
        settle();
        assert_int_equal(receive(1, &header), VIRTIO_VSOCK_OP_REQUEST);
        header = header_of(1, VIRTIO_VSOCK_OP_RESPONSE, 0);
        assert_true(send(1, &header));
        if (i % 2 == 0) { /* the other one has no room until later */
            post(&sides[0], 2000);
        }
        settle();
        reg_write(&sides[1].region, VIRTIO_MMIO_STATUS, 0);
        assert_int_equal(reg_read(&sides[1].region, VIRTIO_MMIO_STATUS), 0);
        post(&sides[0], 2000);
        settle();
        uint16_t op = receive(0, &header);
        if (op == VIRTIO_VSOCK_OP_RESPONSE) {
            op = receive(0, &header);
        }
        assert_int_equal(op, VIRTIO_VSOCK_OP_RST);
        assert_int_equal(header.src_cid, 4);
        assert_int_equal(header.src_port, 8);
        assert_int_equal(sides[1].vsock.num_lost, 0);
    }
}

/* A request of `from` to `to`, from its port 100 to 200. */
static void ask(unsigned from, unsigned to)
{
    struct virtio_vsock_hdr header = header_of(from, VIRTIO_VSOCK_OP_REQUEST, 0);
    header.dst_cid = 3 + to;
    header.src_port = 100;
    header.dst_port = 200;
    assert_true(send(from, &header));
    settle();
}

static uint16_t hear(unsigned to, unsigned from, uint32_t own_port)
{
    struct virtio_vsock_hdr header;
    post(&sides[to], 2000);
    settle();
    uint16_t op = receive(to, &header);
    assert_int_equal(header.src_cid, 3 + from);
    assert_int_equal(header.dst_port, own_port);
    return op;
}

static void tick(void)
{
    assert_int_not_equal(timeout_ns, 0);
    timeout_ns = 0;
    switch_core_timeout(&core);
    switch_core_run(&core);
    settle();
}

/* S9: guest 0 is off and still has something to tell guest 1, which takes nothing. */
static void a_guest_that_is_off(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUM_SIDES; i++) {
        drive(&sides[i]);
    }
    ask(0, 1);
    reg_write(&sides[0].region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(reg_read(&sides[0].region, VIRTIO_MMIO_STATUS), 0);
    settle();
    assert_true(sides[0].vsock.port.open);
    for (unsigned i = 0; i < 2; i++) {
        ask(2, 0);
        assert_int_equal(hear(2, 0, 100), VIRTIO_VSOCK_OP_RST);
    }
    drive(&sides[0]); /* it starts again */
    settle();
    ask(2, 0);
    assert_int_equal(hear(0, 2, 200), VIRTIO_VSOCK_OP_REQUEST);
    assert_int_equal(sides[0].vsock.num_lost, 1);
    assert_int_equal(hear(1, 0, 200), VIRTIO_VSOCK_OP_RST);
    assert_int_equal(sides[0].vsock.num_lost, 0);
}

/* Guest 1 takes nothing for some seconds: guests 0 and 2 go on, and when it is back it hears that
 * its connection is no more. */
static void a_guest_that_is_stuck(void **state)
{
    struct virtio_vsock_hdr header = header_of(0, VIRTIO_VSOCK_OP_RW, 0);
    (void)state;
    for (unsigned i = 0; i < NUM_SIDES; i++) {
        drive(&sides[i]);
    }
    header.src_port = 100;
    header.dst_port = 200;
    ask(0, 1);
    assert_int_equal(hear(1, 0, 200), VIRTIO_VSOCK_OP_REQUEST);
    assert_true(send(0, &header));
    for (unsigned i = 0; i < 2000; i++) {
        ask(0, 2);
        assert_int_equal(hear(2, 0, 200), VIRTIO_VSOCK_OP_REQUEST);
    }
    tick();
    tick();
    assert_int_equal(hear(0, 1, 100), VIRTIO_VSOCK_OP_RST);
    assert_true(send(0, &header)); /* what it had sent meanwhile */
    settle();
    assert_int_equal(hear(0, 1, 100), VIRTIO_VSOCK_OP_RST);
    assert_int_equal(hear(1, 0, 200), VIRTIO_VSOCK_OP_RST);
    ask(0, 1);
    assert_int_equal(hear(1, 0, 200), VIRTIO_VSOCK_OP_REQUEST);
}

/* A packet of 20 bytes in each of 50 stretches that do not touch, by an indirect table. */
static void send_in_stretches(unsigned n)
{
    struct side *side = &sides[0];
    gpa_t table = TABLES_GPA + 0x1000 + n * 1024;
    struct virtio_vsock_hdr header = header_of(0, VIRTIO_VSOCK_OP_RW, 50 * 20);
    struct vring_desc *desc = guest_at(&side->guest, table);
    memcpy(guest_at(&side->guest, PACKETS(n)), &header, sizeof(header));
    desc[0] = (struct vring_desc){ PACKETS(n), sizeof(header), VRING_DESC_F_NEXT, 1 };
    for (uint16_t i = 1; i <= 50; i++) {
        desc[i] = (struct vring_desc){ BUFFERS_GPA + 0x10000 + n * 0x600 + i * 24ul, 20,
                                       i < 50 ? VRING_DESC_F_NEXT : 0, (uint16_t)(i + 1) };
        for (unsigned k = 0; k < 20; k++) {
            *(uint8_t *)guest_at(&side->guest, desc[i].addr + k) = byte_of(0, side->sent++);
        }
    }
    ring_set(&side->rings[TX], n, table, 51 * sizeof(*desc), VRING_DESC_F_INDIRECT, 0);
    ring_offer(&side->rings[TX], n);
}

/* All is sent by one kick, whenever the switch runs. */
static void more_than_the_port_has_room_for(void **state)
{
    struct virtio_vsock_hdr header;
    (void)state;
    drive(&sides[1]);
    for (unsigned i = 0; i < 2; i++) {
        drive(&sides[0]);
        settle();
        switch_is_late = i == 1;
        for (unsigned n = 0; n < 40; n++) {
            send_in_stretches(n);
        }
        reg_write(&sides[0].region, VIRTIO_MMIO_QUEUE_NOTIFY, TX);
        settle();
        assert_int_equal(sides[0].vsock.port.sending, 40); /* they wait for buffers */
        for (unsigned n = 0; n < 40; n++) {
            post(&sides[1], 2000);
            settle();
            assert_int_equal(receive(1, &header), VIRTIO_VSOCK_OP_RW);
            assert_int_equal(header.len, 1000);
        }
        assert_int_equal(ring_used(&sides[0].rings[TX])->idx, 40);
        switch_is_late = false;
        reg_write(&sides[0].region, VIRTIO_MMIO_STATUS, 0);
        settle();
    }
}

/* What comes behind RST is for nobody. */
static void drain(unsigned to)
{
    struct virtio_vsock_hdr header;
    do {
        post(&sides[to], 2000);
        settle();
    } while (receive(to, &header) != 0);
}

/* Guest 0's port 100 and guest 1's port 200. */
static void connect_two(void)
{
    struct virtio_vsock_hdr header = header_of(1, VIRTIO_VSOCK_OP_RESPONSE, 0);
    header.src_port = 200;
    header.dst_port = 100;
    ask(0, 1);
    assert_int_equal(hear(1, 0, 200), VIRTIO_VSOCK_OP_REQUEST);
    assert_true(send(1, &header));
    assert_int_equal(hear(0, 1, 100), VIRTIO_VSOCK_OP_RESPONSE);
}

/*
 * What was under way is lost, so nothing of after may follow what was before: each guest
 * hears RST first, whoever learns of the new switch first, and new connections work.
 */
static void a_switch_that_begins_anew(void **state)
{
    struct virtio_vsock_hdr header = header_of(0, VIRTIO_VSOCK_OP_RW, 0);
    struct virtio_vsock_hdr arrived;
    header.src_port = 100;
    header.dst_port = 200;
    (void)state;
    for (unsigned i = 0; i < NUM_SIDES; i++) {
        drive(&sides[i]);
    }
    for (unsigned how = 0; how < 4; how++) {
        unsigned first = how % 2;
        connect_two();
        assert_true(send(0, &header));
        settle();
        (void)receive(1, &arrived); /* if it had a buffer: later the last drain's is there */
        switch_core_init(&core, &config, &ops);
        sides[first].signalled = true;
        settle();
        assert_true(send(0, &header));
        settle();
        sides[1 - first].signalled = sides[2].signalled = true;
        settle();
        assert_true(send(0, &header));
        settle();
        assert_int_equal(hear(1, 0, 200), VIRTIO_VSOCK_OP_RST);
        assert_int_equal(hear(0, 1, 100), VIRTIO_VSOCK_OP_RST);
        for (unsigned i = 0; i < NUM_SIDES; i++) {
            drain(i);
            assert_int_equal(sides[i].vsock.num_lost, 0);
            assert_int_equal(sides[i].vsock.device.guest_errors, 0);
            assert_int_equal(ring_used(&sides[i].rings[TX])->idx,
                             ring_avail(&sides[i].rings[TX])->idx);
        }
    }
}

/* Guest 0 has heard of it and sends on, before guest 1 hears: nothing arrives before that. */
static void what_is_sent_behind_the_cut(void **state)
{
    struct virtio_vsock_hdr header = header_of(0, VIRTIO_VSOCK_OP_RW, 0);
    header.src_port = 100;
    header.dst_port = 200;
    (void)state;
    for (unsigned i = 0; i < NUM_SIDES; i++) {
        drive(&sides[i]);
    }
    connect_two();
    switch_core_init(&core, &config, &ops);
    sides[0].signalled = true;
    settle();
    assert_int_equal(hear(0, 1, 100), VIRTIO_VSOCK_OP_RST);
    switch_is_late = true;
    virtio_vsock_notified(&sides[1].vsock); /* it closes its port, */
    switch_core_run(&core);
    post(&sides[1], 2000); /* and opens it */
    post(&sides[1], 2000);
    assert_true(send(0, &header));
    settle();
    assert_int_equal(receive(1, &header), VIRTIO_VSOCK_OP_RST);
    assert_int_equal(receive(1, &header), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(streams_both_ways),         TEST(nobody_is_there),
        TEST(a_peer_that_is_reset),      TEST(a_guest_that_is_off),
        TEST(a_guest_that_is_stuck),     TEST(more_than_the_port_has_room_for),
        TEST(a_switch_that_begins_anew), TEST(what_is_sent_behind_the_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
