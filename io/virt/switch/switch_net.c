/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/switch_net.h"

#include <cloister/ethernet.h>
#include <string.h>

#define TICK_NS 30000000000ull

_Static_assert(MAC_PORTS == SWITCH_ENDS && FAIR_SENDERS == SWITCH_ENDS, "ports and the uplink");
_Static_assert(FAIR_ENTRIES >= PORT_ENTRIES, "a receiver's room");

/* ---- The ends ---------------------------------------------------------------------------------*/

/* Who may hear an end, a bit each. */
static uint32_t allow_of(const struct switch_core *core, uint32_t end)
{
    const struct switch_config *config = core->config;
    uint32_t ends = (1u << core->num_members) - 1;
    if (core->uplink.record != NULL) {
        ends |= 1u << SWITCH_UPLINK;
    }
    return (end == SWITCH_UPLINK ? config->uplink.allow : config->ports[end].allow) & ends &
           ~(1u << end);
}

static uint32_t mtu_of(const struct switch_core *core, uint32_t end)
{
    return end == SWITCH_UPLINK ? core->config->uplink.mtu : core->config->ports[end].mtu;
}

static uint32_t features_of(const struct switch_core *core, uint32_t end)
{
    return end == SWITCH_UPLINK ? 0 : core->members[end].features;
}

/* More than one may send to this end. */
static bool is_contended(const struct switch_core *core, uint32_t to)
{
    uint32_t senders = core->uplink.record != NULL && (allow_of(core, SWITCH_UPLINK) & 1u << to);
    for (uint32_t i = 0; i < core->num_members; i++) {
        senders += (allow_of(core, i) & 1u << to) != 0;
    }
    return senders > 1;
}

void net_init(struct switch_core *core)
{
    if (core->config->has_uplink) {
        uplink_init(&core->uplink, &core->config->uplink);
    }
    core->macs.learns[SWITCH_UPLINK] = true;
    core->uplink.contended = is_contended(core, SWITCH_UPLINK);
    for (uint32_t i = 0; i < core->num_members; i++) {
        const struct switch_port *record = &core->config->ports[i];
        core->macs.own[i] = mac_read(record->mac);
        core->macs.learns[i] = !record->fixed;
        core->members[i].contended = is_contended(core, i);
    }
}

static bool drop(struct switch_core *core, uint32_t end, enum drop why)
{
    core->counters[end].drops[why]++;
    return false;
}

/* ---- To one receiver --------------------------------------------------------------------------*/

static bool place_outside(struct switch_core *core, uint32_t from, uint32_t bytes,
                          struct cursor *at)
{
    struct uplink *uplink = &core->uplink;
    uint32_t room = uplink_room(uplink);
    fair_see(&uplink->fair, room);
    if (room > 0 && uplink->contended && !fair_may(&uplink->fair, from, room, 1)) {
        return drop(core, SWITCH_UPLINK, DROP_SHARE);
    }
    if (room == 0 || !uplink_place(uplink, bytes, at)) {
        return drop(core, SWITCH_UPLINK, DROP_ROOM);
    }
    fair_fill(&uplink->fair, from, 1);
    return true;
}

/* Finds room for a frame of `bytes` and moves `at` there. If it does, arrive() must follow. */
static bool place(struct switch_core *core, uint32_t from, uint32_t to, uint32_t bytes,
                  struct cursor *at)
{
    struct member *m = &core->members[to];
    struct placement *room = &core->placement;
    if (to == SWITCH_UPLINK) {
        return place_outside(core, from, bytes, at);
    }
    if (!member_place(m, bytes, room, at)) {
        return drop(core, to, DROP_ROOM);
    }
    if (m->contended && !fair_may(&m->fair, from, room->room, room->entries)) {
        return drop(core, to, DROP_SHARE);
    }
    fair_fill(&m->fair, from, room->entries);
    return true;
}

static void arrive(struct switch_core *core, uint32_t to, struct part *part)
{
    uint32_t bytes = part->head_bytes + part->rest_bytes;
    part->header.num_buffers = (uint16_t)core->placement.num_chains;
    if (to == SWITCH_UPLINK) {
        uplink_send(&core->uplink, bytes);
    } else {
        member_arrive(&core->members[to], &core->placement, &part->header);
    }
    core->counters[to].received++;
    core->counters[to].received_bytes += bytes;
}

