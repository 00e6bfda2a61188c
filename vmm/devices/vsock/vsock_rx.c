/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets for the guest: its buffers to the switch, and back with what has arrived. */
#include "vmm/devices/vsock/vsock_parts.h"

#include <stddef.h>
#include <string.h>

#define HEADER_BYTES VIRTIO_VSOCK_HEADER_BYTES

static const char *what_is_wrong(const struct virtq_chain *chain)
{
    if (chain->num_readable > 0) {
        return "a readable buffer in the receive queue";
    }
    return chain->writable_bytes <= HEADER_BYTES ? "a receive buffer has no room behind a header"
                                                 : NULL;
}

enum virtq_result vsock_post(struct virtio_vsock *vsock)
{
    struct virtq *q = &vsock->queues[VIRTIO_VSOCK_RX];
    struct virtq_chain chain = { .segments = vsock->segments };
    vsock->pending[VIRTIO_VSOCK_RX] = false;
    virtq_begin(q);
    while (port_room(&vsock->port.recv) >= PORT_CHAIN_ENTRIES) {
        enum virtq_result result = virtq_pop(q, &chain);
        if (result != VIRTQ_CHAIN) {
            return result;
        }
        const char *wrong = what_is_wrong(&chain);
        if (wrong != NULL) {
            virtio_mmio_fail(&vsock->device, wrong);
            return VIRTQ_EMPTY;
        }
        struct virtio_vsock_buffer *buffer = &vsock->posted[chain.head];
        buffer->chain = chain;
        port_header_find(chain.segments, buffer->header_at, HEADER_BYTES);
        port_client_post(&vsock->port, &chain);
    }
    vsock->pending[VIRTIO_VSOCK_RX] = true;
    return VIRTQ_EMPTY;
}

/*
 * One packet in one chain: the switch cuts what is longer. Of a connection that is lost nothing
 * arrives any more: the guest gets the buffer back empty.
 */
static bool take_packet(struct virtio_vsock *vsock, const struct port_entry *entry)
{
    struct virtq *q = &vsock->queues[VIRTIO_VSOCK_RX];
    struct virtio_vsock_buffer *buffer = &vsock->posted[entry->id % VIRTIO_VSOCK_QUEUE_SIZE];
    struct virtio_vsock_hdr header;
    memcpy(&header, entry->header, sizeof(header));
    if (entry->id >= VIRTIO_VSOCK_QUEUE_SIZE || (entry->flags & PORT_MORE) != 0 ||
        header.len != entry->length || buffer->chain.writable_bytes < HEADER_BYTES ||
        entry->length > buffer->chain.writable_bytes - HEADER_BYTES) {
        return false;
    }
    bool arrives = vsock_note(vsock, &header, false);
    if (!virtq_put(q, &buffer->chain, arrives ? entry->length + HEADER_BYTES : 0)) {
        return false;
    }
    if (arrives) {
        port_header_write(buffer->header_at, &header, HEADER_BYTES);
    }
    virtq_publish(q);
    return true;
}

bool vsock_take_received(struct virtio_vsock *vsock)
{
    struct port_entry entry;
    while (port_client_received(&vsock->port, &entry)) {
        if (!take_packet(vsock, &entry)) {
            return false;
        }
    }
    return !port_client_broken(&vsock->port);
}
