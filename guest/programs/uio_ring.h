/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's io_uring, as little of it as one thread needs that never has more in it than fits. */
#pragma once

#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uio_ring {
    int fd;
    uint32_t queued; /* and not yet given to the kernel */
    uint32_t *sq_tail, *cq_head, *cq_tail;
    uint32_t sq_mask, cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
};

/* Makes room for `entries` operations, a power of two. False: errno tells. */
static inline bool uio_ring_open(struct uio_ring *ring, unsigned entries)
{
    struct io_uring_params params = { 0 };
    ring->fd = (int)syscall(SYS_io_uring_setup, entries, &params);
    if (ring->fd < 0) {
        return false;
    }
    size_t bytes = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    uint8_t *rings = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
                          IORING_OFF_SQ_RING); /* both: IORING_FEAT_SINGLE_MMAP since Linux 5.4 */
    ring->sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
    if (rings == MAP_FAILED || ring->sqes == MAP_FAILED) {
        return false;
    }
    uint32_t *array = (uint32_t *)(rings + params.sq_off.array);
    for (uint32_t i = 0; i < params.sq_entries; i++) {
        array[i] = i;
    }
    ring->sq_tail = (uint32_t *)(rings + params.sq_off.tail);
    ring->cq_head = (uint32_t *)(rings + params.cq_off.head);
    ring->cq_tail = (uint32_t *)(rings + params.cq_off.tail);
    ring->cqes = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
    ring->sq_mask = params.sq_entries - 1;
    ring->cq_mask = params.cq_entries - 1;
    ring->queued = 0;
    return true;
}

/* An operation, all zeroes but these, for the caller to fill in before the next call. */
static inline struct io_uring_sqe *uio_ring_add(struct uio_ring *ring, uint8_t opcode, int fd,
                                                uint64_t name)
{
    uint32_t tail = *ring->sq_tail;
    struct io_uring_sqe *sqe = &ring->sqes[tail & ring->sq_mask];
    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = opcode;
    sqe->fd = fd;
    sqe->user_data = name;
    __atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
    ring->queued++;
    return sqe;
}

/* Starts what has been added, and waits for the end of `wait` operations. False: errno tells. */
static inline bool uio_ring_enter(struct uio_ring *ring, unsigned wait)
{
    long done = syscall(SYS_io_uring_enter, ring->fd, ring->queued, wait,
                        wait > 0 ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
    if (done > 0) {
        ring->queued -= (uint32_t)done;
    }
    return done >= 0 || errno == EINTR || errno == EAGAIN;
}

/* Takes the end of an operation, if there is one. */
static inline bool uio_ring_next(struct uio_ring *ring, struct io_uring_cqe *cqe)
{
    uint32_t head = *ring->cq_head;
    if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
        return false;
    }
    *cqe = ring->cqes[head & ring->cq_mask];
    __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
    return true;
}
