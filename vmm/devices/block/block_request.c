/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest asks for (virtIO 1.2, 5.2.6): read once, checked, and never looked at again. */
#include "vmm/devices/block/block_parts.h"

#include <stddef.h>

#define HEADER_BYTES sizeof(struct virtio_blk_outhdr)
#define RANGE_BYTES  sizeof(struct virtio_blk_discard_write_zeroes)

_Static_assert(HEADER_BYTES == 16 && RANGE_BYTES == 16, "virtIO 1.2, 5.2.6");

static void finish(struct block_request *request, uint8_t status)
{
    request->status = status;
    request->phase = BLOCK_DONE;
}

/* What is left of the chain is the data alone. The lengths are known to be there. */
static void cut_header(struct virtq_chain *chain)
{
    uint32_t rest = HEADER_BYTES;
    while (rest > 0) {
        struct virtq_segment *segment = &chain->segments[0];
        uint32_t n = segment->bytes < rest ? segment->bytes : rest;
        segment->at += n;
        segment->bytes -= n;
        rest -= n;
        if (segment->bytes == 0) {
            chain->segments++;
            chain->num_readable--;
        }
    }
}

/* The status byte is the last of the writable bytes. */
static uint8_t *cut_status(struct virtq_chain *chain)
{
    struct virtq_segment *last =
        &chain->segments[(unsigned)chain->num_readable + chain->num_writable - 1];
    last->bytes--;
    if (last->bytes == 0) {
        chain->num_writable--;
    }
    return last->at + last->bytes;
}

/* The driver hears of a finished write only when it is on the disk (5.2.5.2, 5.2.6.2). */
static bool writes_through(const struct virtio_block *block)
{
    const struct virtio_device *device = &block->device;
    return !virtio_mmio_has_feature(device, VIRTIO_BLK_F_FLUSH) ||
           (virtio_mmio_has_feature(device, VIRTIO_BLK_F_CONFIG_WCE) && block->config.wce == 0);
}

/* A range of the disk, in sectors. Any numbers may be passed. */
static bool set_range(const struct virtio_block *block, struct block_request *request,
                      uint64_t sector, uint64_t sectors)
{
    uint64_t capacity = block->capacity * (BLOCK_BYTES / SECTOR_BYTES);
    if (capacity == 0 || sector > capacity || sectors > capacity - sector) {
        return false;
    }
    request->start = sector * SECTOR_BYTES;
    request->bytes = sectors * SECTOR_BYTES;
    return true;
}

/* Whether all of it can go between disk and guest RAM: memory, length and sector are aligned. */
static bool goes_direct(const struct virtio_block *block, const struct block_request *request)
{
    const struct virtq_chain *chain = &request->chain;
    unsigned count = (unsigned)chain->num_readable + chain->num_writable;
    if (block->record->guest_ram == 0 || request->start % BLOCK_BYTES != 0) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)(chain->segments[i].at - block->ram->base);
        if (offset % BLOCK_BYTES != 0 || chain->segments[i].bytes % BLOCK_BYTES != 0) {
            return false;
        }
    }
    return true;
}

/* IN and OUT. The buffers of the other direction must be empty, beside header and status. */
static void read_data(const struct virtio_block *block, struct block_request *request,
                      uint64_t sector)
{
    bool in = request->type == VIRTIO_BLK_T_IN;
    const struct virtq_chain *chain = &request->chain;
    uint64_t bytes = in ? chain->writable_bytes - 1 : chain->readable_bytes - HEADER_BYTES;
    bool other_way = in ? chain->num_readable > 0 : chain->num_writable > 0;
    if (other_way || bytes % SECTOR_BYTES != 0 || (!in && block->read_only) ||
        !set_range(block, request, sector, bytes / SECTOR_BYTES)) {
        finish(request, VIRTIO_BLK_S_IOERR);
        return;
    }
    request->direct = goes_direct(block, request);
    request->write_through = !in && writes_through(block);
}

/* Blocks that are only partly in the range keep their contents: a discard is a hint. */
static void trim_to_blocks(struct block_request *request)
{
    uint64_t end = (request->start + request->bytes) / BLOCK_BYTES * BLOCK_BYTES;
    uint64_t start = (request->start + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    request->start = start;
    request->bytes = end > start ? end - start : 0;
}

/* DISCARD and WRITE_ZEROES: one range, since max_discard_seg and max_write_zeroes_seg are 1. */
static void read_range(struct virtio_block *block, struct block_request *request)
{
    struct virtio_blk_discard_write_zeroes range;
    bool discard = request->type == VIRTIO_BLK_T_DISCARD;
    uint32_t known_flags = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
    if (!virtio_mmio_has_feature(&block->device,
                                 discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES)) {
        finish(request, VIRTIO_BLK_S_UNSUPP);
        return;
    }
    if (request->chain.num_writable > 0 ||
        request->chain.readable_bytes != HEADER_BYTES + RANGE_BYTES || block->read_only) {
        finish(request, VIRTIO_BLK_S_IOERR);
        return;
    }
    (void)virtq_chain_read(&request->chain, 0, &range, RANGE_BYTES);
    if ((range.flags & ~known_flags) != 0) { /* "unmap" of a discard too: 5.2.6.2 */
        finish(request, VIRTIO_BLK_S_UNSUPP);
        return;
    }
    if (range.num_sectors > MAX_RANGE_SECTORS ||
        !set_range(block, request, range.sector, range.num_sectors)) {
        finish(request, VIRTIO_BLK_S_IOERR);
        return;
    }
    if (discard) {
        trim_to_blocks(request);
    }
    request->write_through = writes_through(block);
}

/* The whole string, if the buffer has its 20 bytes (5.2.6). */
static void tell_id(const struct virtio_block *block, struct block_request *request)
{
    if (request->chain.num_readable > 0) {
        finish(request, VIRTIO_BLK_S_IOERR);
        return;
    }
    request->written =
        virtq_chain_write(&request->chain, 0, block->record->id, sizeof(block->record->id));
    finish(request, VIRTIO_BLK_S_OK);
}

void block_request_read(struct virtio_block *block, struct block_request *request)
{
    struct virtio_blk_outhdr header;
    (void)virtq_chain_read(&request->chain, 0, &header, HEADER_BYTES);
    cut_header(&request->chain);
    request->status_at = cut_status(&request->chain);
    request->type = header.type;
    request->status = VIRTIO_BLK_S_OK;
    request->phase = BLOCK_QUEUED;
    switch (header.type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
        read_data(block, request, header.sector);
        break;
    case VIRTIO_BLK_T_FLUSH: /* sector and data are ignored (5.2.6.1 is the driver's duty) */
        if (block->capacity > 0) {
            request->phase = BLOCK_FLUSH_NEXT;
        } else {
            finish(request, VIRTIO_BLK_S_IOERR);
        }
        break;
    case VIRTIO_BLK_T_GET_ID:
        tell_id(block, request);
        break;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        read_range(block, request);
        break;
    default:
        finish(request, VIRTIO_BLK_S_UNSUPP);
        break;
    }
}
