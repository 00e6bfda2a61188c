/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/vsock.h"

#include <linux/virtio_vsock.h>
#include <string.h>

#define PACKET_BYTES 65536u /* of payload; Linux's VIRTIO_VSOCK_MAX_PKT_BUF_SIZE */

_Static_assert(sizeof(struct virtio_vsock_hdr) == PORT_HEADER_BYTES, "5.10.6");
_Static_assert(PACKET_BYTES + SWITCH_CHAIN_COST < SWITCH_QUANTUM, "a turn is enough for a packet");

void vsock_init(struct switch_core *core)
{
    (void)core; /* CIDs are in the record */
}

/*
 * Who gets a packet of this sender, or SWITCH_NOBODY. To its own guest a VMM may say what it likes:
 * what comes in the name of a peer that is not there.
 */
static uint32_t receiver_of(const struct switch_core *core, uint32_t from,
                            const struct virtio_vsock_hdr *header)
{
    const struct switch_port *ports = core->config->ports;
    for (uint32_t i = 0; i < core->num_members; i++)
        if (ports[i].cid == header->dst_cid && (i == from || (ports[from].allow & 1u << i)))
            return i;
    return SWITCH_NOBODY;
}

/* What waits for this port waits in vain. */
static void address_to_nobody(struct switch_core *core, uint32_t end)
{
    for (uint32_t from = 0; from < core->num_members; from++)
        for (uint32_t i = 0; i < core->held[from].num; i++)
            if (core->held[from].packets[i].to == end)
                core->held[from].packets[i].to = SWITCH_NOBODY;
}

/* ---- Delivery ---------------------------------------------------------------------------------*/

/* Moves of the packet what there are chains for; true: it is complete. */
static bool deliver(struct switch_core *core, struct held_packet *packet,
                    const struct virtio_vsock_hdr *header)
{
    struct member *m = &core->members[packet->to];
    struct placement *room = &core->placement;
    struct cursor from = { core->frame.pieces, 0 }, at;
    cursor_skip(&from, packet->sent);
    do {
        if (!member_place(m, header->len - packet->sent, room, &at)) {
            core->starved |= 1u << packet->to;
            if (!m->open) /* perhaps broken just now */
                address_to_nobody(core, packet->to);
            return false;
        }
        struct virtio_vsock_hdr part = *header;
        part.len = room->chains[0].bytes;
        packet->sent += part.len;
        if (packet->sent < header->len && header->type == VIRTIO_VSOCK_TYPE_SEQPACKET)
            part.flags &= ~(uint32_t)(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
        pieces_copy(&at, &from, part.len, NULL);
        member_arrive(m, room, &part);
        core->counters[packet->to].received++;
        core->counters[packet->to].received_bytes += part.len;
    } while (packet->sent < header->len);
    return true;
}

/* Whether the sender may say that, and has not changed what it said. */
static bool packet_ok(struct switch_core *core, uint32_t from, const struct held_packet *packet,
                      const struct virtio_vsock_hdr *header, uint64_t bytes)
{
    bool length_ok = bytes <= PACKET_BYTES && header->len == bytes && packet->sent <= bytes;
    uint64_t own = core->config->ports[from].cid;
    bool source_ok = header->src_cid == own || header->dst_cid == own;
    if (!length_ok)
        core->counters[from].drops[DROP_LENGTH]++;
    else if (!source_ok)
        core->counters[from].drops[DROP_SOURCE]++;
    return length_ok && source_ok;
}

/* Takes a packet off the list, and what is done at its beginning off the ring. */
static void remove_packet(struct switch_core *core, uint32_t from, uint32_t i)
{
    struct held_packets *held = &core->held[from];
    struct member *m = &core->members[from];
    uint32_t seen = m->send.index + m->held;
    held->num--;
    memmove(&held->packets[i], &held->packets[i + 1], (held->num - i) * sizeof(held->packets[0]));
    port_take(&m->send, (held->num > 0 ? held->packets[0].at : seen) - m->send.index);
    m->held = seen - m->send.index;
}

/* Sends a packet of the list on, as far as there is room. */
static uint32_t try(struct switch_core *core, uint32_t from, uint32_t i)
{
    struct member *m = &core->members[from];
    struct held_packet *packet = &core->held[from].packets[i];
    struct virtio_vsock_hdr header;
    struct chain chain;
    if (!member_peek(m, packet->at - m->send.index, &chain, core->frame.pieces))
        return 0; /* it is broken now */
    memcpy(&header, chain.header, sizeof(header));
    bool ok = packet_ok(core, from, packet, &header, chain.bytes);
    bool there =
        ok && packet->to != SWITCH_NOBODY && receiver_of(core, from, &header) == packet->to;
    uint32_t before = packet->sent;
    if (there && !deliver(core, packet, &header))
        return SWITCH_CHAIN_COST + packet->sent - before;
    uint32_t cost = SWITCH_CHAIN_COST + packet->sent - before;
    core->counters[from].drops[DROP_NOBODY] += ok && !there;
    core->counters[from].sent += there;
    core->counters[from].sent_bytes += there ? header.len : 0;
    remove_packet(core, from, i);
    member_done(m, &chain, ok && !there ? PORT_NOT_THERE : 0);
    return cost;
}

/* Puts the next packet of the ring on the list; false: there is none, or no place for it. */
static bool look_at_next(struct switch_core *core, uint32_t from)
{
    struct member *m = &core->members[from];
    struct held_packets *held = &core->held[from];
    struct virtio_vsock_hdr header;
    struct chain chain;
    m->deaf = held->num == SWITCH_HELD;
    if (m->deaf || !member_peek(m, m->held, &chain, core->frame.pieces))
        return false;
    memcpy(&header, chain.header, sizeof(header));
    held->packets[held->num++] = (struct held_packet){
        .at = m->send.index + m->held,
        .to = (uint8_t)receiver_of(core, from, &header),
    };
    m->held += chain.entries;
    return true;
}

static bool can_go(const struct switch_core *core, uint32_t to)
{
    return !(core->starved & 1u << to); /* nobody is not starved */
}

uint32_t vsock_take(struct switch_core *core, uint32_t from)
{
    if (from == SWITCH_UPLINK || !core->members[from].open)
        return 0;
    struct held_packets *held = &core->held[from];
    for (uint32_t i = 0; i < held->num; i++)
        if (can_go(core, held->packets[i].to))
            return try(core, from, i);
    if (!look_at_next(core, from))
        return 0;
    if (can_go(core, held->packets[held->num - 1].to))
        return try(core, from, held->num - 1);
    return SWITCH_CHAIN_COST;
}

void vsock_forget(struct switch_core *core, uint32_t end)
{
    core->held[end].num = 0;
    address_to_nobody(core, end);
}
