/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's requests between their arrival and their return. */
#include "vmm/devices/block/block_parts.h"

#include <stddef.h>

static uint8_t index_of(const struct virtio_block *block, const struct block_request *request)
{
    return (uint8_t)(request - block->requests);
}

struct block_request *block_new_request(struct virtio_block *block)
{
    struct block_request *request =
        &block->requests[block->free_requests[--block->num_free_requests]];
    request->chain = (struct virtq_chain){ .segments = request->segments };
    request->start = 0;
    request->bytes = 0;
    request->issued = 0;
    request->segment = 0;
    request->segment_offset = 0;
    request->written = 0;
    request->ops = 0;
    request->direct = false;
    request->write_through = false;
    return request;
}

void block_free_request(struct virtio_block *block, const struct block_request *request)
{
    block->free_requests[block->num_free_requests++] = index_of(block, request);
}

void block_arrived(struct virtio_block *block, const struct block_request *request)
{
    block->arrived[block->num_arrived++] = index_of(block, request);
}

/* ---- Order -----------------------------------------------------------------------------------*/

static bool touch_same_block(const struct block_request *a, const struct block_request *b)
{
    if (a->bytes == 0 || b->bytes == 0 ||
        (a->type == VIRTIO_BLK_T_IN && b->type == VIRTIO_BLK_T_IN)) {
        return false;
    }
    return a->start / BLOCK_BYTES <= (b->start + b->bytes - 1) / BLOCK_BYTES &&
           b->start / BLOCK_BYTES <= (a->start + a->bytes - 1) / BLOCK_BYTES;
}

/*
 * Whether the request in place `at` has to wait for an earlier one. It also waits for those that
 * wait themselves, so that the order in each block is that of the guest.
 */
static bool must_wait(const struct virtio_block *block, unsigned at)
{
    const struct block_request *request = &block->requests[block->arrived[at]];
    for (unsigned i = 0; i < at; i++) {
        const struct block_request *earlier = &block->requests[block->arrived[i]];
        if (earlier->phase < BLOCK_DONE && touch_same_block(earlier, request)) {
            return true;
        }
    }
    return false;
}

/* ---- Work ------------------------------------------------------------------------------------*/

/* Sends parts while there is room; after an error only what is on the way is waited for. */
static void move(struct virtio_block *block, struct block_request *request)
{
    while (request->status == VIRTIO_BLK_S_OK && request->issued < request->bytes) {
        if (!block_send_part(block, request)) {
            return;
        }
    }
    if (request->ops == 0) {
        bool flush = request->write_through && request->bytes > 0;
        request->phase =
            flush && request->status == VIRTIO_BLK_S_OK ? BLOCK_FLUSH_NEXT : BLOCK_DONE;
    }
}

static void advance(struct virtio_block *block, unsigned at)
{
    struct block_request *request = &block->requests[block->arrived[at]];
    if (request->phase == BLOCK_QUEUED && !must_wait(block, at)) {
        request->phase = BLOCK_MOVING;
    }
    if (request->phase == BLOCK_MOVING) {
        move(block, request);
    }
    if (request->phase == BLOCK_FLUSH_NEXT && block_send_flush(block, request)) {
        request->phase = BLOCK_FLUSHING;
    }
    if (request->phase == BLOCK_FLUSHING && request->ops == 0) {
        request->phase = BLOCK_DONE;
    }
}

/* used.len counts what was written (2.7.8.1): of a read that failed, the status alone. */
static uint32_t bytes_written(const struct block_request *request)
{
    uint64_t bytes = request->written;
    if (request->type == VIRTIO_BLK_T_IN && request->status == VIRTIO_BLK_S_OK) {
        bytes = request->bytes;
    }
    return bytes < UINT32_MAX ? (uint32_t)bytes + 1 : UINT32_MAX;
}

/* Takes those that are done out of the order. */
static void return_done(struct virtio_block *block)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < block->num_arrived; i++) {
        struct block_request *request = &block->requests[block->arrived[i]];
        if (block->queue.running && request->phase == BLOCK_DONE) {
            *request->status_at = request->status;
            virtq_push(&block->queue, &request->chain, bytes_written(request));
            block_free_request(block, request);
        } else if (!block->queue.running && request->ops == 0) {
            block_free_request(block, request);
        } else {
            block->arrived[kept++] = block->arrived[i];
        }
    }
    block->num_arrived = (uint16_t)kept;
}

/* In the order of arrival: what an earlier one is done with, a later one may have at once. */
void block_run(struct virtio_block *block)
{
    for (unsigned i = 0; block->queue.running && i < block->num_arrived; i++) {
        advance(block, i);
    }
    return_done(block);
    if (block->sent) {
        block->sent = false;
        block->notify(block->channel);
    }
}
