/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio-blk device on a virtio-mmio slot, for the driver's tests: registers, rings, a disk. */
#pragma once

#include "io/drivers/blk/virtio_mmio/vblk.h"
#include "io/drivers/virtio_mmio/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_BASE     0x0a003e00u
#define MODEL_DMA      0x50000000ull
#define MODEL_RAM      0x7f0000000ull /* the clients' memory, above 4 GiB */
#define MODEL_RAM_SIZE (256u * 4096u)
#define MODEL_BLOCKS   512u
#define MODEL_LOG      256u
#define NO_BLOCK       UINT64_MAX

/* What the driver asked the device to do. */
struct model_request {
    uint32_t type;
    uint64_t sector;
    uint32_t bytes;
    uint32_t segments;
};

static struct {
    uint64_t offered, accepted;
    uint32_t device_id, version, queue_most;
    struct virtio_blk_config config;
    uint32_t status, features_sel, driver_features_sel, queue_num, queue_ready;
    uint32_t queue_address[6];
    uint32_t interrupt_status, edges, notified, resets;
    bool never_resets, refuses_features, absent;
    uint16_t avail_seen, used_idx;
    uint64_t bad_block; /* a request that touches it fails */
    uint64_t forged_status;
    struct model_request log[MODEL_LOG];
    uint32_t logged;
    uint8_t disk[MODEL_BLOCKS * 4096];
    uint8_t ram[MODEL_RAM_SIZE];
    struct vblk_dma dma;
} model;

/* Memory as the device sees it: what lies outside of both regions is a bug of the driver. */
static void *model_memory(uint64_t address, uint64_t bytes)
{
    if (address >= MODEL_DMA && address - MODEL_DMA + bytes <= sizeof(model.dma)) {
        return (uint8_t *)&model.dma + (address - MODEL_DMA);
    }
    assert_true(address >= MODEL_RAM && address - MODEL_RAM + bytes <= MODEL_RAM_SIZE);
    return model.ram + (address - MODEL_RAM);
}

uint32_t mmio_read(uintptr_t base, uint32_t offset)
{
    uint32_t value = 0;
    assert_int_equal(base, MODEL_BASE);
    switch (offset) {
    case VIRTIO_MMIO_MAGIC_VALUE:
        return model.absent ? 0 : VIRTIO_MMIO_MAGIC;
    case VIRTIO_MMIO_VERSION:
        return model.version;
    case VIRTIO_MMIO_DEVICE_ID:
        return model.device_id;
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return (uint32_t)(model.offered >> (model.features_sel * 32));
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return model.queue_most;
    case VIRTIO_MMIO_QUEUE_READY:
        return model.queue_ready;
    case VIRTIO_MMIO_INTERRUPT_STATUS:
        return model.interrupt_status;
    case VIRTIO_MMIO_STATUS:
        return model.status;
    case VIRTIO_MMIO_CONFIG_GENERATION:
        return 7;
    default:
        assert_in_range(offset, VIRTIO_MMIO_CONFIG, VIRTIO_MMIO_CONFIG + 60);
        assert_int_equal(offset % 4, 0);
        memcpy(&value, (uint8_t *)&model.config + offset - VIRTIO_MMIO_CONFIG, 4);
        return value;
    }
}

uint32_t mmio_read_narrow(uintptr_t base, uint32_t offset, uint32_t bytes)
{
    assert_int_equal(bytes, 4); /* the fields that a disk has */
    return mmio_read(base, offset);
}

static void model_set_status(uint32_t value)
{
    if (value == 0) {
        model.resets++;
        model.queue_ready = 0;
        model.avail_seen = model.used_idx = 0;
        model.interrupt_status = 0;
        model.status = model.never_resets ? model.status : 0;
        return;
    }
    if (model.refuses_features) {
        value &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
    }
    model.status = value;
}

