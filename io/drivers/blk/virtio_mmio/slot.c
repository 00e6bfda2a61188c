/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/blk/virtio_mmio/slot.h"

#include <string.h>

#define STATUS_UNSET 0xffu /* no status of 5.2.6: the device has not written one */

static bool indirect(const struct vblk *v)
{
    return (v->features & VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC)) != 0;
}

void slots_init(struct vblk *v, bool with_tables)
{
    v->num_slots = with_tables ? v->ring.size : v->ring.size / VBLK_CHAIN;
    v->num_free = v->num_slots;
    for (uint32_t i = 0; i < v->num_slots; i++) {
        v->free[i] = (uint8_t)(v->num_slots - 1 - i);
        v->slots[i].busy = false;
    }
}

/* Where the device sees something in the DMA region. */
static uint64_t device_address(const struct vblk *v, const void *at)
{
    return v->dma_address + (uint64_t)((uintptr_t)at - (uintptr_t)v->dma);
}

/* Descriptors that follow each other in memory and in the chain. */
struct chain {
    struct vring_desc *desc;
    uint32_t base; /* index of desc[0] in its table */
    uint32_t count;
};

static void add(struct chain *chain, uint64_t address, uint64_t bytes, uint16_t flags)
{
    chain->desc[chain->count] = (struct vring_desc){
        .addr = address,
        .len = (uint32_t)bytes,
        .flags = flags,
    };
    if (chain->count > 0) {
        chain->desc[chain->count - 1].flags |= VRING_DESC_F_NEXT;
        chain->desc[chain->count - 1].next = (uint16_t)(chain->base + chain->count);
    }
    chain->count++;
}

/* One segment a request: at most `merge` of them, which leaves room for header and status. */
static void add_data(struct chain *chain, const struct vblk_slot *slot, uint16_t flags)
{
    for (uint32_t i = 0; i < slot->flying; i++) {
        const struct blk_req *req = &slot->reqs[slot->first + i];
        add(chain, req->io_or_offset, (uint64_t)req->count * BLK_TRANSFER_SIZE, flags);
    }
}

/* 5.2.6: FLUSH, DISCARD and WRITE_ZEROES have sector 0. */
static void fill_header(struct vblk_header *header, uint32_t type, uint64_t sector)
{
    memset(header, 0, sizeof(*header));
    header->out.type = type;
    header->out.sector = sector;
    header->status = STATUS_UNSET;
}

static void add_range(struct chain *chain, const struct vblk *v, struct vblk_header *header,
                      const struct blk_req *req)
{
    header->range.sector = req->block_number * VBLK_SECTORS;
    header->range.num_sectors = req->count * VBLK_SECTORS;
    add(chain, device_address(v, &header->range), sizeof(header->range), 0);
}

/* Header, data, status: the type of device request decides what data there is. */
static void describe(struct vblk *v, struct chain *chain, uint32_t index)
{
    const struct vblk_slot *slot = &v->slots[index];
    const struct blk_req *req = &slot->reqs[slot->first];
    struct vblk_header *header = &v->dma->headers[index];
    add(chain, device_address(v, &header->out), sizeof(header->out), 0);
    switch (req->code) {
    case BLK_REQ_READ:
        fill_header(header, VIRTIO_BLK_T_IN, req->block_number * VBLK_SECTORS);
        add_data(chain, slot, VRING_DESC_F_WRITE);
        break;
    case BLK_REQ_WRITE:
        fill_header(header, VIRTIO_BLK_T_OUT, req->block_number * VBLK_SECTORS);
        add_data(chain, slot, 0);
        break;
    case BLK_REQ_DISCARD:
        fill_header(header, VIRTIO_BLK_T_DISCARD, 0);
        add_range(chain, v, header, req);
        break;
    case BLK_REQ_WRITE_ZEROES:
        fill_header(header, VIRTIO_BLK_T_WRITE_ZEROES, 0);
        add_range(chain, v, header, req);
        break;
    case SLOT_GET_ID:
        fill_header(header, VIRTIO_BLK_T_GET_ID, 0);
        add(chain, device_address(v, v->dma->serial), VIRTIO_BLK_ID_BYTES, VRING_DESC_F_WRITE);
        break;
    default: /* FLUSH and BARRIER */
        fill_header(header, VIRTIO_BLK_T_FLUSH, 0);
        break;
    }
    add(chain, device_address(v, &header->status), sizeof(header->status), VRING_DESC_F_WRITE);
}

void slot_launch(struct vblk *v, uint32_t index)
{
    struct vring_desc *ring = v->ring.desc;
    uint32_t head = indirect(v) ? index : index * VBLK_CHAIN;
    struct chain chain = { ring + head, head, 0 };
    if (indirect(v)) {
        chain = (struct chain){ v->dma->tables[index], 0, 0 };
    }
    describe(v, &chain, index);
    if (indirect(v)) {
        ring[head] = (struct vring_desc){
            .addr = device_address(v, chain.desc),
            .len = chain.count * (uint32_t)sizeof(struct vring_desc),
            .flags = VRING_DESC_F_INDIRECT,
        };
    }
    ring_publish(&v->ring, (uint16_t)head);
}

uint32_t slot_finished(struct vblk *v)
{
    struct vring_used_elem used;
    enum ring_state state = ring_finished(&v->ring, v->num_slots - v->num_free, &used);
    if (state == RING_NOTHING) {
        return SLOT_NONE;
    }
    uint32_t step = indirect(v) ? 1 : VBLK_CHAIN;
    if (state == RING_BROKEN || used.id % step != 0 || used.id / step >= v->num_slots ||
        !v->slots[used.id / step].busy) {
        v->error = "the device has finished what it was not given";
        return SLOT_NONE;
    }
    return used.id / step;
}
