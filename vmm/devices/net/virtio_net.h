/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO network card (virtIO 1.2, 5.1) on a port of the switch, which moves the bytes: the card
 * reads descriptors and headers, and no frame.
 *
 * A frame that makes no sense is dropped, counted and told with the reason; a broken queue stops
 * the card until its driver's reset. Where the port has no room, chains wait in the guest's queue.
 * Neither the guest nor the switch is trusted.
 */
#pragma once

#include "vmm/core/vmm_config.h"
#include "vmm/virtio/port_client.h"
#include "vmm/virtio/virtio_mmio.h"

#define VIRTIO_NET_QUEUE_SIZE   256
#define VIRTIO_NET_HEADER_BYTES 12u

enum { VIRTIO_NET_RX, VIRTIO_NET_TX, VIRTIO_NET_CTRL, VIRTIO_NET_NUM_QUEUES };

/* Why a frame of the guest's is dropped; net_tx.c has the words. */
enum virtio_net_reason {
    VIRTIO_NET_GOOD, /* it is not */
    VIRTIO_NET_NO_HEADER,
    VIRTIO_NET_SHORT,
    VIRTIO_NET_LONG,
    VIRTIO_NET_LONG_PACKET,
    VIRTIO_NET_CSUM_FEATURE,
    VIRTIO_NET_CSUM_PLACE,
    VIRTIO_NET_GSO_FEATURE,
    VIRTIO_NET_GSO_SIZE,
    VIRTIO_NET_GSO_CSUM,
    VIRTIO_NET_REASONS,
};

/* A chain of the guest's that waits for a frame. */
struct virtio_net_buffer {
    struct virtq_chain chain;
    uint8_t *header_at[VIRTIO_NET_HEADER_BYTES]; /* port_header_find() */
};

struct virtio_net {
    struct virtio_device device; /* first: its operations find the card by it */
    struct virtq queues[VIRTIO_NET_NUM_QUEUES];
    struct virtio_net_config config;
    struct port_client port;
    uint8_t rx_modes; /* one bit for each command VIRTIO_NET_CTRL_RX_... that is on */
    bool extra_macs;  /* the guest wants to hear other addresses than its own */
    bool lost;        /* the port is to be opened again: its switch has been started again */
    bool pending[2];  /* RX, TX: there may be chains to take, once the port has room */
    uint64_t dropped; /* frames of the guest's */
    uint64_t drops[VIRTIO_NET_REASONS];
    uint64_t num_waits;                                   /* resets that had to wait */
    struct virtq_segment segments[VIRTIO_NET_QUEUE_SIZE]; /* of the chain that is looked at */
    /* By head: what is under way. */
    struct virtq_chain sent[VIRTIO_NET_QUEUE_SIZE];
    struct virtio_net_buffer posted[VIRTIO_NET_QUEUE_SIZE];
};

/*
 * Makes a card in its power-on state. `name` (for the log) and the pointers must stay valid. False:
 * the record can't be right. Its registers: virtio_mmio_region(&net->device, ...).
 */
bool virtio_net_init(struct virtio_net *net, const char *name, const struct guest_ram *ram,
                     const struct irq_line *irq, const struct vmm_net *record,
                     void (*notify)(unsigned channel));

/* To be called when the switch has notified. */
void virtio_net_notified(struct virtio_net *net);
