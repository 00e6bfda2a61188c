/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a block server checks: a client's requests against what the client may have, and the answers
 * of who works on them against what was asked. For every server that stands between two parties
 * of which neither is trusted: the virtualiser, the VMM of a guest that serves a disk, and the
 * program in that guest.
 */
#pragma once

#include <sddf/blk_queue.h>

/* What a client may have. */
struct blk_limits {
    uint64_t blocks;     /* of its disk, from 0; 0: it has none */
    uint64_t data_bytes; /* of the data region that io_or_offset counts in */
    uint16_t extensions; /* enum blk_extension */
    bool read_only;
};

static inline bool blk_moves_data(uint32_t code)
{
    return code == BLK_REQ_READ || code == BLK_REQ_WRITE;
}

static inline bool blk_changes_disk(uint32_t code)
{
    return code == BLK_REQ_WRITE || code == BLK_REQ_DISCARD || code == BLK_REQ_WRITE_ZEROES;
}

static inline bool blk_flushes(uint32_t code)
{
    return code == BLK_REQ_FLUSH || code == BLK_REQ_BARRIER;
}

/* The blocks lie on the client's disk. No sum that could overflow. */
static inline bool blk_blocks_ok(const struct blk_limits *limits, const struct blk_req *req)
{
    return req->count > 0 && req->block_number < limits->blocks &&
           req->count <= limits->blocks - req->block_number;
}

/* The memory lies in the client's data region. */
static inline bool blk_memory_ok(const struct blk_limits *limits, const struct blk_req *req)
{
    uint64_t bytes = (uint64_t)req->count * BLK_TRANSFER_SIZE;
    return req->io_or_offset % BLK_TRANSFER_SIZE == 0 && req->io_or_offset <= limits->data_bytes &&
           bytes <= limits->data_bytes - req->io_or_offset;
}

static inline bool blk_code_ok(const struct blk_limits *limits, uint32_t code)
{
    switch (code) {
    case BLK_REQ_READ:
    case BLK_REQ_FLUSH:
    case BLK_REQ_BARRIER:
        return true;
    case BLK_REQ_WRITE:
        return !limits->read_only;
    case BLK_REQ_DISCARD:
        return !limits->read_only && (limits->extensions & BLK_EXT_DISCARD) != 0;
    case BLK_REQ_WRITE_ZEROES:
        return !limits->read_only && (limits->extensions & BLK_EXT_WRITE_ZEROES) != 0;
    default:
        return false;
    }
}

/* The status of a request as far as it can be told without the disk: OK, or why it is refused. */
static inline uint32_t blk_check_request(const struct blk_limits *limits, const struct blk_req *req)
{
    if (limits->blocks == 0) {
        return BLK_RESP_ERR_NO_DEVICE;
    }
    bool ok = blk_code_ok(limits, req->code) &&
              (blk_flushes(req->code) || blk_blocks_ok(limits, req)) &&
              (!blk_moves_data(req->code) || blk_memory_ok(limits, req));
    return ok ? BLK_RESP_OK : BLK_RESP_ERR_INVALID_PARAM;
}

/*
 * What a client may be told when `resp` answers a request of this code for `count` blocks: an
 * unknown status is an error, and so is a success that moved another number of blocks.
 */
static inline uint32_t blk_check_status(uint32_t code, uint16_t count, const struct blk_resp *resp)
{
    if (resp->status > BLK_RESP_ERR_NO_DEVICE) {
        return BLK_RESP_ERR_UNSPEC;
    }
    bool is_short = blk_moves_data(code) && resp->success_count != count;
    return resp->status == BLK_RESP_OK && is_short ? BLK_RESP_ERR_IO : resp->status;
}
