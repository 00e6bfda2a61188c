/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests below: what one of the guest's is cut into, the bounce area, and the responses. */
#include "vmm/devices/block/block_parts.h"

#include <stddef.h>
#include <string.h>

/* A request's id below: which entry of block->ops, and which of its lives. */
#define ID(index, generation) ((uint32_t)(generation) << 16 | (uint32_t)(index))
#define ID_INDEX(id)          ((id)&0xffff)
#define ID_GENERATION(id)     ((id) >> 16)

void block_ops_init(struct virtio_block *block)
{
    for (unsigned i = 0; i < block->max_ops; i++) {
        block->free_ops[i] = (uint16_t)(block->max_ops - 1 - i);
    }
    block->num_free_ops = block->max_ops;
}

/* ---- The bounce area -------------------------------------------------------------------------*/

/* Takes the first free blocks that lie in a row, at most `wanted`. Returns how many: 0 if full. */
static uint16_t bounce_take(struct virtio_block *block, uint64_t wanted, uint16_t *first)
{
    uint16_t at = 0;
    uint16_t taken = 0;
    while (at < block->bounce_blocks && block->bounce_busy[at]) {
        at++;
    }
    *first = at;
    while (taken < wanted && at < block->bounce_blocks && !block->bounce_busy[at]) {
        block->bounce_busy[at++] = true;
        taken++;
    }
    return taken;
}

static uint8_t *bounce_at(const struct virtio_block *block, const struct block_op *op)
{
    return (uint8_t *)(uintptr_t)block->record->bounce_vaddr + (uint64_t)op->bounce * BLOCK_BYTES +
           op->skip;
}

/* ---- Sending ---------------------------------------------------------------------------------*/

static struct block_op *take_op(struct virtio_block *block, struct block_request *request)
{
    if (block->num_free_ops == 0) {
        return NULL;
    }
    struct block_op *op = &block->ops[block->free_ops[--block->num_free_ops]];
    *op = (struct block_op){
        .busy = true,
        .generation = op->generation,
        .request = (uint8_t)(request - block->requests),
    };
    request->ops++;
    return op;
}

static void free_op(struct virtio_block *block, struct block_op *op)
{
    memset(&block->bounce_busy[op->bounce], 0, op->bounced);
    op->busy = false;
    op->generation++;
    block->requests[op->request].ops--;
    block->free_ops[block->num_free_ops++] = (uint16_t)(op - block->ops);
}

/*
 * The queue has room for all our requests, unless the server's index makes no sense. Then this one
 * has failed.
 */
static void send(struct virtio_block *block, struct block_op *op, uint64_t offset)
{
    struct blk_req req = {
        .code = op->code,
        .io_or_offset = offset,
        .block_number = op->block,
        .count = op->count,
        .id = ID(op - block->ops, op->generation),
    };
    op->offset = offset;
    op->sent = block->client.req_tail;
    if (blk_client_send(&block->client, &req)) {
        block->sent = true;
    } else {
        block->requests[op->request].status = VIRTIO_BLK_S_IOERR;
        free_op(block, op);
    }
}

static void send_bounced(struct virtio_block *block, struct block_op *op)
{
    send(block, op, block->record->bounce_offset + (uint64_t)op->bounce * BLOCK_BYTES);
}

/* Puts what the guest writes into the bounce area. */
static void fill_bounce(struct virtio_block *block, const struct block_op *op)
{
    const struct block_request *request = &block->requests[op->request];
    if (request->type == VIRTIO_BLK_T_WRITE_ZEROES) {
        memset(bounce_at(block, op), 0, op->bytes);
    } else {
        (void)virtq_chain_read(&request->chain, op->data_offset, bounce_at(block, op), op->bytes);
    }
}

/* What the next part of a request is, as far as one op goes. */
struct part {
    uint64_t bytes;  /* of data */
    uint64_t blocks; /* that it touches */
    uint16_t skip;   /* bytes of the first block in front of it */
    bool merge;      /* a write to a part of one block */
};