/* The rest first: a checksum that lies in the head is known behind it. */
static bool deliver(struct switch_core *core, uint32_t from, uint32_t to, struct part *part)
{
    bool complete = (part->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
                    !(features_of(core, to) & PORT_RECV_CSUM);
    struct cursor head_at, rest_at;
    if (!place(core, from, to, part->head_bytes + part->rest_bytes, &head_at)) {
        return false;
    }
    struct sum sum = { 0 };
    if (complete) {
        sum = offload_sum(part);
    }
    rest_at = head_at;
    cursor_skip(&rest_at, part->head_bytes);
    pieces_copy(&rest_at, &part->rest, part->rest_bytes, complete ? &sum : NULL);
    if (complete) {
        offload_complete(part, &sum);
    }
    struct piece head = { part->head, part->head_bytes };
    pieces_copy(&head_at, &(struct cursor){ &head, 0 }, part->head_bytes, NULL);
    arrive(core, to, part);
    return true;
}

/* A part with the frame's head and, behind it, what comes after its first `head_bytes`. */
static void begin_part(struct part *part, const struct frame *frame, uint32_t head_bytes)
{
    part->header = frame->header;
    part->head_bytes = head_bytes;
    part->rest_bytes = frame->bytes - head_bytes;
    part->rest = (struct cursor){ frame->pieces, 0 };
    memcpy(part->head, frame->head, head_bytes);
    cursor_skip(&part->rest, head_bytes);
}

/* Cuts the frame. Whoever has no room for one segment gets none of those behind it. */
static void deliver_segments(struct switch_core *core, uint32_t to)
{
    const struct frame *frame = &core->frame;
    uint32_t size = frame->header.gso_size;
    uint32_t payload = frame->bytes - frame->tcp.end;
    struct part whole, part;
    begin_part(&whole, frame, frame->tcp.end);
    for (uint32_t offset = 0; offset < payload; offset += size) {
        uint32_t left = payload - offset;
        part = whole;
        offload_cut(&part, &frame->tcp, offset, left < size ? left : size, left <= size);
        if (!deliver(core, frame->from, to, &part)) {
            return;
        }
        whole.rest = part.rest;
    }
}

static bool takes_whole(const struct switch_core *core, uint32_t to)
{
    uint32_t needs = core->frame.tcp.ipv6 ? PORT_RECV_TSO6 : PORT_RECV_TSO4;
    return core->frame.header.gso_type == VIRTIO_NET_HDR_GSO_NONE ||
           (features_of(core, to) & needs);
}

static void send_to(struct switch_core *core, uint32_t to)
{
    struct part part;
    if (!takes_whole(core, to)) {
        deliver_segments(core, to);
        return;
    }
    begin_part(&part, &core->frame, core->frame.head_bytes);
    deliver(core, core->frame.from, to, &part);
}

/* ---- Who gets a frame -------------------------------------------------------------------------*/

/* Whether the guest wants it (virtIO 1.2, 5.1.6.5.1). `is_own`: it goes to an address of the
 * port's.
 */
static bool is_wanted(const struct switch_core *core, uint32_t to, uint64_t destination,
                      bool is_own)
{
    const struct member *m = &core->members[to];
    if (to == SWITCH_UPLINK) {
        return true;
    }
    uint32_t mode = __atomic_load_n(&m->port->control.recv_mode, __ATOMIC_RELAXED);
    if (!m->open) {
        return false;
    }
    if (mode & PORT_RECV_PROMISC) {
        return true;
    }
    if (destination == MAC_BROADCAST) {
        return !(mode & PORT_RECV_NO_BROADCAST);
    }
    if (mac_is_group(destination)) {
        return !(mode & PORT_RECV_NO_MULTICAST);
    }
    return !(mode & PORT_RECV_NO_UNICAST) && (is_own || core->macs.learns[to]);
}

static void forward(struct switch_core *core, uint64_t destination)
{
    uint32_t from = core->frame.from;
    uint32_t allow = allow_of(core, from);
    uint32_t owner = mac_is_group(destination) ? MAC_UNKNOWN : mac_find(&core->macs, destination);
    bool is_known = owner != MAC_UNKNOWN;
    uint32_t to = is_known ? 1u << owner & allow : allow;
    if (to == 0) {
        drop(core, from, DROP_NOBODY);
    }
    for (; to != 0; to &= to - 1) {
        uint32_t end = (uint32_t)__builtin_ctz(to);
        if (is_wanted(core, end, destination, is_known)) {
            send_to(core, end);
        }
    }
}

/* ---- What is sent -----------------------------------------------------------------------------*/

/* Takes the frame's first bytes into our memory, out of the pieces behind the first, which becomes
 * theirs. */
static void read_head(struct frame *frame)
{
    struct piece head = { frame->head, sizeof(frame->head) };
    struct cursor at = { frame->pieces + 1, 0 };
    frame->head_bytes = frame->bytes < sizeof(frame->head) ? frame->bytes : sizeof(frame->head);
    pieces_copy(&(struct cursor){ &head, 0 }, &at, frame->head_bytes, NULL);
    for (struct piece *piece = frame->pieces + 1; piece < at.piece; piece++) {
        piece->bytes = 0;
    }
    struct piece *first = &frame->pieces[at.piece - frame->pieces];
    *first = (struct piece){ first->at + at.offset, first->bytes - at.offset };
    frame->pieces[0] = (struct piece){ frame->head, frame->head_bytes };
}

/* Keeps of the sender's header what receivers may see. */
static void clean_header(struct virtio_net_hdr_v1 *header, const struct tcp_segment *tcp)
{
    bool gso = header->gso_type != VIRTIO_NET_HDR_GSO_NONE;
    if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
        *header = (struct virtio_net_hdr_v1){ 0 };
    }
    header->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header->hdr_len = gso ? (uint16_t)tcp->end : 0;
    header->gso_size = gso ? header->gso_size : 0;
}

