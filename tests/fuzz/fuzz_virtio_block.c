/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a guest does to its block device and what the server answers: mostly requests
 * that make sense, now and then anything. The rig checks what reaches the server; at the end a
 * driver that begins anew must find a working device with nothing leaked.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

#define MAX_STEPS 400

static void request(struct input *in)
{
    static const uint8_t types[] = { IN, OUT, FLUSH, 8, 11, 13, 2, 14 };
    unsigned n = take(in, 1) % (SIZE / 3);
    uint32_t type = types[take(in, 1) % 8];
    uint32_t units = (uint32_t)take(in, 1) % 17;
    bool sectors = take(in, 1) % 2;
    uint32_t bytes = type == 11 || type == 13 ? 16 : units * (sectors ? 512 : 4096);
    gpa_t at = BUF(take(in, 1) % 16) + (take(in, 1) % 4 == 0 ? 512 : 0);
    if (type == 11 || type == 13) {
        struct virtio_blk_discard_write_zeroes range = { take(in, 2) % 600, units * 3, 0 };
        memcpy(guest_at(&guest, at), &range, sizeof range);
    }
    submit(n, type, take(in, 2) % (SECTORS + 8), at, bytes);
    if (take(in, 1) == 0xff) {
        ring_desc(&ring, 3 * n + take(in, 1) % 3)->len = (uint32_t)take(in, 4);
    }
}

static void descriptor(struct input *in)
{
    struct vring_desc *desc = ring_desc(&ring, take(in, 1) % SIZE);
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

static void answer(struct input *in)
{
    unsigned how = take(in, 1);
    if (server_take() > 0 && blk_server_room(&server) > 0) {
        unsigned i = how / 8 % num_taken;
        if (how % 8 == 7) {
            server_fail(i, (uint32_t)take(in, 1));
        } else {
            server_answer(i);
        }
    }
    if (how % 2 == 0) {
        server_notify();
    }
}

/*
 * An answer that nobody awaits, read at once: one with the id of a request, be it one that is sent
 * only later, would end it.
 */
static void lie(struct input *in)
{
    uint32_t id = (uint32_t)take(in, 4);
    server_notify();
    server_take();
    for (unsigned i = 0; i < num_taken; i++) {
        if (taken[i].req.id == id) {
            return;
        }
    }
    if (blk_server_room(&server) > 0) {
        server_respond(id, (uint32_t)take(in, 1), (uint16_t)take(in, 2));
    }
    server_notify();
}

static void reg(struct input *in)
{
    uint64_t offset = take(in, 2) % 0x1000;
    unsigned bytes = 1u << take(in, 1) % 4;
    region.write(&block, offset, bytes, take(in, bytes));
    region.read(&block, offset, bytes);
}

static void step(struct input *in)
{
    switch (take(in, 1) % 16) {
    case 0:
        descriptor(in);
        break;
    case 1:
        ring_offer(&ring, (unsigned)take(in, 1));
        break;
    case 2:
        memory(in);
        break;
    case 3:
        lie(in);
        break;
    case 4:
        reg(in);
        break;
    case 5:
        info.capacity = take(in, 1) % 2 ? DISK_BLOCKS : 0;
        server_notify();
        break;
    case 6:
        reg_write(&region, VIRTIO_MMIO_STATUS, (uint32_t)take(in, 1));
        break;
    case 7:
    case 8:
    case 9:
        answer(in);
        break;
    case 10:
    case 11:
        kick();
        break;
    default:
        request(in);
        break;
    }
}

static void begin(struct input *in)
{
    unsigned how = take(in, 1);
    rig_create(&(struct block_rig){ .guest_ram = how & 1,
                                    .bounce_blocks = how & 2 ? 16 : 1,
                                    .capacity = how & 4 ? 64 : 2,
                                    .ranges = true });
    drive((how & 8 ? ALL : VERSION_1 | F_INDIRECT) | F_RANGES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    begin(&in);
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    server_notify(); /* takes the answers: the queue has room again */
    server_serve();
    server_notify();
    assert_true(virtio_mmio_is_reset(&block.device));
    info.capacity = DISK_BLOCKS;
    server_notify();
    assert_works_after_reset();
    rig_destroy();
    return 0;
}