static struct part next_part(const struct block_request *request)
{
    uint64_t left = request->bytes - request->issued;
    uint16_t skip = (uint16_t)((request->start + request->issued) % BLOCK_BYTES);
    uint64_t room = BLOCK_BYTES - skip;
    if (request->type == VIRTIO_BLK_T_IN) {
        return (struct part){ left, (skip + left + BLOCK_BYTES - 1) / BLOCK_BYTES, skip, false };
    }
    if (skip > 0 || left < BLOCK_BYTES) {
        return (struct part){ left < room ? left : room, 1, skip, true };
    }
    return (struct part){ left / BLOCK_BYTES * BLOCK_BYTES, left / BLOCK_BYTES, 0, false };
}

/* Through the bounce area: as much of the part as finds room there. */
static bool send_part_bounced(struct virtio_block *block, struct block_request *request,
                              const struct part *part)
{
    uint16_t first;
    uint64_t most = part->blocks < BLK_COUNT_MAX ? part->blocks : BLK_COUNT_MAX;
    uint16_t taken = bounce_take(block, most, &first);
    if (taken == 0) {
        return false;
    }
    uint64_t room = (uint64_t)taken * BLOCK_BYTES - part->skip;
    struct block_op *op = take_op(block, request);
    bool reads = request->type == VIRTIO_BLK_T_IN || part->merge;
    op->code = reads ? BLK_REQ_READ : BLK_REQ_WRITE;
    op->merge = part->merge;
    op->count = taken;
    op->bounced = taken;
    op->bounce = first;
    op->skip = part->skip;
    op->bytes = (uint32_t)(part->bytes < room ? part->bytes : room);
    op->data_offset = request->issued;
    op->block = (request->start + request->issued) / BLOCK_BYTES;
    request->issued += op->bytes;
    if (!reads) {
        fill_bounce(block, op);
    }
    send_bounced(block, op);
    return true;
}

/* The buffers from the next one on that lie in a row: where in RAM, and how many bytes. */
static uint64_t next_run(struct virtio_block *block, struct block_request *request, uint64_t *bytes)
{
    const struct virtq_segment *segment = &request->chain.segments[request->segment];
    const uint8_t *at = segment->at + request->segment_offset;
    uint64_t most = (uint64_t)BLK_COUNT_MAX * BLOCK_BYTES;
    uint64_t left = request->bytes - request->issued;
    uint64_t run = 0;
    most = left < most ? left : most;
    while (run < most && segment->at + request->segment_offset == at + run) {
        uint64_t rest = segment->bytes - request->segment_offset;
        uint64_t n = rest < most - run ? rest : most - run;
        run += n;
        request->segment_offset += n;
        if (n == rest) {
            request->segment_offset = 0;
            request->segment++;
            segment++;
        }
    }
    *bytes = run;
    return (uint64_t)(at - block->ram->base);
}

static void send_part_direct(struct virtio_block *block, struct block_request *request)
{
    uint64_t bytes;
    uint64_t offset = next_run(block, request, &bytes);
    struct block_op *op = take_op(block, request);
    op->code = request->type == VIRTIO_BLK_T_IN ? BLK_REQ_READ : BLK_REQ_WRITE;
    op->count = (uint16_t)(bytes / BLOCK_BYTES);
    op->block = (request->start + request->issued) / BLOCK_BYTES;
    request->issued += bytes;
    send(block, op, offset);
}

/* A range without data, of whole blocks. */
static void send_part_empty(struct virtio_block *block, struct block_request *request,
                            const struct part *part)
{
    struct block_op *op = take_op(block, request);
    bool discard = request->type == VIRTIO_BLK_T_DISCARD;
    op->code = discard ? BLK_REQ_DISCARD : BLK_REQ_WRITE_ZEROES;
    op->count = (uint16_t)part->blocks; /* a range has at most MAX_RANGE_SECTORS */
    op->block = (request->start + request->issued) / BLOCK_BYTES;
    request->issued += part->bytes;
    send(block, op, 0);
}

