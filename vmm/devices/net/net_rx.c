/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for the guest: its buffers to the switch, and back with what has arrived (5.1.6.3). */
#include "vmm/devices/net/net_parts.h"

#include <string.h>

#define HEADER_BYTES VIRTIO_NET_HEADER_BYTES

/* 5.1.6.3.1: a buffer holds a header at least, and is written only. */
static const char *what_is_wrong(const struct virtq_chain *chain)
{
    if (chain->num_readable > 0) {
        return "a readable buffer in the receive queue";
    }
    return chain->writable_bytes < HEADER_BYTES ? "a receive buffer is shorter than a header"
                                                : NULL;
}

enum virtq_result net_post(struct virtio_net *net)
{
    struct virtq *q = &net->queues[VIRTIO_NET_RX];
    struct virtq_chain chain = { .segments = net->segments };
    net->pending[VIRTIO_NET_RX] = false;
    virtq_begin(q);
    while (port_room(&net->port.recv) >= PORT_CHAIN_ENTRIES) {
        enum virtq_result result = virtq_pop(q, &chain);
        if (result != VIRTQ_CHAIN) {
            return result;
        }
        const char *wrong = what_is_wrong(&chain);
        if (wrong != NULL) {
            virtio_mmio_fail(&net->device, wrong);
            return VIRTQ_EMPTY;
        }
        struct virtio_net_buffer *buffer = &net->posted[chain.head];
        buffer->chain = chain;
        port_header_find(chain.segments, buffer->header_at, HEADER_BYTES);
        port_client_post(&net->port, &chain);
    }
    net->pending[VIRTIO_NET_RX] = true;
    return VIRTQ_EMPTY;
}

/* Returns a chain of a frame, the first with room for its header. NULL: there is no such chain. */
static const struct virtio_net_buffer *use(struct virtio_net *net, const struct port_entry *entry,
                                           uint32_t header_bytes)
{
    const struct virtio_net_buffer *buffer = &net->posted[entry->id % VIRTIO_NET_QUEUE_SIZE];
    const struct virtq_chain *chain = &buffer->chain;
    bool ok = entry->id < VIRTIO_NET_QUEUE_SIZE && chain->writable_bytes >= header_bytes &&
              entry->length <= chain->writable_bytes - header_bytes &&
              virtq_put(&net->queues[VIRTIO_NET_RX], chain, entry->length + header_bytes);
    return ok ? buffer : NULL;
}

/* The guest sees all chains of a frame at once, and the header before them. */
static bool take_frame(struct virtio_net *net, struct port_entry *entry)
{
    struct virtio_net_hdr_v1 header;
    memcpy(&header, entry->header, sizeof(header));
    header.num_buffers = 1;
    const struct virtio_net_buffer *first = use(net, entry, HEADER_BYTES);
    bool ok = first != NULL;
    while (ok && (entry->flags & PORT_MORE) != 0) {
        header.num_buffers++;
        ok = virtio_mmio_has_feature(&net->device, VIRTIO_NET_F_MRG_RXBUF) &&
             port_client_received(&net->port, entry) && use(net, entry, 0) != NULL;
    }
    if (ok) {
        port_header_write(first->header_at, &header, HEADER_BYTES);
        virtq_publish(&net->queues[VIRTIO_NET_RX]);
    }
    return ok;
}

bool net_take_received(struct virtio_net *net)
{
    struct port_entry entry;
    while (port_client_received(&net->port, &entry)) {
        if (!take_frame(net, &entry)) {
            return false;
        }
    }
    return !port_client_broken(&net->port);
}
