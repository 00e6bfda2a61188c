/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest/programs/uio_blk_serve.h"

#include "guest/programs/uio.h"

#include <errno.h>

static uint32_t status_of(int error)
{
    switch (error) {
    case 0:
        return BLK_RESP_OK;
    case ENODEV:
    case ENXIO:
    case ENOMEDIUM:
        return BLK_RESP_ERR_NO_DEVICE;
    case EOPNOTSUPP:
    case EINVAL:
        return BLK_RESP_ERR_INVALID_PARAM;
    default:
        return BLK_RESP_ERR_IO;
    }
}

static void answer(struct serve *serve, const struct blk_req *req, uint32_t status)
{
    uint16_t count = status == BLK_RESP_OK && !blk_flushes(req->code) ? req->count : 0;
    struct blk_resp resp = { status, count, req->id };
    (void)blk_server_respond(&serve->queue, &resp); /* the room may be gone where the VMM lies */
    serve->answered = true;
}

static void finish(struct serve *serve, unsigned slot, int error)
{
    serve->busy &= ~(1u << slot);
    answer(serve, &serve->slots[slot].req, status_of(error));
}

/* ---- Data, in pieces --------------------------------------------------------------------------*/

static uint64_t bytes_of(const struct blk_req *req)
{
    return (uint64_t)req->count * BLK_TRANSFER_SIZE;
}

static uint64_t piece_of(const struct serve_slot *slot)
{
    uint64_t left = bytes_of(&slot->req) - slot->moved;
    return left < SERVE_PIECE_BYTES ? left : SERVE_PIECE_BYTES;
}

static uint8_t *buffer_of(const struct serve *serve, unsigned slot)
{
    return serve->buffers + (size_t)slot * SERVE_PIECE_BYTES;
}

static uio_pair *data_of(const struct serve *serve, const struct serve_slot *slot)
{
    return (uio_pair *)(serve->data + slot->req.io_or_offset + slot->moved);
}

/* What is left of the piece. */
static void move(struct serve *serve, unsigned index)
{
    const struct serve_slot *slot = &serve->slots[index];
    struct serve_operation operation = {
        .code = slot->req.code == BLK_REQ_WRITE ? SERVE_WRITE : SERVE_READ,
        .slot = index,
        .buffer = buffer_of(serve, index) + slot->filled,
        .at = slot->req.block_number * BLK_TRANSFER_SIZE + slot->moved + slot->filled,
        .bytes = piece_of(slot) - slot->filled,
    };
    serve->start(serve->disk, &operation);
}

static void begin_piece(struct serve *serve, unsigned index)
{
    struct serve_slot *slot = &serve->slots[index];
    slot->filled = 0;
    if (slot->req.code == BLK_REQ_WRITE) {
        uio_copy((uio_pair *)buffer_of(serve, index), data_of(serve, slot), piece_of(slot));
    }
    move(serve, index);
}

static void end_piece(struct serve *serve, unsigned index)
{
    struct serve_slot *slot = &serve->slots[index];
    if (slot->req.code == BLK_REQ_READ) {
        uio_copy(data_of(serve, slot), (const uio_pair *)buffer_of(serve, index), piece_of(slot));
    }
    slot->moved += piece_of(slot);
    if (slot->moved < bytes_of(&slot->req)) {
        begin_piece(serve, index);
    } else {
        finish(serve, index, 0);
    }
}

/* Less than was asked for is gone on with; nothing at all is behind the end of a disk that shrank.
 */
static void end_move(struct serve *serve, unsigned index, int result)
{
    struct serve_slot *slot = &serve->slots[index];
    if (result <= 0 || (uint64_t)result > piece_of(slot) - slot->filled) {
        finish(serve, index, result < 0 ? -result : EIO);
        return;
    }
    slot->filled += (uint64_t)result;
    if (slot->filled < piece_of(slot)) {
        move(serve, index);
    } else {
        end_piece(serve, index);
    }
}

/* ---- Requests ---------------------------------------------------------------------------------*/

static void begin(struct serve *serve, const struct blk_req *req)
{
    unsigned index = (unsigned)__builtin_ctz(~serve->busy);
    serve->busy |= 1u << index;
    serve->slots[index] = (struct serve_slot){ .req = *req };
    if (blk_moves_data(req->code)) {
        begin_piece(serve, index);
        return;
    }
    struct serve_operation operation = { .code = SERVE_FLUSH, .slot = index };
    if (!blk_flushes(req->code)) {
        operation.code = SERVE_ZERO;
        operation.at = req->block_number * BLK_TRANSFER_SIZE;
        operation.bytes = bytes_of(req);
    }
    serve->start(serve->disk, &operation);
}

bool serve_take(struct serve *serve)
{
    struct blk_req req;
    bool any = false;
    while (serve->busy != (1u << SERVE_SLOTS) - 1 &&
           blk_server_room(&serve->queue) > (uint32_t)__builtin_popcount(serve->busy) &&
           blk_server_receive(&serve->queue, &req)) {
        uint32_t status = blk_check_request(&serve->limits, &req);
        if (status == BLK_RESP_OK) {
            begin(serve, &req);
        } else {
            answer(serve, &req, status);
        }
        any = true;
    }
    return any;
}

void serve_end(struct serve *serve, unsigned slot, int result)
{
    if (blk_moves_data(serve->slots[slot].req.code)) {
        end_move(serve, slot, result);
    } else {
        finish(serve, slot, result < 0 ? -result : 0);
    }
}
