/* SPDX-License-Identifier: BSD-2-Clause */
/* The server in a guest (uio_blk) with a client's queues, and a file as its disk that does what it
 * is asked for when the test says so. */
#pragma once

#include "guest/programs/uio_blk_serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(f)     cmocka_unit_test_setup_teardown(f, setup, teardown)

#define CAPACITY    128u
#define BLOCKS      600u
#define BLOCK       BLK_TRANSFER_SIZE
#define DATA_BLOCKS 300u
#define DATA_BYTES  (DATA_BLOCKS * BLOCK)
#define PIECES(n)   (((n)*BLOCK + SERVE_PIECE_BYTES - 1) / SERVE_PIECE_BYTES)

static uint64_t req_ring[(16 + CAPACITY * 32) / 8], resp_ring[(8 + CAPACITY * 12 + 7) / 8];
static uint8_t data[DATA_BYTES] __attribute__((aligned(4096)));
static uint8_t expected[BLOCKS * BLOCK]; /* of the file */
static struct blk_client client;
static struct serve serve;
static FILE *file;

/* What the disk has been asked for and has not done. */
static struct serve_operation started[SERVE_SLOTS];
static unsigned num_started, num_flushes, num_operations;

static void start(void *disk, const struct serve_operation *operation)
{
    assert_ptr_equal(disk, &file);
    assert_true(num_started < SERVE_SLOTS && operation->slot < SERVE_SLOTS);
    assert_true(operation->at <= sizeof(expected) &&
                operation->bytes <= sizeof(expected) - operation->at);
    for (unsigned i = 0; i < num_started; i++) {
        assert_int_not_equal(started[i].slot, operation->slot);
    }
    started[num_started++] = *operation;
    num_operations++;
}

static struct serve_operation take_started(unsigned index)
{
    assert_true(index < num_started);
    struct serve_operation operation = started[index];
    started[index] = started[--num_started];
    return operation;
}

/* Does an operation, `bytes` of it at most. */
static void disk_does(unsigned index, size_t bytes)
{
    static const uint8_t zeroes[BLOCKS * BLOCK];
    struct serve_operation operation = take_started(index);
    size_t length = operation.bytes < bytes ? operation.bytes : bytes;
    ssize_t done = 0;
    if (operation.code == SERVE_READ) {
        done = pread(fileno(file), operation.buffer, length, (off_t)operation.at);
    } else if (operation.code == SERVE_WRITE) {
        done = pwrite(fileno(file), operation.buffer, length, (off_t)operation.at);
    } else if (operation.code == SERVE_ZERO) {
        assert_int_equal(pwrite(fileno(file), zeroes, length, (off_t)operation.at), length);
    } else {
        num_flushes++;
    }
    serve_end(&serve, operation.slot, (int)done);
}

static void disk_does_all(void)
{
    while (num_started > 0) {
        disk_does(0, SIZE_MAX);
    }
}

static void disk_fails(int result)
{
    serve_end(&serve, take_started(0).slot, result);
}

static void fill(uint8_t *at, size_t bytes, uint32_t seed)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
    }
}

static int setup(void **state)
{
    (void)state;
    memset(req_ring, 0, sizeof(req_ring));
    memset(resp_ring, 0, sizeof(resp_ring));
    struct blk_req_queue *req = (struct blk_req_queue *)req_ring;
    struct blk_resp_queue *resp = (struct blk_resp_queue *)resp_ring;
    client = blk_queue_client(req, resp, CAPACITY);
    serve = (struct serve){ .limits = { BLOCKS, DATA_BYTES, BLK_EXT_WRITE_ZEROES, false },
                            .queue = blk_queue_server(req, resp, CAPACITY),
                            .data = data,
                            .start = start,
                            .disk = &file };
    serve.buffers = aligned_alloc(BLOCK, SERVE_SLOTS * SERVE_PIECE_BYTES);
    file = tmpfile();
    fill(expected, sizeof(expected), 1);
    fill(data, sizeof(data), 2);
    num_started = num_flushes = num_operations = 0;
    return pwrite(fileno(file), expected, sizeof(expected), 0) == sizeof(expected) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(serve.buffers);
    return fclose(file);
}

static void put(uint32_t code, uint64_t block, uint16_t count, uint64_t offset, uint32_t id)
{
    struct blk_req req = { code, offset, block, count, id };
    assert_true(blk_client_send(&client, &req));
}

static void expect(uint32_t id, uint32_t status, uint16_t count)
{
    struct blk_resp resp;
    assert_true(blk_client_receive(&client, &resp));
    assert_int_equal(resp.id, id);
    assert_int_equal(resp.status, status);
    assert_int_equal(resp.success_count, count);
}

static void expect_nothing(void)
{
    struct blk_resp resp;
    assert_false(blk_client_receive(&client, &resp));
}

/* The whole file. */
static void expect_disk(void)
{
    static uint8_t now[BLOCKS * BLOCK];
    assert_int_equal(pread(fileno(file), now, sizeof(now), 0), sizeof(now));
    assert_memory_equal(now, expected, sizeof(now));
}