/* A frame of a length that Ethernet knows, in one packet of at most `mtu` bytes, or in segments. */
static bool length_ok(const struct frame *frame, uint32_t mtu)
{
    bool gso = frame->header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
    uint32_t most = ETHERNET_LINK_BYTES + (gso ? ETHERNET_MAX_PACKET : mtu);
    return frame->bytes >= ETHERNET_HEADER_BYTES && frame->bytes <= most;
}

static bool frame_ok(struct switch_core *core)
{
    struct frame *frame = &core->frame;
    uint32_t from = frame->from;
    uint32_t mtu = mtu_of(core, from);
    if (!length_ok(frame, mtu)) {
        return drop(core, from, DROP_LENGTH);
    }
    read_head(frame);
    frame->tcp = (struct tcp_segment){ 0 };
    if (!offload_check(&frame->header, frame->head, frame->head_bytes, frame->bytes, &frame->tcp)) {
        return drop(core, from, DROP_OFFLOAD);
    }
    if (frame->header.gso_type != VIRTIO_NET_HDR_GSO_NONE &&
        frame->tcp.end + frame->header.gso_size > ETHERNET_LINK_BYTES + mtu) {
        return drop(core, from, DROP_LENGTH);
    }
    clean_header(&frame->header, &frame->tcp);
    if (!mac_source(&core->macs, from, mac_read(frame->head + 6))) {
        return drop(core, from, DROP_SOURCE);
    }
    return true;
}

/* Sends a frame on whose pieces are there, and says what it counts for. */
static uint32_t pass_on(struct switch_core *core, uint32_t from, const void *header, uint64_t bytes)
{
    struct frame *frame = &core->frame;
    frame->from = from;
    frame->bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    memcpy(&frame->header, header, sizeof(frame->header));
    if (frame_ok(core)) {
        core->counters[from].sent++;
        core->counters[from].sent_bytes += bytes;
        forward(core, mac_read(frame->head));
    }
    return SWITCH_CHAIN_COST +
           (frame->bytes < ETHERNET_MAX_PACKET ? frame->bytes : ETHERNET_MAX_PACKET);
}

static uint32_t take_from_outside(struct switch_core *core)
{
    static const struct virtio_net_hdr_v1 no_offload;
    struct net_buff_desc desc;
    if (core->uplink.record == NULL ||
        !uplink_receive(&core->uplink, &desc, &core->frame.pieces[1])) {
        return 0;
    }
    uint32_t cost = pass_on(core, SWITCH_UPLINK, &no_offload, core->frame.pieces[1].bytes);
    uplink_return(&core->uplink, &desc);
    return cost;
}

uint32_t net_take(struct switch_core *core, uint32_t from)
{
    struct member *m = &core->members[from];
    struct chain chain;
    if (from == SWITCH_UPLINK) {
        return take_from_outside(core);
    }
    if (!member_peek(m, &chain, core->frame.pieces + 1)) {
        return 0;
    }
    uint32_t cost = pass_on(core, from, chain.header, chain.bytes);
    member_take(m, &chain);
    member_done(m, &chain, 0);
    return cost;
}

void net_forget(struct switch_core *core, uint32_t end)
{
    mac_forget(&core->macs, end);
}

void net_tick(struct switch_core *core)
{
    mac_tick(&core->macs);
    switch_core_tick_in(core, TICK_NS);
}
