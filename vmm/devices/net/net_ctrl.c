/* SPDX-License-Identifier: BSD-2-Clause */
/* The control queue: which frames the guest wants to hear (5.1.6.5). */
#include "vmm/devices/net/net_parts.h"

#include <linux/if_ether.h>

#define COMMAND_BYTES sizeof(struct virtio_net_ctrl_hdr)
#define COUNT_BYTES   sizeof(uint32_t)

/* The commands of class RX, each with a byte that says on or off. */
static const struct {
    uint8_t feature;
    uint8_t mode; /* enum port_recv_mode; 0: heard anyway */
} rx_commands[] = {
    [VIRTIO_NET_CTRL_RX_PROMISC] = { VIRTIO_NET_F_CTRL_RX, PORT_RECV_PROMISC },
    [VIRTIO_NET_CTRL_RX_ALLMULTI] = { VIRTIO_NET_F_CTRL_RX, 0 },
    [VIRTIO_NET_CTRL_RX_ALLUNI] = { VIRTIO_NET_F_CTRL_RX_EXTRA, PORT_RECV_PROMISC },
    [VIRTIO_NET_CTRL_RX_NOMULTI] = { VIRTIO_NET_F_CTRL_RX_EXTRA, PORT_RECV_NO_MULTICAST },
    [VIRTIO_NET_CTRL_RX_NOUNI] = { VIRTIO_NET_F_CTRL_RX_EXTRA, PORT_RECV_NO_UNICAST },
    [VIRTIO_NET_CTRL_RX_NOBCAST] = { VIRTIO_NET_F_CTRL_RX_EXTRA, PORT_RECV_NO_BROADCAST },
};

#define NUM_RX_COMMANDS (sizeof(rx_commands) / sizeof(rx_commands[0]))

uint32_t net_recv_mode(const struct virtio_net *net)
{
    uint32_t mode = net->extra_macs ? PORT_RECV_PROMISC : 0;
    for (unsigned i = 0; i < NUM_RX_COMMANDS; i++) {
        mode |= (net->rx_modes >> i & 1) != 0 ? rx_commands[i].mode : 0;
    }
    return mode;
}

static bool set_rx_mode(struct virtio_net *net, const struct virtq_chain *chain, uint8_t command)
{
    uint8_t on;
    if (command >= NUM_RX_COMMANDS ||
        !virtio_mmio_has_feature(&net->device, rx_commands[command].feature) ||
        chain->readable_bytes != COMMAND_BYTES + sizeof(on)) {
        return false;
    }
    virtq_chain_read(chain, COMMAND_BYTES, &on, sizeof(on));
    if (on > 1) {
        return false;
    }
    net->rx_modes &= (uint8_t) ~(1u << command);
    net->rx_modes |= (uint8_t)(on << command);
    return true;
}

/* Reads how many addresses the table at `offset` holds, and moves `offset` behind it. */
static bool read_table(const struct virtq_chain *chain, uint64_t *offset, uint32_t *count)
{
    bool whole = virtq_chain_read(chain, *offset, count, COUNT_BYTES) == COUNT_BYTES;
    *offset += COUNT_BYTES + (whole ? (uint64_t)*count * ETH_ALEN : 0);
    return whole;
}

/*
 * The switch does not filter by tables. It may let more through than they say (5.1.6.5.2): all
 * multicast anyway, and all unicast if there is an address beside the card's own.
 */
static bool set_tables(struct virtio_net *net, const struct virtq_chain *chain, uint8_t command)
{
    uint64_t offset = COMMAND_BYTES;
    uint32_t unicast, multicast;
    if (command != VIRTIO_NET_CTRL_MAC_TABLE_SET ||
        !virtio_mmio_has_feature(&net->device, VIRTIO_NET_F_CTRL_RX) ||
        !read_table(chain, &offset, &unicast) || !read_table(chain, &offset, &multicast) ||
        offset != chain->readable_bytes) {
        return false;
    }
    net->extra_macs = unicast > 0;
    return true;
}

static bool obey(struct virtio_net *net, const struct virtq_chain *chain)
{
    struct virtio_net_ctrl_hdr header;
    if (virtq_chain_read(chain, 0, &header, sizeof(header)) < sizeof(header)) {
        return false;
    }
    return (header.class == VIRTIO_NET_CTRL_RX && set_rx_mode(net, chain, header.cmd)) ||
           (header.class == VIRTIO_NET_CTRL_MAC && set_tables(net, chain, header.cmd));
}

void net_control(struct virtio_net *net)
{
    struct virtq *q = &net->queues[VIRTIO_NET_CTRL];
    struct virtq_chain chain = { .segments = net->segments };
    enum virtq_result result;
    virtq_begin(q);
    while ((result = virtq_pop(q, &chain)) == VIRTQ_CHAIN) {
        uint8_t ack = obey(net, &chain) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
        virtq_push(q, &chain, virtq_chain_write(&chain, 0, &ack, sizeof(ack)));
    }
    port_client_set_mode(&net->port, net_recv_mode(net));
    virtio_mmio_finish(&net->device, VIRTIO_NET_CTRL, result);
}
