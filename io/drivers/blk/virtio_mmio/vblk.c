/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/blk/virtio_mmio/vblk.h"

#include "io/drivers/blk/virtio_mmio/slot.h"
#include "io/drivers/virtio_mmio/transport.h"

#include <string.h>

/*
 * Not SIZE_MAX: it binds only if accepted (5.2.5), and our segments are whole requests. Without
 * SEG_MAX a request has one segment.
 */
#define WANTED                                                                                     \
    (VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_BIT(VIRTIO_BLK_F_RO) |                              \
     VIRTIO_BIT(VIRTIO_BLK_F_BLK_SIZE) | VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) |                          \
     VIRTIO_BIT(VIRTIO_BLK_F_DISCARD) | VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES) |                    \
     VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC))

static bool has(const struct vblk *v, unsigned int feature)
{
    return (v->features & VIRTIO_BIT(feature)) != 0;
}

/* ---- Answers ----------------------------------------------------------------------------------*/

/* Cannot fail: a request is taken only where there is room for its answer. */
static void answer(struct vblk *v, const struct blk_req *req, uint32_t status)
{
    bool moved =
        status == BLK_RESP_OK && req->code != BLK_REQ_FLUSH && req->code != BLK_REQ_BARRIER;
    struct blk_resp resp = { status, moved ? req->count : 0, req->id };
    (void)blk_server_respond(&v->queue, &resp);
    v->taken--;
    v->notify = true;
    if (req->code == BLK_REQ_BARRIER) {
        v->barrier = false;
    }
}

static uint32_t answer_of(uint8_t device_status)
{
    switch (device_status) {
    case VIRTIO_BLK_S_OK:
        return BLK_RESP_OK;
    case VIRTIO_BLK_S_UNSUPP:
        return BLK_RESP_ERR_INVALID_PARAM;
    default: /* IOERR, none, or none of 5.2.6's */
        return BLK_RESP_ERR_IO;
    }
}

static void answer_flying(struct vblk *v, struct vblk_slot *slot, uint32_t status)
{
    for (; slot->flying > 0; slot->flying--) {
        answer(v, &slot->reqs[slot->first++], status);
    }
}

/* ---- What the device has finished -------------------------------------------------------------*/

/* The first request is ours: then the disk is ready. A disk need not have a serial number. */
static void become_ready(struct vblk *v, bool has_serial)
{
    if (has_serial) {
        memcpy(v->info->serial, v->dma->serial, VIRTIO_BLK_ID_BYTES);
    }
    blk_storage_set_ready(v->info);
    v->notify = true;
}

static void finish(struct vblk *v, uint32_t index)
{
    struct vblk_slot *slot = &v->slots[index];
    uint8_t status = __atomic_load_n(&v->dma->headers[index].status, __ATOMIC_RELAXED);
    if (slot->reqs[0].code == SLOT_GET_ID) {
        become_ready(v, status == VIRTIO_BLK_S_OK);
        slot->first = slot->total;
    } else if (status == VIRTIO_BLK_S_OK || slot->flying == 1) {
        answer_flying(v, slot, answer_of(status));
    } /* else one of several is bad: each is tried by itself */
    if (slot->first < slot->total) {
        slot->flying = 1;
        slot_launch(v, index);
        return;
    }
    slot->busy = false;
    v->free[v->num_free++] = (uint8_t)index;
}

/*
 * The device is lost. What it has can be answered only once it cannot touch memory any more: the
 * clients use it for something else then.
 */
static void give_up(struct vblk *v)
{
    v->started = false;
    v->barrier = false; /* what comes behind it fails */
    if (!transport_reset(v->base)) {
        v->error = "the device is broken and does not reset: its requests stay unanswered";
        return;
    }
    for (uint32_t i = 0; i < v->num_slots; i++) {
        struct vblk_slot *slot = &v->slots[i];
        if (slot->busy && slot->reqs[0].code == SLOT_GET_ID) {
            become_ready(v, false);
        } else if (slot->busy) {
            slot->flying = (uint8_t)(slot->total - slot->first);
            answer_flying(v, slot, BLK_RESP_ERR_IO);
        }
        slot->busy = false;
    }
}

static void finish_all(struct vblk *v)
{
    /* Bounded: a device that finishes what it is given again and again has its turn later. */
    for (uint32_t i = 0; i < VBLK_RING && v->started; i++) {
        uint32_t index = slot_finished(v);
        if (v->error != NULL) {
            give_up(v);
            return;
        }
        if (index == SLOT_NONE) {
            return;
        }
        finish(v, index);
    }
}

