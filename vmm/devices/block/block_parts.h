/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the block device share: block.c -> block_request.c, block_run.c -> block_op.c
 */
#pragma once

#include "vmm/devices/block/virtio_block.h"

#define SECTOR_BYTES 512u
#define BLOCK_BYTES  BLK_TRANSFER_SIZE

/* Most sectors of one discard or write-zeroes request: what one request below can do. */
#define MAX_RANGE_SECTORS (BLK_COUNT_MAX * (BLOCK_BYTES / SECTOR_BYTES))

/* Most blocks of a disk: its bytes fit into 63 bits. */
#define MAX_CAPACITY (UINT64_C(1) << 50)

/* ---- block_request.c: what the guest asks for ----*/

/*
 * Reads and checks a chain of at least a header and a status byte. The request is then BLOCK_DONE
 * with its status, or it is to be worked on: range, direction, buffers are right.
 */
void block_request_read(struct virtio_block *block, struct block_request *request);

/* ---- block_run.c: works on the requests that have arrived ----*/

/* Takes the slot of a new request. There is always one: what is in flight has a head of its own. */
struct block_request *block_new_request(struct virtio_block *block);

/* The request is checked: it gets its place in the order. */
void block_arrived(struct virtio_block *block, const struct block_request *request);

/* The request comes to nothing: its slot is free again. */
void block_free_request(struct virtio_block *block, const struct block_request *request);

/*
 * Sends what can be sent, returns to the guest what is done; a queue that was stopped instead
 * forgets all requests that nothing is on the way for.
 */
void block_run(struct virtio_block *block);

/* ---- block_op.c: requests below ----*/

void block_ops_init(struct virtio_block *block);

/* How many are on the way. */
static inline unsigned block_num_ops(const struct virtio_block *block)
{
    return (unsigned)(block->max_ops - block->num_free_ops);
}

/*
 * Sends the next part of a request, or its flush. False: there is no room now; a response makes
 * some. If the server's queue is broken the request's status says so.
 */
bool block_send_part(struct virtio_block *block, struct block_request *request);
bool block_send_flush(struct virtio_block *block, struct block_request *request);

/* Takes all responses. */
void block_take_responses(struct virtio_block *block);
