/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of the guest's: from its transmit queue to the switch (5.1.6.2). */
#include "vmm/log.h"
#include "vmm/virtio/net_parts.h"

#include <linux/if_ether.h>

#define VLAN_BYTES     4u
#define LINK_BYTES     (ETH_HLEN + VLAN_BYTES) /* in front of what the MTU counts */
#define MAX_GSO_PACKET 65535u                  /* the longest IP packet, before it is cut */
#define CHECKSUM_BYTES 2u

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

/* The checksum lies in the frame, behind the addresses that the switch goes by. */
static bool checksum_ok(const struct virtio_net *net, struct virtio_net_hdr_v1 *header,
                        uint64_t bytes)
{
    header->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
    if (header->flags == 0) {
        header->csum_start = header->csum_offset = 0;
        return true;
    }
    return virtio_mmio_has_feature(&net->device, VIRTIO_NET_F_CSUM) &&
           header->csum_start >= ETH_HLEN &&
           (uint32_t)header->csum_start + header->csum_offset + CHECKSUM_BYTES <= bytes;
}

static bool segments_ok(const struct virtio_net *net, struct virtio_net_hdr_v1 *header,
                        uint64_t bytes)
{
    if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        header->gso_size = 0;
        return bytes <= net->config.mtu + LINK_BYTES;
    }
    return may_send_type(net, header->gso_type) && header->gso_size > 0 && header->flags != 0 &&
           bytes <= MAX_GSO_PACKET + LINK_BYTES;
}

/* Whether a frame of `bytes` can be sent under this header. What does not count in it is cleared.
 */
static bool header_ok(const struct virtio_net *net, struct virtio_net_hdr_v1 *header,
                      uint64_t bytes)
{
    header->hdr_len = 0;
    header->num_buffers = 0;
    return bytes >= ETH_HLEN && checksum_ok(net, header, bytes) && segments_ok(net, header, bytes);
}

static void drop(struct virtio_net *net, const struct virtq_chain *chain)
{
    virtq_push(&net->queues[VIRTIO_NET_TX], chain, 0);
    net->dropped++;
    if ((net->dropped & (net->dropped - 1)) == 0) { /* as virtio_mmio_fail() does */
        vmm_log("%s: a frame that makes no sense is dropped (%lu until now)", net->device.name,
                (unsigned long)net->dropped);
    }
}

static void send_chain(struct virtio_net *net, const struct virtq_chain *chain)
{
    struct virtio_net_hdr_v1 header;
    uint32_t copied = virtq_chain_read(chain, 0, &header, sizeof(header));
    if (copied < sizeof(header) ||
        !header_ok(net, &header, chain->readable_bytes - sizeof(header))) {
        drop(net, chain);
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