void vblk_interrupt(struct vblk *v)
{
    if (!v->started) {
        return;
    }
    if ((transport_interrupt(v->base) & VIRTIO_MMIO_INT_CONFIG) && transport_needs_reset(v->base)) {
        v->error = "the device needs a reset";
        give_up(v);
    }
}

/* ---- Requests ---------------------------------------------------------------------------------*/

static bool in_range(const struct vblk *v, const struct blk_req *req)
{
    return req->count > 0 && req->block_number <= v->blocks &&
           req->count <= v->blocks - req->block_number;
}

static bool may_write(const struct vblk *v)
{
    return !has(v, VIRTIO_BLK_F_RO);
}

/* OK: for the device. The virtualiser has checked the address. */
static uint32_t check(const struct vblk *v, const struct blk_req *req)
{
    bool good = false;
    if (v->error != NULL) {
        return v->blocks == 0 ? BLK_RESP_ERR_NO_DEVICE : BLK_RESP_ERR_IO;
    }
    switch (req->code) {
    case BLK_REQ_READ:
        good = in_range(v, req);
        break;
    case BLK_REQ_WRITE:
        good = in_range(v, req) && may_write(v);
        break;
    case BLK_REQ_DISCARD:
        good = in_range(v, req) && (v->info->extensions & BLK_EXT_DISCARD);
        break;
    case BLK_REQ_WRITE_ZEROES:
        good = in_range(v, req) && (v->info->extensions & BLK_EXT_WRITE_ZEROES);
        break;
    case BLK_REQ_FLUSH:
    case BLK_REQ_BARRIER:
        good = true;
        break;
    default:
        break;
    }
    return good ? BLK_RESP_OK : BLK_RESP_ERR_INVALID_PARAM;
}

/* 5.2.6.2: without FLUSH there is no write cache, and what is answered is on the disk. */
static bool is_done_already(const struct vblk *v, const struct blk_req *req)
{
    bool flushes = req->code == BLK_REQ_FLUSH || req->code == BLK_REQ_BARRIER;
    return flushes && !has(v, VIRTIO_BLK_F_FLUSH);
}

/* A request waits, and its answer will have room. */
static bool can_take(const struct vblk *v)
{
    return !v->barrier && blk_server_requests(&v->queue) > 0 &&
           blk_server_room(&v->queue) > v->taken;
}

/* One device request can do `next` right behind the requests of the slot. */
static bool fits_behind(const struct vblk *v, const struct vblk_slot *slot,
                        const struct blk_req *next)
{
    const struct blk_req *first = &slot->reqs[0], *last = &slot->reqs[slot->total - 1];
    if (next->code != first->code || slot->total >= VBLK_MERGE) {
        return false;
    }
    if (next->code == BLK_REQ_FLUSH) {
        return true;
    }
    return (next->code == BLK_REQ_READ || next->code == BLK_REQ_WRITE) && slot->total < v->merge &&
           check(v, next) == BLK_RESP_OK &&
           next->block_number == last->block_number + last->count &&
           next->block_number + next->count - first->block_number <= VBLK_MERGE_BLOCKS;
}

static void take(struct vblk *v, const struct blk_req *req)
{
    blk_server_consume(&v->queue);
    v->taken++;
    v->barrier = req->code == BLK_REQ_BARRIER;
}

/* Makes a device request of `req`, which is taken, and of what follows and fits. */
static void submit(struct vblk *v, const struct blk_req *req)
{
    uint32_t index = v->free[--v->num_free];
    struct vblk_slot *slot = &v->slots[index];
    struct blk_req next;
    slot->busy = true;
    slot->first = 0;
    slot->reqs[0] = *req;
    slot->total = 1;
    while (can_take(v)) {
        blk_server_peek(&v->queue, &next);
        if (!fits_behind(v, slot, &next)) {
            break;
        }
        take(v, &next);
        slot->reqs[slot->total++] = next;
    }
    slot->flying = slot->total;
    slot_launch(v, index);
}

static void submit_all(struct vblk *v)
{
    struct blk_req req;
    /* Bounded: requests that go to the device take slots, the others the room for answers. */
    while (can_take(v) && (v->num_free > 0 || v->error != NULL)) {
        blk_server_peek(&v->queue, &req);
        if (req.code == BLK_REQ_BARRIER && v->taken > 0 && v->error == NULL) {
            return;
        }
        take(v, &req);
        uint32_t status = check(v, &req);
        if (status != BLK_RESP_OK || is_done_already(v, &req)) {
            answer(v, &req, status);
        } else {
            submit(v, &req);
        }
    }
}

