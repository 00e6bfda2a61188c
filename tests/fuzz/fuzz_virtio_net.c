/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a guest does to its network card and what the switch does: mostly what makes
 * sense, now and then anything. The rig checks what reaches the switch; at the end a driver that
 * begins anew must find a working card with nothing under way.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

#define MAX_STEPS 400

static bool lied; /* the switch no longer knows where it is */

static void header_of(struct input *in, struct virtio_net_hdr_v1 *header)
{
    unsigned how = (unsigned)take(in, 1);
    *header = (struct virtio_net_hdr_v1){ 0 };
    if (how % 4 == 1) {
        *header = (struct virtio_net_hdr_v1){ 1, how & 4 ? 1 : 4, 54, 1448, { { 34, 16 } }, 0 };
    }
    if (how % 4 == 2) {
        *header = (struct virtio_net_hdr_v1){ 1, 0, 0, 0, { { 34, 6 } }, 0 };
    }
    if (how == 0xff) {
        for (unsigned i = 0; i < sizeof(*header); i++) {
            ((uint8_t *)header)[i] = (uint8_t)take(in, 1);
        }
    }
}

static void frame(struct input *in)
{
    struct virtio_net_hdr_v1 header;
    unsigned n = (unsigned)take(in, 1) % (SIZE / 2);
    uint32_t bytes = (uint32_t)take(in, 2);
    header_of(in, &header);
    submit(n, &header, BUF(take(in, 1) % 16) + n, bytes == 0 ? 60 : bytes % 0x6000);
    if (take(in, 1) == 0xff) {
        ring_desc(&rings[TX], 2 * n + take(in, 1) % 2)->len = (uint32_t)take(in, 4);
    }
}

/* Four descriptors for each buffer, so that headers come in pieces. */
static void buffer(struct input *in)
{
    unsigned n = 4 * ((unsigned)take(in, 1) % (SIZE / 4));
    unsigned pieces = 1 + (unsigned)take(in, 1) % 4;
    for (unsigned i = 0; i < pieces; i++) {
        unsigned how = (unsigned)take(in, 1);
        uint32_t bytes = how & 1 ? 1 + how % 13 : 100 + 8 * how;
        ring_set(&rings[RX], n + i, BUF(how % NUM_BUFS) + 3 * i, i > 0 || bytes > 12 ? bytes : 12,
                 WRITE | (i + 1 < pieces ? NEXT : 0), n + i + 1);
    }
    ring_offer(&rings[RX], n);
}

static void command(struct input *in)
{
    uint8_t *at = guest_at(&guest, CTRL_GPA);
    uint32_t bytes = 1 + (uint32_t)take(in, 1) % 20;
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)take(in, 1) % (i < 2 ? 7 : 3);
    }
    ring_set(&rings[CTRL], 0, CTRL_GPA, bytes, NEXT, 1);
    ring_set(&rings[CTRL], 1, CTRL_GPA + 64, 1, WRITE, 0);
    ring_offer(&rings[CTRL], 0);
    kick(CTRL);
}

static void descriptor(struct input *in)
{
    struct vring_desc *desc = ring_desc(&rings[take(in, 1) % 3], (unsigned)take(in, 1) % SIZE);
    unsigned field = take(in, 1) % 4;
    desc->addr = field == 0 ? RAM_GPA + take(in, 3) : desc->addr;
    desc->len = field == 1 ? (uint32_t)take(in, 3) : desc->len;
    desc->flags = field == 2 ? (uint16_t)take(in, 1) : desc->flags;
    desc->next = field == 3 ? (uint16_t)take(in, 1) : desc->next;
}

static void memory(struct input *in)
{
    uint64_t at = take(in, 3) % (RAM_BYTES - 8);
    uint64_t value = take(in, 8);
    memcpy(guest.ram.base + at, &value, sizeof value);
}

static void reg(struct input *in)
{
    uint64_t offset = take(in, 2) % 0x1000;
    unsigned bytes = 1u << take(in, 1) % 4;
    region.write(&net, offset, bytes, take(in, bytes));
    region.read(&net, offset, bytes);
}

static void deliver(struct input *in)
{
    struct virtio_net_hdr_v1 header;
    header_of(in, &header);
    switch_deliver(&header, guest.memory, (uint32_t)take(in, 2) % 0x1000);
}

static void done(struct input *in)
{
    unsigned i = (unsigned)take(in, 1);
    if (num_sents > 0) {
        switch_done(i % num_sents);
    }
}

/* A switch that lies: news of chains that it may not have, or any word of the port's region. */
static void lie(struct input *in)
{
    unsigned how = take(in, 1) % 4;
    uint32_t value = (uint32_t)take(in, 4);
    if (!switch_is_open()) {
        return;
    }
    lied = true;
    switch_is_slow = true; /* it can't go on as if nothing were */
    if (how == 0) {
        switch_put_done((uint16_t)(value % 300), 0);
    } else if (how == 1) {
        switch_put_received((uint16_t)(value % 300), value >> 16, value >> 15 & 1);
    } else if (how == 2) {
        port.control.broken = value;
    } else {
        memcpy((uint8_t *)&port + offsetof(struct port, send) +
                   (value >> 8) % (sizeof(port) - sizeof(port.control) - 4),
               &value, 4);
    }
}

static void step(struct input *in)
{
    switch (take(in, 1) % 20) {
    case 0:
        descriptor(in);
        break;
    case 1:
        ring_offer(&rings[take(in, 1) % 3], (unsigned)take(in, 1));
        break;
    case 2:
        memory(in);
        break;
    case 3:
        if (take(in, 1) > 0xe0) {
            lie(in);
        }
        break;
    case 4:
        reg(in);
        break;
    case 5:
        reg_write(&region, VIRTIO_MMIO_STATUS, (uint32_t)take(in, 1));
        break;
    case 6:
        command(in);
        break;
    case 7:
        switch_is_slow = lied || take(in, 1) % 2;
        break;
    case 8:
    case 9:
        done(in);
        break;
    case 10:
    case 11:
        deliver(in);
        break;
    case 12:
        if (!lied) {
            switch_serve();
        }
        switch_signal();
        break;
    case 13:
        kick(RX);
        break;
    case 14:
        kick(TX);
        break;
    case 15:
    case 16:
        buffer(in);
        break;
    default:
        frame(in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    unsigned how = (unsigned)take(&in, 1);
    lied = false;
    setup(NULL);
    drive(BASE | (how & 1 ? EVENT_IDX : 0) | (how & 2 ? F(MRG_RXBUF) : 0) |
          (how & 4 ? F_HOST | F(GUEST_CSUM) : 0) | F_CTRL);
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    switch_is_slow = true;
    virtio_net_notified(&net);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    snapshot(); /* O2: from now on only the switch may write */
    virtio_net_notified(&net);
    switch_answer();
    virtio_net_notified(&net);
    assert_true(virtio_mmio_is_reset(&net.device));
    assert_false(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
    teardown(NULL);
    return 0;
}
