/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio-net device on a virtio-mmio slot, for the driver's tests, and its driver. */
#pragma once

#include "io/drivers/net/virtio_mmio/vnet.h"
#include "io/drivers/virtio_mmio/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_BASE    0x0a003c00u
#define MODEL_DMA     0x50000000ull
#define MODEL_RAM     0x7f0000000ull /* the buffers, above 4 GiB */
#define MODEL_BUFFERS 1024u
#define MODEL_RX      512u /* the first of them are for receiving, the others for sending */
#define CAPACITY      512u

struct model_queue {
    uint32_t num, ready, address[6];
    uint16_t avail_seen, used_idx;
};

static struct {
    uint64_t offered, accepted;
    uint32_t device_id, version, queue_most;
    struct virtio_net_config config;
    uint32_t status, features_sel, driver_features_sel, queue_sel;
    struct model_queue queues[2];
    uint32_t interrupt_status, raised, edges, notified[2], resets;
    bool never_resets, refuses_features, lies;
    void (*on_notify)(void); /* what the device does at once */
    uint8_t ram[MODEL_BUFFERS * NET_BUFFER_SIZE];
    struct vnet_dma dma;
} model;

/* Memory as the device sees it: what lies outside of both regions is a bug of the driver. */
static void *model_memory(uint64_t address, uint64_t bytes)
{
    if (address >= MODEL_DMA && address - MODEL_DMA + bytes <= sizeof(model.dma)) {
        return (uint8_t *)&model.dma + (address - MODEL_DMA);
    }
    assert_true(address >= MODEL_RAM && address - MODEL_RAM + bytes <= sizeof(model.ram));
    return model.ram + (address - MODEL_RAM);
}

uint32_t mmio_read_narrow(uintptr_t base, uint32_t offset, uint32_t bytes)
{
    uint32_t value = 0;
    assert_int_equal(base, MODEL_BASE);
    /* 4.2.2.2: a field is read as wide as it is. */
    assert_int_equal(bytes, offset < VIRTIO_MMIO_CONFIG + 6 ? 1 : 2);
    assert_in_range(offset, VIRTIO_MMIO_CONFIG, VIRTIO_MMIO_CONFIG + sizeof(model.config) - bytes);
    memcpy(&value, (uint8_t *)&model.config + offset - VIRTIO_MMIO_CONFIG, bytes);
    return value;
}

uint32_t mmio_read(uintptr_t base, uint32_t offset)
{
    assert_int_equal(base, MODEL_BASE);
    switch (offset) {
    case VIRTIO_MMIO_MAGIC_VALUE:
        return VIRTIO_MMIO_MAGIC;
    case VIRTIO_MMIO_VERSION:
        return model.version;
    case VIRTIO_MMIO_DEVICE_ID:
        return model.device_id;
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return (uint32_t)(model.offered >> (model.features_sel * 32));
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return model.queue_sel < 2 ? model.queue_most : 0;
    case VIRTIO_MMIO_QUEUE_READY:
        return model.queues[model.queue_sel % 2].ready;
    case VIRTIO_MMIO_INTERRUPT_STATUS:
        return model.interrupt_status;
    case VIRTIO_MMIO_STATUS:
        return model.status;
    default:
        assert_int_equal(offset, VIRTIO_MMIO_CONFIG_GENERATION);
        return 7;
    }
}

static void model_set_status(uint32_t value)
{
    if (value == 0) {
        model.resets++;
        model.interrupt_status = 0;
        if (!model.never_resets) {
            memset(model.queues, 0, sizeof(model.queues));
            model.status = 0;
        }
        return;
    }
    model.status = model.refuses_features ? value & ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK : value;
}

void mmio_write(uintptr_t base, uint32_t offset, uint32_t value)
{
    struct model_queue *q = &model.queues[model.queue_sel % 2];
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
        model.queue_sel = value;
        break;
    case VIRTIO_MMIO_QUEUE_NUM:
        assert_true(value <= model.queue_most);
        q->num = value;
        break;
    case VIRTIO_MMIO_QUEUE_READY:
        q->ready = value;
        break;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
        assert_true(value < 2 && (model.status & VIRTIO_CONFIG_S_DRIVER_OK));
        model.notified[value]++;
        if (model.on_notify != NULL) {
            model.on_notify();
        }
        break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        model.interrupt_status &= ~value;
        break;
    case VIRTIO_MMIO_STATUS:
        model_set_status(value);
        break;
    default:
        assert_in_range(offset, VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH);
        q->address[(offset - VIRTIO_MMIO_QUEUE_DESC_LOW) / 16 * 2 + offset / 4 % 2] = value;
    }
}

static void *model_part(uint32_t side, uint32_t part, uint64_t bytes)
{
    const struct model_queue *q = &model.queues[side];
    return model_memory(q->address[part * 2] | (uint64_t)q->address[part * 2 + 1] << 32, bytes);
}

static struct vring_used *model_used(uint32_t side)
{
    return model_part(side, 2, 6 + model.queues[side].num * 8);
}

static void model_interrupt(uint32_t bits)
{
    model.raised++;
    model.edges += model.interrupt_status == 0; /* the line rises */
    model.interrupt_status |= bits;
}

static bool model_has_event_idx(void)
{
    return (model.accepted & VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX)) != 0;
}