bool vblk_run(struct vblk *v)
{
    finish_all(v);
    submit_all(v);
    if (v->started) {
        ring_kick(&v->ring);
    }
    bool notify = v->notify;
    v->notify = false;
    return notify;
}

/* ---- Start ------------------------------------------------------------------------------------*/

static uint32_t config(const struct vblk *v, uint32_t offset)
{
    return mmio_read(v->base, VIRTIO_MMIO_CONFIG + offset);
}

#define FIELD(name) (uint32_t) __builtin_offsetof(struct virtio_blk_config, name)

/* Offered to clients only where one request can be as long as the queue allows. */
static bool takes_long(const struct vblk *v, unsigned int feature, uint32_t sectors_field,
                       uint32_t segments_field)
{
    return has(v, feature) && may_write(v) && config(v, segments_field) > 0 &&
           config(v, sectors_field) >= BLK_COUNT_MAX * VBLK_SECTORS;
}

static const char *read_config(struct vblk *v)
{
    struct blk_storage_info *info = v->info;
    uint32_t sector = has(v, VIRTIO_BLK_F_BLK_SIZE) ? config(v, FIELD(blk_size)) : 512;
    if (sector < 512 || sector > BLK_TRANSFER_SIZE || (sector & (sector - 1)) != 0) {
        return "its sectors are not of 512, 1024, 2048 or 4096 bytes";
    }
    transport_config(v->base, FIELD(capacity), &v->blocks, 4, 2);
    v->blocks /= VBLK_SECTORS;
    if (v->blocks == 0) {
        return "the disk has no whole block of 4096 bytes";
    }
    uint32_t segments = has(v, VIRTIO_BLK_F_SEG_MAX) ? config(v, FIELD(seg_max)) : 1;
    uint32_t room = has(v, VIRTIO_RING_F_INDIRECT_DESC) ? VBLK_MERGE : VBLK_CHAIN - 2;
    v->merge = segments < room ? segments : room;
    info->read_only = !may_write(v);
    info->sector_size = (uint16_t)sector;
    info->block_size = 1;
    info->capacity = v->blocks;
    if (takes_long(v, VIRTIO_BLK_F_DISCARD, FIELD(max_discard_sectors), FIELD(max_discard_seg))) {
        info->extensions |= BLK_EXT_DISCARD;
    }
    if (takes_long(v, VIRTIO_BLK_F_WRITE_ZEROES, FIELD(max_write_zeroes_sectors),
                   FIELD(max_write_zeroes_seg))) {
        info->extensions |= BLK_EXT_WRITE_ZEROES;
    }
    return NULL;
}

static const char *start_queue(struct vblk *v)
{
    memset(v->dma, 0, sizeof(*v->dma));
    if (!ring_start(&v->ring, v->base, 0, VBLK_RING, v->dma->ring,
                    v->dma_address + __builtin_offsetof(struct vblk_dma, ring))) {
        return "the device's queue is too small";
    }
    slots_init(v, has(v, VIRTIO_RING_F_INDIRECT_DESC));
    v->info->queue_depth = (uint16_t)v->num_slots;
    transport_driver_ok(v->base);
    v->started = true;
    return NULL;
}

static void ask_serial(struct vblk *v)
{
    uint32_t index = v->free[--v->num_free];
    struct vblk_slot *slot = &v->slots[index];
    slot->busy = true;
    slot->first = 0;
    slot->flying = 1;
    slot->total = 1;
    slot->reqs[0] = (struct blk_req){ .code = SLOT_GET_ID };
    slot_launch(v, index);
    ring_kick(&v->ring);
}

void vblk_start(struct vblk *v)
{
    memset(v->info, 0, sizeof(*v->info));
    v->error = transport_negotiate(v->base, VIRTIO_ID_BLOCK, WANTED, &v->features);
    if (v->error == NULL) {
        blk_server_begin(&v->queue); /* the device is reset: it works on nothing */
        v->error = read_config(v);
    }
    if (v->error == NULL) {
        v->error = start_queue(v);
    }
    if (v->error == NULL) {
        ask_serial(v);
        return;
    }
    memset(v->info, 0, sizeof(*v->info)); /* there is no disk, and that is ready */
    v->blocks = 0;
    become_ready(v, false);
}
