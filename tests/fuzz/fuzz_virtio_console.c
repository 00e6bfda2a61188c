/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a guest does to its console and what comes and goes outside: mostly what makes
 * sense, now and then anything. Nothing but posted buffers is written to (O2), and at the end a
 * driver that begins anew must find a working console.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/devices/virtio_console_rig.h"

#define MAX_STEPS 400

/* Sends or posts a chain of one or two buffers, now and then in an indirect table. */
static void chain(struct input *in, unsigned index)
{
    unsigned how = (unsigned)take(in, 1);
    unsigned n = 2 * (how % (SIZE / 2));
    unsigned flags = index == RX ? WRITE : 0;
    uint32_t bytes = 1 + (uint32_t)take(in, 1) % (how & 0x20 ? 255 : 20);
    ring_set(&rings[index], n, BUF(n), bytes, flags | (how & 0x40 ? NEXT : 0), n + 1);
    ring_set(&rings[index], n + 1, BUF(n + 1), bytes, flags, 0);
    if (how & 0x80) {
        memcpy(guest_at(&guest, TABLES_GPA + 32 * n), ring_desc(&rings[index], n), 32);
        ((struct vring_desc *)guest_at(&guest, TABLES_GPA + 32 * n))->next = 1;
        ring_set(&rings[index], n, TABLES_GPA + 32 * n, 32, INDIRECT, 0);
    }
    ring_offer(&rings[index], n);
}

static void descriptor(struct input *in)
{
    struct vring_desc *desc = ring_desc(&rings[take(in, 1) % 2], (unsigned)take(in, 1) % SIZE);
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
    region.write(&console, offset, bytes, take(in, bytes));
    (void)region.read(&console, offset, bytes);
}

/* The virtualisers are trusted, yet an index of theirs that makes no sense harms nobody. */
static void lie(struct input *in)
{
    struct serial_queue *queue = take(in, 1) % 2 ? &rig.rx_queue : &rig.tx_queue;
    uint32_t *words[] = { &queue->head, &queue->tail, &queue->producer_signalled,
                          &queue->consumer_polls };
    *words[take(in, 1) % 4] = (uint32_t)take(in, 4);
}

static void type(struct input *in)
{
    char text[RIG_BYTES] = "";
    uint32_t count = (uint32_t)take(in, 1) % RIG_BYTES;
    (void)rig_type(text, count);
    virtio_console_input(&console);
}

static void print_some(struct input *in)
{
    char text[RIG_BYTES];
    (void)rig_print(text, (uint32_t)take(in, 1) % RIG_BYTES);
    if (serial_queue_must_signal(&rig.tx)) {
        virtio_console_tx_room(&console);
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 16) {
    case 0:
        descriptor(in);
        break;
    case 1:
        ring_offer(&rings[take(in, 1) % 2], (unsigned)take(in, 1));
        break;
    case 2:
        memory(in);
        break;
    case 3:
        reg(in);
        break;
    case 4:
        reg_write(&region, VIRTIO_MMIO_STATUS, (uint32_t)take(in, 1));
        break;
    case 5:
        if (what == 0xf5) {
            lie(in);
        }
        virtio_console_resize(&console, what, 25);
        break;
    case 6:
    case 7:
        kick(what / 16 % 2);
        break;
    case 8:
    case 9:
        type(in);
        break;
    case 10:
    case 11:
        print_some(in);
        break;
    default:
        chain(in, what % 2);
    }
    (void)virtio_mmio_poll(&console.device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    setup(NULL);
    drive(ALL | (take(&in, 1) & 1));
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_true(virtio_mmio_is_reset(&console.device));
    assert_false(guest.irq_level);
    guest_snapshot(&guest); /* O2: from now on nobody may write */
    rig.rx_queue.head = rig.rx_queue.tail = rig.rx.tail = rig.port.rx.head; /* lies end */
    rig.tx_queue.head = rig.tx_queue.tail = rig.tx.head = rig.port.tx.tail;
    virtio_console_input(&console);
    virtio_console_tx_room(&console);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
    teardown(NULL);
    return 0;
}
