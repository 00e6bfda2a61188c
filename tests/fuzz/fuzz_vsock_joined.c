/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three guests' socket devices on the switch itself: any bytes as what the first one does, while
 * the other two stream to each other and read what comes. Their streams arrive byte for byte and
 * all of them, nothing comes in the name of who did not send it (V4), and their memory is theirs.
 */
#include "io/virt/switch/switch_core.h"
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/devices/vsock/virtio_vsock.h"

#include <string.h>

#define GUESTS    3u
#define SIZE      64u
#define BUFFERS   16u /* to receive in, and as many slots to send from */
#define BUFFER    2048u
#define LENGTH(n) (128 + (n)*389 % (BUFFER - 128)) /* of the n-th: packets come in pieces */
#define CID(i)    (3 + (i))
#define SENDS(n)  (BUFFERS_GPA + 0x8000 + (n)*BUFFER)
#define HEADER(n) (TABLES_GPA + 64 * (gpa_t)(n))
#define FEATURES  (VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_VSOCK_F_SEQPACKET))
#define MAX_STEPS 300
#define ROUNDS    400

enum { RX = VIRTIO_VSOCK_RX, TX = VIRTIO_VSOCK_TX };

static struct side {
    struct guest guest;
    struct virtio_vsock vsock;
    struct mmio_region region;
    struct ring rings[VIRTIO_VSOCK_NUM_QUEUES];
    struct port port;
    struct vmm_vsock record;
    bool signalled;
    uint32_t posted, offered;
    uint64_t sent, received; /* bytes of the stream */
} sides[GUESTS];
static struct switch_config config;
static struct switch_core core;
static bool tick_wanted;

static void device_notifies(unsigned channel)
{
    assert_in_range(channel, 10, 10 + GUESTS - 1);
    switch_core_run(&core);
}

static void switch_notifies(uint8_t channel)
{
    assert_in_range(channel, 10, 10 + GUESTS - 1);
    sides[channel - 10].signalled = true;
}

static void report(const char *text)
{
    fail_msg("%s", text); /* the VMMs keep to the contract */
}

static void set_timeout(uint64_t ns)
{
    tick_wanted = ns > 0;
}

static const struct switch_ops ops = { switch_notifies, report, set_timeout };

static void settle(void)
{
    for (unsigned i = 0; i < 4 * GUESTS; i++) {
        if (sides[i % GUESTS].signalled) {
            sides[i % GUESTS].signalled = false;
            virtio_vsock_notified(&sides[i % GUESTS].vsock);
        }
    }
}

