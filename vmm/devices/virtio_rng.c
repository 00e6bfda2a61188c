/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/virtio_rng.h"

#include "vmm/core/vmm_log.h"

#include <string.h>

/* 5.4.6.1: the driver gives no buffer to read. */
static void drop(struct virtio_rng *rng)
{
    rng->dropped++;
    if ((rng->dropped & (rng->dropped - 1)) == 0) { /* as virtio_mmio_fail() does */
        vmm_log("%s: a readable buffer is dropped (%lu until now)", rng->device.name,
                (unsigned long)rng->dropped);
    }
}

/* Moves drawn bytes into the chain; returns how many. The source is asked when there are none. */
static uint32_t fill(struct virtio_rng *rng, const struct virtq_chain *chain)
{
    if (rng->left == 0) {
        uint32_t got = rng->source(rng->drawn, sizeof(rng->drawn));
        rng->left = got < sizeof(rng->drawn) ? got : sizeof(rng->drawn);
    }
    uint32_t bytes =
        chain->writable_bytes < rng->left ? (uint32_t)chain->writable_bytes : rng->left;
    rng->left -= bytes;
    virtq_chain_write(chain, 0, rng->drawn + rng->left, bytes);
    memset(rng->drawn + rng->left, 0, bytes);
    return bytes;
}

/*
 * Without a source a request comes back empty: 5.4.6.2 wants a byte at least, but a driver does
 * better with an error than with a request that never ends.
 */
static void serve(struct virtio_device *device, uint32_t index)
{
    struct virtio_rng *rng = (struct virtio_rng *)device;
    struct virtq_chain chain = { .segments = rng->segments };
    enum virtq_result result;
    virtq_begin(&rng->queue);
    while ((result = virtq_pop(&rng->queue, &chain)) == VIRTQ_CHAIN) {
        uint32_t written = 0;
        if (chain.num_readable > 0) {
            drop(rng);
        } else {
            written = fill(rng, &chain);
        }
        virtq_push(&rng->queue, &chain, written);
    }
    virtio_mmio_finish(device, index, result);
}

/* The driver may have filled its queue before. */
static void start(struct virtio_device *device)
{
    serve(device, 0);
}

static bool reset(struct virtio_device *device)
{
    (void)device; /* no request outlives its kick */
    return true;
}

static const struct virtio_device_ops rng_ops = {
    .start = start,
    .notify = serve,
    .reset = reset,
};

void virtio_rng_init(struct virtio_rng *rng, const char *name, const struct guest_ram *ram,
                     const struct irq_line *irq, rng_source source)
{
    *rng = (struct virtio_rng){
        .device = {
            .name = name,
            .ops = &rng_ops,
            .device_id = VIRTIO_ID_RNG,
            .queues = &rng->queue,
            .num_queues = 1,
            .irq = *irq,
        },
        .source = source,
    };
    virtq_init(&rng->queue, ram, VIRTIO_RNG_QUEUE_SIZE);
    virtio_mmio_init(&rng->device);
}
