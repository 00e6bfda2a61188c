/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net (virtIO 1.2, 5.1): frames of two pairs of sDDF network rings from and to a device,
 * moved by the device itself from and to physical addresses that the virtualisers have checked.
 *
 * A frame is a chain of two descriptors: the header, in the driver's own DMA region, and the
 * buffer. A slot owns two descriptors that follow each other, so that nothing is allocated and
 * nothing is read back from memory that the device can write but the used rings. No offload is
 * negotiated: the header of what is sent is zero, and that of what is received means nothing. So
 * all slots share one of each.
 *
 * Each run gives the device as many receive buffers as the free ring and the device's ring allow;
 * buffers that come back bring about a run where it has less than half.
 *
 * The device is trusted with memory (it has DMA), but nothing that it writes makes the driver
 * fault or loop: what makes no sense ends in a reset; what was to be sent then comes back unsent.
 */
#pragma once

#include "io/drivers/virtio_mmio/ring.h"

#include <linux/virtio_net.h>
#include <sddf/net_queue.h>

#define VNET_RING  512u /* descriptors of a queue at most */
#define VNET_SLOTS (VNET_RING / 2)

enum vnet_side { VNET_RX = 0, VNET_TX = 1 }; /* the numbers of the queues (5.1.2) */

/* The DMA region, as driver and device see it. */
struct vnet_dma {
    uint8_t rings[2][RING_BYTES(VNET_RING)] __attribute__((aligned(16)));
    struct virtio_net_hdr_v1 headers[2] __attribute__((aligned(16)));
};

_Static_assert(sizeof(struct virtio_net_hdr_v1) == 12, "5.1.6");
_Static_assert(sizeof(struct vnet_dma) <= 0x10000, "the DMA region that compose gives");

/* A frame or an empty buffer that the device has. */
struct vnet_slot {
    bool busy;
    struct net_buff_desc buffer;
};

/* One direction. */
struct vnet_queue {
    struct net_consumer from; /* receive: free buffers; transmit: frames */
    struct net_producer to;   /* receive: frames; transmit: free buffers */
    bool passed;              /* something to `to`, in this run */
    struct ring ring;
    uint16_t num_free;
    uint16_t free[VNET_SLOTS];
    struct vnet_slot slots[VNET_SLOTS];
};

struct vnet {
    uintptr_t base;       /* of the device's registers */
    struct vnet_dma *dma; /* the DMA region as we see it */
    uint64_t dma_address; /* as the device sees it */
    struct vnet_queue queues[2];

    uint64_t features;
    const char *error; /* why the device is not used (any more), or NULL */
    bool started;      /* it may use memory */
    struct sddf_mac mac;
    bool link_up;
};

/*
 * Takes the device over. base, dma and dma_address are set, the rest is 0. If it cannot be used,
 * `error` says why, and every frame comes back unsent.
 */
void vnet_start(struct vnet *v, const struct sddf_net_driver_config *config);

/* The device's interrupt: call before vnet_run(). True if the link's state may have changed. */
bool vnet_interrupt(struct vnet *v);

#define VNET_AGAIN (1u << 2)

/*
 * Moves both ways what can be moved. Bit VNET_RX: the receive virtualiser is to be notified;
 * VNET_TX. VNET_AGAIN: more has come meanwhile, call again after that. One turn for each direction
 * and then the notifications, since in a storm there is no end: while the driver has used up its
 * budget those below it empty the rings, and the device fills them.
 */
uint32_t vnet_run(struct vnet *v);