void mmio_write(uintptr_t base, uint32_t offset, uint32_t value)
{
    assert_int_equal(base, MODEL_BASE);
    switch (offset) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        model.features_sel = value;
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        model.driver_features_sel = value;
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES:
        model.accepted |= (uint64_t)value << (model.driver_features_sel * 32);
        break;
    case VIRTIO_MMIO_QUEUE_SEL:
        assert_int_equal(value, 0);
        break;
    case VIRTIO_MMIO_QUEUE_NUM:
        assert_in_range(value, 1, model.queue_most);
        model.queue_num = value;
        break;
    case VIRTIO_MMIO_QUEUE_READY:
        assert_true(model.status & VIRTIO_CONFIG_S_FEATURES_OK);
        model.queue_ready = value;
        break;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
        assert_int_equal(value, 0);
        assert_true(model.status & VIRTIO_CONFIG_S_DRIVER_OK);
        model.notified++;
        break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        model.interrupt_status &= ~value;
        break;
    case VIRTIO_MMIO_STATUS:
        model_set_status(value);
        break;
    default:
        assert_in_range(offset, VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH);
        model.queue_address[(offset - VIRTIO_MMIO_QUEUE_DESC_LOW) / 16 * 2 + offset / 4 % 2] =
            value;
    }
}

static uint64_t model_queue_address(uint32_t part)
{
    return model.queue_address[part * 2] | (uint64_t)model.queue_address[part * 2 + 1] << 32;
}

static inline struct vring_used *model_used(void)
{
    return model_memory(model_queue_address(2), sizeof(struct vring_used));
}

static void model_interrupt(uint32_t bits)
{
    model.edges += model.interrupt_status == 0; /* the line rises */
    model.interrupt_status |= bits;
}

/* Moves one data segment; `at` is a byte of the disk. */
static void model_move(const struct vring_desc *d, uint32_t type, uint64_t at)
{
    void *memory = model_memory(d->addr, d->len);
    if (type == VIRTIO_BLK_T_IN) {
        assert_true(d->flags & VRING_DESC_F_WRITE);
        memcpy(memory, model.disk + at, d->len);
    } else if (type == VIRTIO_BLK_T_OUT) {
        assert_false(d->flags & VRING_DESC_F_WRITE);
        memcpy(model.disk + at, memory, d->len);
    } else if (type == VIRTIO_BLK_T_GET_ID) {
        assert_true(d->flags & VRING_DESC_F_WRITE);
        memcpy(memory, "model-disk", 11);
    } else {
        struct virtio_blk_discard_write_zeroes *range = memory;
        assert_int_equal(d->len, sizeof(*range));
        assert_true(range->sector + range->num_sectors <= MODEL_BLOCKS * 8);
        memset(model.disk + range->sector * 512, 0, range->num_sectors * 512);
    }
}

/* Does the request whose descriptors are chain[0..count). */
static void model_request(struct vring_desc *const chain[], uint32_t count)
{
    assert_true(count >= 2);
    assert_int_equal(chain[0]->len, 16);
    const struct virtio_blk_outhdr *header = model_memory(chain[0]->addr, 16);
    struct model_request *entry = &model.log[model.logged++ % MODEL_LOG];
    *entry = (struct model_request){ header->type, header->sector, 0, count - 2 };
    uint8_t *status = model_memory(chain[count - 1]->addr, 1);
    assert_true(chain[count - 1]->flags & VRING_DESC_F_WRITE);
    assert_int_equal(chain[count - 1]->len, 1);
    for (uint32_t i = 1; i + 1 < count; i++) {
        entry->bytes += chain[i]->len;
    }
    uint64_t bad = model.bad_block * 8;
    bool fails = model.bad_block != NO_BLOCK && header->sector <= bad &&
                 bad < header->sector + entry->bytes / 512;
    *status = fails ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
    uint64_t at = header->sector * 512;
    for (uint32_t i = 1; i + 1 < count && !fails; at += chain[i]->len, i++) {
        model_move(chain[i], header->type, at);
    }
    if (model.forged_status != 0) {
        *status = (uint8_t)model.forged_status;
    }
}

/* Follows one chain, with or without an indirect table. */
static void model_chain(uint16_t head)
{
    struct vring_desc *chain[VBLK_RING], *table = model_memory(model_queue_address(0), 16);
    uint32_t count = 0, most = model.queue_num, i = head;
    assert_true(head < model.queue_num);
    if (table[head].flags & VRING_DESC_F_INDIRECT) {
        assert_true(model.accepted & VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC));
        most = table[head].len / 16;
        table = model_memory(table[head].addr, table[head].len);
        i = 0;
    }
    for (;;) {
        assert_true(i < most && count < most);
        chain[count++] = &table[i];
        if (!(table[i].flags & VRING_DESC_F_NEXT)) {
            break;
        }
        i = table[i].next;
    }
    model_request(chain, count);
}