/* Finishes the chain, and interrupts if the driver wants to know (2.7.7.2). */
static void model_use(uint32_t side, uint32_t head, uint32_t bytes)
{
    struct model_queue *q = &model.queues[side];
    struct vring_used *used = model_used(side);
    const struct vring_avail *avail = model_part(side, 1, 6 + q->num * 2);
    used->ring[q->used_idx % q->num] = (struct vring_used_elem){ head, bytes };
    used->idx = ++q->used_idx;
    if (!model_has_event_idx() ||
        vring_need_event(avail->ring[q->num], q->used_idx, (uint16_t)(q->used_idx - 1))) {
        model_interrupt(VIRTIO_MMIO_INT_VRING);
    }
}

/* The next chain: its buffer's descriptor; NULL if there is none. */
static const struct vring_desc *model_next(uint32_t side, uint16_t *head)
{
    struct model_queue *q = &model.queues[side];
    const struct vring_avail *avail = q->ready ? model_part(side, 1, 6 + q->num * 2) : NULL;
    const struct vring_desc *table = q->ready ? model_part(side, 0, q->num * 16) : NULL;
    uint16_t flags = side == VNET_RX ? VRING_DESC_F_WRITE : 0;
    if (avail == NULL || q->avail_seen == avail->idx) {
        return NULL;
    }
    assert_true(model.lies || (uint16_t)(avail->idx - q->avail_seen) <= q->num / 2);
    *head = avail->ring[q->avail_seen++ % q->num];
    /* It wants to hear of what comes next. */
    *(uint16_t *)&model_used(side)->ring[q->num] = q->avail_seen;
    assert_true(*head < q->num);
    assert_int_equal(table[*head].len, 12);
    assert_int_equal(table[*head].flags, flags | VRING_DESC_F_NEXT);
    assert_true(table[*head].next < q->num);
    assert_int_equal(table[table[*head].next].flags, flags);
    uint8_t *header = model_memory(table[*head].addr, 12);
    if (side == VNET_RX) {
        memset(header, 0x5a, 12);
    } else {
        assert_memory_equal(header, "\0\0\0\0\0\0\0\0\0\0\0", 12);
    }
    return &table[table[*head].next];
}

/* A frame arrives; false if the driver has no buffer for it. */
static bool model_receive(const void *frame, uint32_t bytes)
{
    uint16_t head;
    const struct vring_desc *buffer = model_next(VNET_RX, &head);
    if (buffer == NULL) {
        return false;
    }
    assert_int_equal(buffer->len, NET_BUFFER_SIZE);
    assert_true((buffer->addr - MODEL_RAM) / NET_BUFFER_SIZE < MODEL_RX);
    memcpy(model_memory(buffer->addr, NET_BUFFER_SIZE), frame, bytes);
    model_use(VNET_RX, head, 12 + bytes);
    return true;
}

/* Sends the next frame of the driver: copies it to `frame`, and returns its length, or 0. */
static uint32_t model_send(void *frame)
{
    uint16_t head;
    const struct vring_desc *buffer = model_next(VNET_TX, &head);
    if (buffer == NULL) {
        return 0;
    }
    assert_true((buffer->addr - MODEL_RAM) / NET_BUFFER_SIZE >= MODEL_RX);
    memcpy(frame, model_memory(buffer->addr, buffer->len), buffer->len);
    model_use(VNET_TX, head, 0);
    return buffer->len;
}

/* ---- The driver, and the virtualisers' ends of its rings --------------------------------------*/

static struct vnet card;
static struct sddf_net_driver_config record;
static struct net_producer rx_free, tx_active;
static struct net_consumer rx_active, tx_free;
static uint64_t ring_memory[4][(8 + CAPACITY * 16) / 8];
static uint32_t signals[2];

static void fresh_model(void)
{
    memset(&model, 0, sizeof(model));
    model.offered = UINT64_MAX & ~VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM);
    model.device_id = VIRTIO_ID_NET;
    model.version = 2;
    model.queue_most = 1024;
    memcpy(model.config.mac, "\x52\x54\x00\x12\x34\x56", 6);
    model.config.status = VIRTIO_NET_S_LINK_UP;
}

static void start(void)
{
    struct sddf_region regions[4];
    memset(&card, 0, sizeof(card));
    memset(ring_memory, 0, sizeof(ring_memory));
    memset(signals, 0, sizeof(signals));
    for (uint32_t i = 0; i < 4; i++) {
        regions[i] = (struct sddf_region){ (uintptr_t)ring_memory[i], sizeof(ring_memory[i]) };
    }
    record.rx = (struct sddf_net_connection){ regions[0], regions[1], CAPACITY, 1 };
    record.tx = (struct sddf_net_connection){ regions[2], regions[3], CAPACITY, 2 };
    rx_free = net_producer(&regions[0], CAPACITY);
    rx_active = net_consumer(&regions[1], CAPACITY);
    tx_free = net_consumer(&regions[2], CAPACITY);
    tx_active = net_producer(&regions[3], CAPACITY);
    net_queue_fill(&rx_free, MODEL_RAM, MODEL_RX);
    card.base = MODEL_BASE;
    card.dma = &model.dma;
    card.dma_address = MODEL_DMA;
    vnet_start(&card, &record);
}

static void run(void)
{
    uint32_t notify;
    do {
        notify = vnet_run(&card);
        signals[VNET_RX] += notify & 1;
        signals[VNET_TX] += notify >> 1 & 1;
        assert_true(notify < 8);
    } while (notify & VNET_AGAIN);
}

/* The PD's handler: only on an edge, as the machine has it. */
static void interrupts(void)
{
    while (model.edges > 0) {
        model.edges = 0;
        (void)vnet_interrupt(&card);
        run();
        run();
    }
}

static uint64_t tx_buffer(uint32_t index)
{
    return MODEL_RAM + (uint64_t)(MODEL_RX + index) * NET_BUFFER_SIZE;
}
