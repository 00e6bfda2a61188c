/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/switch_uplink.h"

#include <cloister/ethernet.h>
#include <string.h>

#define SHORTEST 60u /* that a card may send */

void uplink_init(struct uplink *uplink, const struct switch_uplink *record)
{
    uplink->record = record;
    uplink->fair.lasting = true;
    uplink->rx = net_consumer(&record->rx.active, record->rx.num_buffers);
    uplink->rx_free = net_producer(&record->rx.free, record->rx.num_buffers);
    uplink->tx = net_producer(&record->tx.active, record->tx.num_buffers);
    uplink->tx_free = net_consumer(&record->tx.free, record->tx.num_buffers);
}

bool uplink_receive(struct uplink *uplink, struct net_buff_desc *desc, struct piece *frame)
{
    const struct sddf_region *data = &uplink->record->rx_data;
    if (!net_dequeue(&uplink->rx, desc)) {
        return false;
    }
    bool ok = desc->io_or_offset <= data->size_bytes &&
              desc->len <= data->size_bytes - desc->io_or_offset;
    *frame =
        ok ? (struct piece){ (uint8_t *)(uintptr_t)(data->vaddr + desc->io_or_offset), desc->len }
           : (struct piece){ 0 };
    return true;
}

/* It came out of a ring of that size, so there is room. */
void uplink_return(struct uplink *uplink, const struct net_buff_desc *desc)
{
    (void)net_enqueue(&uplink->rx_free, desc);
    uplink->returned = true;
}

static uint32_t never_sent(const struct uplink *uplink)
{
    uint64_t fit = uplink->record->tx_data.size_bytes / NET_BUFFER_SIZE;
    uint32_t all = uplink->record->tx.num_buffers;
    return (uint32_t)(fit < all ? fit : all) - uplink->unused;
}

uint32_t uplink_room(const struct uplink *uplink)
{
    uint32_t room = never_sent(uplink) + net_length(&uplink->tx_free);
    return room < FAIR_ENTRIES ? room : FAIR_ENTRIES;
}

/* A free buffer; false: there is none, or what came back is none of ours. */
static bool take_buffer(struct uplink *uplink, struct net_buff_desc *desc)
{
    if (never_sent(uplink) > 0) {
        desc->io_or_offset = (uint64_t)uplink->unused++ * NET_BUFFER_SIZE;
        return true;
    }
    return net_dequeue(&uplink->tx_free, desc) && desc->io_or_offset % NET_BUFFER_SIZE == 0 &&
           desc->io_or_offset < uplink->record->tx_data.size_bytes &&
           NET_BUFFER_SIZE <= uplink->record->tx_data.size_bytes - desc->io_or_offset;
}

bool uplink_place(struct uplink *uplink, uint32_t bytes, struct cursor *at)
{
    if (bytes > uplink->record->mtu + ETHERNET_LINK_BYTES || bytes > NET_BUFFER_SIZE ||
        !take_buffer(uplink, &uplink->into)) {
        return false;
    }
    uplink->buffer = (struct piece){
        (uint8_t *)(uintptr_t)(uplink->record->tx_data.vaddr + uplink->into.io_or_offset),
        NET_BUFFER_SIZE,
    };
    *at = (struct cursor){ &uplink->buffer, 0 };
    return true;
}

/* Nothing of an older frame goes out behind a short one. */
void uplink_send(struct uplink *uplink, uint32_t bytes)
{
    uplink->into.len = (uint16_t)(bytes < SHORTEST ? SHORTEST : bytes);
    uplink->into.oid = 0;
    memset(uplink->buffer.at + bytes, 0, uplink->into.len - bytes);
    (void)net_enqueue(&uplink->tx, &uplink->into);
    uplink->sent = true;
}

bool uplink_wait(struct uplink *uplink)
{
    return uplink->record != NULL && net_wait(&uplink->rx);
}