static void model_use(uint32_t head)
{
    struct vring_used_elem *ring = model_memory(model_queue_address(2) + 4, 8);
    uint16_t *idx = model_memory(model_queue_address(2) + 2, 2);
    ring[model.used_idx % model.queue_num] = (struct vring_used_elem){ head, 1 };
    *idx = ++model.used_idx;
}

/* Works on up to `most` requests and interrupts once; returns how many there were. */
static uint32_t model_work(uint32_t most)
{
    uint32_t done = 0;
    if (!model.queue_ready) {
        return 0;
    }
    uint16_t *avail = model_memory(model_queue_address(1), 4);
    while (done < most && model.avail_seen != avail[1]) {
        uint16_t head = avail[2 + model.avail_seen % model.queue_num];
        model.avail_seen++;
        model_chain(head);
        model_use(head);
        done++;
    }
    if (done > 0) {
        model_interrupt(VIRTIO_MMIO_INT_VRING);
    }
    return done;
}

/* ---- The driver, between the device and a virtualiser that the test plays
 * ----------------------*/

#define CAPACITY 256u
#define ALL_FEATURES                                                                               \
    (VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX) |                           \
     VIRTIO_BIT(VIRTIO_BLK_F_BLK_SIZE) | VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) |                          \
     VIRTIO_BIT(VIRTIO_BLK_F_DISCARD) | VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES) |                    \
     VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_BLK_F_TOPOLOGY) |                 \
     VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_BLK_F_SIZE_MAX))

static struct vblk disk;
static struct blk_storage_info info;
static struct blk_client virt;
static uint64_t req_memory[(16 + CAPACITY * 32) / 8], resp_memory[(8 + CAPACITY * 12) / 8];
static uint32_t next_id, signals;

/* A device as QEMU's, not started. */
static inline void fresh_model(void)
{
    static uint8_t pattern[sizeof(model.disk)]; /* made once */
    memset(&model, 0, sizeof(model));
    model.offered = ALL_FEATURES;
    model.device_id = VIRTIO_ID_BLOCK;
    model.version = 2;
    model.queue_most = 1024;
    model.bad_block = NO_BLOCK;
    model.config.capacity = MODEL_BLOCKS * 8 + 7; /* the last piece is no block */
    model.config.seg_max = 254;
    model.config.blk_size = 512;
    model.config.max_discard_sectors = model.config.max_write_zeroes_sectors = 4194303;
    model.config.max_discard_seg = model.config.max_write_zeroes_seg = 1;
    for (uint32_t i = 0; i < sizeof(pattern) && pattern[sizeof(pattern) - 1] == 0; i++) {
        pattern[i] = (uint8_t)(i / 4096 + i);
    }
    memcpy(model.disk, pattern, sizeof(pattern));
}

static inline void start(void)
{
    memset(&disk, 0, sizeof(disk));
    memset(req_memory, 0, sizeof(req_memory));
    memset(resp_memory, 0, sizeof(resp_memory));
    next_id = 1000;
    signals = 0;
    disk.base = MODEL_BASE;
    disk.dma = &model.dma;
    disk.dma_address = MODEL_DMA;
    disk.info = &info;
    struct blk_req_queue *req = (struct blk_req_queue *)req_memory;
    struct blk_resp_queue *resp = (struct blk_resp_queue *)resp_memory;
    disk.queue = blk_queue_server(req, resp, CAPACITY);
    virt = blk_queue_client(req, resp, CAPACITY);
    vblk_start(&disk);
}

static inline void run(void)
{
    signals += vblk_run(&disk);
}

/* The PD's handler: only on an edge, as the machine has it. */
static inline void interrupts(void)
{
    while (model.edges > 0) {
        model.edges = 0;
        vblk_interrupt(&disk);
        run();
        run();
    }
}

/* The device does everything, and the driver hears of it. */
static inline void settle(void)
{
    run();
    while (model_work(1000) > 0) {
        interrupts();
    }
    interrupts();
}
