/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of the guest's: from its transmit queue to the switch (5.1.6.2). */
#include "sdk/libc/format.h"
#include "vmm/core/vmm_log.h"
#include "vmm/devices/net/net_parts.h"

#include <cloister/ethernet.h>

#define CHECKSUM_BYTES 2u
#define REASON_BYTES   64

/* What is wrong with a frame, as the log's line ends. `%lu` is the longest frame with the card's
 * MTU. */
static const char *const reasons[VIRTIO_NET_REASONS] = {
    [VIRTIO_NET_NO_HEADER] = "its virtio_net_hdr is cut off",
    [VIRTIO_NET_SHORT] = "at least 14",
    [VIRTIO_NET_LONG] = "at most %lu with this MTU",
    [VIRTIO_NET_LONG_PACKET] = "at most 65557 to be cut into segments",
    [VIRTIO_NET_CSUM_FEATURE] = "checksum offload without VIRTIO_NET_F_CSUM",
    [VIRTIO_NET_CSUM_PLACE] = "its checksum field is not behind the addresses",
    [VIRTIO_NET_GSO_FEATURE] = "a gso_type that is not negotiated",
    [VIRTIO_NET_GSO_SIZE] = "gso_type without gso_size",
    [VIRTIO_NET_GSO_CSUM] = "gso_type without checksum offload",
};

_Static_assert(ETHERNET_HEADER_BYTES == 14 && ETHERNET_MAX_PACKET + ETHERNET_LINK_BYTES == 65557,
               "the numbers in the reasons");

/* Which feature lets the driver send which kind of long segment. */
static const struct {
    uint8_t type;
    uint8_t feature;
} gso_types[] = {
    { VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_F_HOST_TSO4 },
    { VIRTIO_NET_HDR_GSO_TCPV6, VIRTIO_NET_F_HOST_TSO6 },
};

static bool may_send_type(const struct virtio_net *net, uint8_t type)
{
    for (size_t i = 0; i < sizeof(gso_types) / sizeof(gso_types[0]); i++) {
        if (gso_types[i].type == type) {
            return virtio_mmio_has_feature(&net->device, gso_types[i].feature);
        }
    }
    return false;
}

static uint64_t most_bytes(const struct virtio_net *net)
{
    return net->config.mtu + ETHERNET_LINK_BYTES;
}

/* The checksum lies in the frame, behind the addresses that the switch goes by. */
static enum virtio_net_reason check_checksum(const struct virtio_net *net,
                                             struct virtio_net_hdr_v1 *header, uint64_t bytes)
{
    header->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
    if (header->flags == 0) {
        header->csum_start = header->csum_offset = 0;
        return VIRTIO_NET_GOOD;
    }
    if (!virtio_mmio_has_feature(&net->device, VIRTIO_NET_F_CSUM)) {
        return VIRTIO_NET_CSUM_FEATURE;
    }
    uint32_t end = (uint32_t)header->csum_start + header->csum_offset + CHECKSUM_BYTES;
    return header->csum_start < ETHERNET_HEADER_BYTES || end > bytes ? VIRTIO_NET_CSUM_PLACE
                                                                     : VIRTIO_NET_GOOD;
}

static enum virtio_net_reason check_segments(const struct virtio_net *net,
                                             struct virtio_net_hdr_v1 *header, uint64_t bytes)
{
    if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        header->gso_size = 0;
        return bytes > most_bytes(net) ? VIRTIO_NET_LONG : VIRTIO_NET_GOOD;
    }
    return !may_send_type(net, header->gso_type)               ? VIRTIO_NET_GSO_FEATURE
           : header->gso_size == 0                             ? VIRTIO_NET_GSO_SIZE
           : header->flags == 0                                ? VIRTIO_NET_GSO_CSUM
           : bytes > ETHERNET_MAX_PACKET + ETHERNET_LINK_BYTES ? VIRTIO_NET_LONG_PACKET
                                                               : VIRTIO_NET_GOOD;
}

/* Whether a frame of `bytes` can be sent under this header. What does not count in it is cleared.
 */
static enum virtio_net_reason check_header(const struct virtio_net *net,
                                           struct virtio_net_hdr_v1 *header, uint64_t bytes)
{
    header->hdr_len = 0;
    header->num_buffers = 0;
    if (bytes < ETHERNET_HEADER_BYTES) {
        return VIRTIO_NET_SHORT;
    }
    enum virtio_net_reason why = check_checksum(net, header, bytes);
    return why == VIRTIO_NET_GOOD ? check_segments(net, header, bytes) : why;
}

static void drop(struct virtio_net *net, const struct virtq_chain *chain, uint64_t bytes,
                 enum virtio_net_reason why)
{
    virtq_push(&net->queues[VIRTIO_NET_TX], chain, 0);
    net->dropped++;
    uint64_t such = ++net->drops[why];
    if ((such & (such - 1)) == 0) { /* as virtio_mmio_fail() does */
        char reason[REASON_BYTES];
        (void)format_text(reason, sizeof(reason), reasons[why], (unsigned long)most_bytes(net));
        vmm_log("%s: dropped: frame of %lu bytes; %s (%lu such until now)", net->device.name,
                (unsigned long)bytes, reason, (unsigned long)such);
    }
}

static void send_chain(struct virtio_net *net, const struct virtq_chain *chain)
{
    struct virtio_net_hdr_v1 header;
    uint32_t copied = virtq_chain_read(chain, 0, &header, sizeof(header));
    uint64_t bytes = chain->readable_bytes - copied;
    enum virtio_net_reason why =
        copied < sizeof(header) ? VIRTIO_NET_NO_HEADER : check_header(net, &header, bytes);
    if (why != VIRTIO_NET_GOOD) {
        drop(net, chain, bytes, why);
        return;
    }
    net->sent[chain->head] = *chain;
    port_client_send(&net->port, chain, sizeof(header), &header, sizeof(header));
}

enum virtq_result net_send(struct virtio_net *net)
{
    struct virtq *q = &net->queues[VIRTIO_NET_TX];
    struct virtq_chain chain = { .segments = net->segments };
    net->pending[VIRTIO_NET_TX] = false;
    virtq_begin(q);
    while (port_room(&net->port.send) >= PORT_CHAIN_ENTRIES) {
        enum virtq_result result = virtq_pop(q, &chain);
        if (result != VIRTQ_CHAIN) {
            return result;
        }
        if (chain.num_writable > 0) {
            virtio_mmio_fail(&net->device, "a writable buffer in the transmit queue");
            return VIRTQ_EMPTY;
        }
        send_chain(net, &chain);
    }
    net->pending[VIRTIO_NET_TX] = true;
    return VIRTQ_EMPTY;
}

bool net_take_sent(struct virtio_net *net)
{
    struct virtq *q = &net->queues[VIRTIO_NET_TX];
    struct port_entry entry;
    while (q->running && port_client_sent(&net->port, &entry)) {
        if (entry.id >= VIRTIO_NET_QUEUE_SIZE || !virtq_put(q, &net->sent[entry.id], 0)) {
            return false;
        }
    }
    virtq_publish(q);
    return !port_client_broken(&net->port);
}