bool block_send_part(struct virtio_block *block, struct block_request *request)
{
    struct part part = next_part(request);
    bool has_data = request->type == VIRTIO_BLK_T_IN || request->type == VIRTIO_BLK_T_OUT;
    if (block->num_free_ops == 0) {
        return false;
    }
    if (!has_data && !part.merge) {
        send_part_empty(block, request, &part);
        return true;
    }
    if (request->direct) {
        send_part_direct(block, request);
        return true;
    }
    return send_part_bounced(block, request, &part);
}

bool block_send_flush(struct virtio_block *block, struct block_request *request)
{
    struct block_op *op = take_op(block, request);
    if (op == NULL) {
        return false;
    }
    op->code = BLK_REQ_FLUSH;
    send(block, op, 0);
    return true;
}

/* ---- Responses -------------------------------------------------------------------------------*/

static bool all_was_moved(const struct block_op *op, const struct blk_resp *resp)
{
    bool moves = op->code == BLK_REQ_READ || op->code == BLK_REQ_WRITE;
    return resp->status == BLK_RESP_OK && (!moves || resp->success_count == op->count);
}

/* An op was answered well and its request goes on: returns whether the op is needed again. */
static bool use_data(struct virtio_block *block, struct block_op *op)
{
    struct block_request *request = &block->requests[op->request];
    if (op->merge) {
        op->merge = false;
        op->code = BLK_REQ_WRITE;
        fill_bounce(block, op);
        return true;
    }
    if (op->code == BLK_REQ_READ && op->bounced > 0) {
        (void)virtq_chain_write(&request->chain, op->data_offset, bounce_at(block, op), op->bytes);
    }
    return false;
}

/* The server has been started again and has lost the op that was sent first. */
static void send_oldest(struct virtio_block *block)
{
    struct block_op *oldest = NULL;
    uint32_t most = 0;
    for (unsigned i = 0; i < block->max_ops; i++) {
        struct block_op *op = &block->ops[i];
        uint32_t age = block->client.req_tail - op->sent; /* of one in flight at least 1 */
        if (op->busy && age > most) {
            oldest = op;
            most = age;
        }
    }
    if (oldest == NULL) {
        block->bad_resps++;
        return;
    }
    send(block, oldest, oldest->offset);
}

static void take_response(struct virtio_block *block, const struct blk_resp *resp)
{
    if (resp->status == BLK_RESP_LOST) {
        send_oldest(block);
        return;
    }
    struct block_op *op = &block->ops[ID_INDEX(resp->id) % VIRTIO_BLOCK_MAX_OPS];
    if (ID_INDEX(resp->id) >= VIRTIO_BLOCK_MAX_OPS || !op->busy ||
        op->generation != ID_GENERATION(resp->id)) {
        block->bad_resps++;
        return;
    }
    struct block_request *request = &block->requests[op->request];
    if (!all_was_moved(op, resp)) {
        request->status = VIRTIO_BLK_S_IOERR;
    }
    bool goes_on = block->queue.running && request->status == VIRTIO_BLK_S_OK;
    if (goes_on && use_data(block, op)) {
        op->generation++; /* a second response to the read is not one to the write */
        send_bounced(block, op);
    } else {
        free_op(block, op);
    }
}

/* As many as the queue holds: what comes meanwhile is followed by another notification. */
void block_take_responses(struct virtio_block *block)
{
    struct blk_resp resp;
    for (uint32_t i = 0; i < block->client.capacity; i++) {
        if (!blk_client_receive(&block->client, &resp)) {
            return;
        }
        if (block->stale > 0) {
            block->stale--; /* nothing of ours is sent before */
        } else {
            take_response(block, &resp);
        }
    }
}