static void offer(struct side *side, unsigned q, unsigned head)
{
    ring_offer(&side->rings[q], head);
    reg_write(&side->region, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

/* ---- Those who keep to the rules --------------------------------------------------------------*/

static uint8_t byte_of(unsigned from, uint64_t at)
{
    return (uint8_t)((at + from * 77) * 0x9e3779b1u >> 11);
}

static void stream(unsigned from, uint32_t bytes)
{
    struct side *side = &sides[from];
    unsigned n = side->offered % BUFFERS;
    struct virtio_vsock_hdr header = { .src_cid = CID(from),
                                       .dst_cid = CID(GUESTS - from),
                                       .src_port = 7,
                                       .dst_port = 7,
                                       .len = bytes,
                                       .type = VIRTIO_VSOCK_TYPE_STREAM,
                                       .op = VIRTIO_VSOCK_OP_RW };
    if ((uint16_t)(side->offered - ring_used(&side->rings[TX])->idx) >= BUFFERS / 2) {
        return; /* as a driver that waits for room */
    }
    for (uint32_t i = 0; i < bytes; i++) {
        *(uint8_t *)guest_at(&side->guest, SENDS(n) + i) = byte_of(from, side->sent++);
    }
    memcpy(guest_at(&side->guest, HEADER(n)), &header, sizeof(header));
    ring_set(&side->rings[TX], 2 * n, HEADER(n), sizeof(header), NEXT, 2 * n + 1);
    ring_set(&side->rings[TX], 2 * n + 1, SENDS(n), bytes, 0, 0);
    side->offered++;
    offer(side, TX, 2 * n);
}

static void check(unsigned to, const uint8_t *at, uint32_t bytes)
{
    struct virtio_vsock_hdr header;
    memcpy(&header, at, sizeof(header));
    assert_int_equal(bytes, sizeof(header) + header.len);
    assert_int_equal(header.dst_cid, CID(to));
    if (header.src_cid == CID(0)) {
        return;
    }
    assert_int_equal(header.src_cid, CID(GUESTS - to));
    assert_int_equal(header.op, VIRTIO_VSOCK_OP_RW);
    for (uint32_t i = 0; i < header.len; i++) {
        assert_int_equal(at[sizeof(header) + i], byte_of(GUESTS - to, sides[to].received++));
    }
}

/* Takes all that has come, and gives every buffer back. */
static void reads(unsigned to)
{
    struct side *side = &sides[to];
    while (ring_used(&side->rings[RX])->idx != side->rings[RX].used_seen) {
        unsigned n = side->rings[RX].used_seen % BUFFERS;
        gpa_t at = BUFFERS_GPA + n * BUFFER;
        check(to, guest_at(&side->guest, at), ring_take_used(&side->rings[RX], n));
    }
    for (; (uint16_t)(side->posted - side->rings[RX].used_seen) < BUFFERS; side->posted++) {
        unsigned n = side->posted % BUFFERS;
        ring_set(&side->rings[RX], n, BUFFERS_GPA + n * BUFFER, LENGTH(n), WRITE, 0);
        ring_offer(&side->rings[RX], n);
    }
    reg_write(&side->region, VIRTIO_MMIO_QUEUE_NOTIFY, RX);
}

/* ---- The one who does not ---------------------------------------------------------------------*/

static void drive(struct side *side)
{
    reg_write(&side->region, VIRTIO_MMIO_STATUS, 0);
    settle();
    (void)driver_negotiate(&side->region, FEATURES);
    for (unsigned q = 0; q < VIRTIO_VSOCK_NUM_QUEUES; q++) {
        ring_create(&side->rings[q], &side->guest, q, SIZE);
        (void)driver_place(&side->region, q, &side->rings[q]);
    }
    driver_ok(&side->region);
    side->posted = side->offered = 0;
}

static void packet(struct input *in)
{
    struct side *side = &sides[0];
    uint8_t how = (uint8_t)take(in, 1);
    unsigned n = side->offered++ % BUFFERS;
    uint32_t bytes = how & 0x10 ? (uint32_t)take(in, 1) * 16 : 0;
    struct virtio_vsock_hdr header = { .src_cid = how == 0xff ? CID(1) : CID(0),
                                       .dst_cid = CID(how % 4),
                                       .src_port = how / 4 % 4,
                                       .dst_port = 7,
                                       .len = bytes + (how == 0xfe),
                                       .type = 1 + how / 128,
                                       .op = bytes > 0 ? VIRTIO_VSOCK_OP_RW : 1 + how / 16 % 7 };
    memcpy(guest_at(&side->guest, HEADER(n)), &header, sizeof(header));
    ring_set(&side->rings[TX], 2 * n, HEADER(n), sizeof(header), bytes > 0 ? NEXT : 0, 2 * n + 1);
    ring_set(&side->rings[TX], 2 * n + 1, BUFFERS_GPA + 0x100 * n, bytes, 0, 0);
    offer(side, TX, 2 * n);
}

static void corrupt(struct input *in)
{
    gpa_t at = RINGS_GPA + take(in, 2) % 0xc000;
    uint16_t value = (uint16_t)take(in, 2);
    memcpy(guest_at(&sides[0].guest, at), &value, sizeof(value));
}

static void hostile(struct input *in, uint8_t what)
{
    struct side *side = &sides[0];
    unsigned n = what / 8 % BUFFERS;
    switch (what % 8) {
    case 0:
        corrupt(in);
        break;
    case 1:
        reg_write(&side->region, take(in, 1) * 4 % VIRTIO_MMIO_CONFIG, (uint32_t)take(in, 1));
        break;
    case 2:
        drive(side);
        break;
    case 3:
        ring_set(&side->rings[RX], n, BUFFERS_GPA + n * BUFFER, 45 + (uint32_t)take(in, 1) * 8,
                 WRITE, 0);
        offer(side, RX, n);
        break;
    default:
        packet(in);
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    if (what >= 0xe0) {
        reads(1);
        reads(2);
        if (tick_wanted && what & 1) {
            switch_core_timeout(&core);
        }
    } else if (what >= 0xa0) {
        stream(1 + what % 2, 1 + (uint32_t)take(in, 1) * 7);
    } else {
        hostile(in, what);
    }
    settle();
}

static void join(unsigned i)
{
    struct side *side = &sides[i];
    guest_create(&side->guest);
    side->record =
        (struct vmm_vsock){ (uintptr_t)&side->port, CID(i), (uint8_t)(10 + i), GUESTS - 1 };
    config.ports[i] = (struct switch_port){
        .port_vaddr = side->record.port_vaddr,
        .memory = { (uintptr_t)side->guest.ram.base, RAM_BYTES },
        .cid = CID(i),
        .allow = UINT32_MAX,
        .channel = side->record.channel,
    };
    assert_true(virtio_vsock_init(&side->vsock, "vsock", &side->guest.ram, &side->guest.irq,
                                  &side->record, device_notifies));
    side->region = virtio_mmio_region(&side->vsock.device, 0xa000000, 0x1000);
}

static void begin(void)
{
    static _Alignas(8) uint8_t held[GUESTS][SWITCH_HELD_BYTES];
    memset(sides, 0, sizeof(sides));
    config = (struct switch_config){ .magic = SWITCH_CONFIG_MAGIC,
                                     .kind = SWITCH_VSOCK,
                                     .num_ports = GUESTS,
                                     .held_vaddr = (uintptr_t)held,
                                     .timer_channel = 60 };
    for (unsigned i = 0; i < GUESTS; i++) {
        join(i);
    }
    switch_core_init(&core, &config, &ops);
    switch_core_run(&core);
    for (unsigned i = 0; i < GUESTS; i++) {
        drive(&sides[i]);
        guest_snapshot(&sides[i].guest);
        guest_allow(&sides[i].guest, RINGS_GPA, 0x10000);
        guest_allow(&sides[i].guest, TABLES_GPA, 64 * BUFFERS);
        guest_allow(&sides[i].guest, BUFFERS_GPA, 2 * BUFFERS * BUFFER);
    }
    settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    begin();
    reads(1);
    reads(2);
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    for (unsigned i = 0;
         i < ROUNDS && sides[2].received + sides[1].received < sides[1].sent + sides[2].sent; i++) {
        reads(1 + i % 2);
        settle();
    }
    for (unsigned i = 1; i < GUESTS; i++) {
        assert_int_equal(sides[i].received, sides[GUESTS - i].sent);
        assert_int_equal(sides[i].vsock.device.guest_errors, 0);
        guest_assert_untouched(&sides[i].guest);
    }
    for (unsigned i = 0; i < GUESTS; i++) {
        guest_destroy(&sides[i].guest);
    }
    return 0;
}
