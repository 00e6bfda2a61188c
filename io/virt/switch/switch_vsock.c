/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/switch_vsock.h"

#include <linux/virtio_vsock.h>
#include <string.h>

#define PACKET_BYTES 65536u /* of payload; Linux's VIRTIO_VSOCK_MAX_PKT_BUF_SIZE */
#define TICK_NS      1000000000ull
#define PATIENCE     2u  /* ticks that a receiver may be silent */
#define OLD          10u /* ticks that a packet may wait */

_Static_assert(sizeof(struct virtio_vsock_hdr) == PORT_HEADER_BYTES, "5.10.6");
_Static_assert(PACKET_BYTES + SWITCH_CHAIN_COST < SWITCH_QUANTUM, "a turn is enough for a packet");

void vsock_init(struct switch_core *core)
{
    core->held = (struct held_packets *)(uintptr_t)core->config->held_vaddr;
    for (uint32_t i = 0; i < core->num_members; i++) { /* a former life's may be there */
        core->held[i].num = core->held[i].num_pieces = core->held[i].cut = 0;
    }
}

/* ---- Receivers --------------------------------------------------------------------------------*/

static bool is_patient(const struct packet *packet)
{
    return packet->chain.flags & PORT_PATIENT;
}

static bool is_there(const struct member *m, const struct packet *packet)
{
    bool listens = m->open && !(m->features & PORT_SENDS_ONLY);
    return listens && (m->silent < PATIENCE || port_fill(&m->recv) != 0 || is_patient(packet));
}

/* Who has the packet's CID and may get it, or SWITCH_NOBODY. To its own guest a VMM may say what it
 * likes: what comes in the name of a peer that is not there. */
static uint32_t receiver_of(const struct switch_core *core, uint32_t from, uint64_t cid)
{
    const struct switch_port *ports = core->config->ports;
    for (uint32_t i = 0; i < core->num_members; i++) {
        if (ports[i].cid == cid && (i == from || (ports[from].allow & 1u << i))) {
            return i;
        }
    }
    return SWITCH_NOBODY;
}

/* Whether the sender has put the packet in before it saw that its receiver is given up. */
static bool is_cut(struct held_packets *held, const struct packet *packet)
{
    uint32_t bit = 1u << packet->to;
    if ((held->cut & bit) && (int32_t)(packet->chain.seen - held->cut_at[packet->to]) >= 0) {
        held->cut &= ~bit;
    }
    return (held->cut & bit) && !is_patient(packet);
}

static void give_up(struct switch_core *core, uint32_t from, uint32_t to, bool patient_too)
{
    struct held_packets *held = &core->held[from];
    for (uint32_t i = 0; i < held->num; i++) {
        if (held->packets[i].to == to && (patient_too || !is_patient(&held->packets[i]))) {
            held->packets[i].given_up = true;
        }
    }
}

static void all_give_up(struct switch_core *core, uint32_t to, bool patient_too)
{
    for (uint32_t from = 0; from < core->num_members; from++) {
        give_up(core, from, to, patient_too);
    }
}

/* ---- Packets that wait ------------------------------------------------------------------------*/

static bool has_place(const struct held_packets *held, const struct packet *packet)
{
    uint32_t pieces = packet->chain.entries;
    if (held->num == SWITCH_HELD || held->num_pieces + pieces > SWITCH_PIECES) {
        return false;
    }
    for (uint32_t i = 0; i < held->num; i++) {
        pieces += held->packets[i].to == packet->to ? held->packets[i].chain.entries : 0;
    }
    return pieces <= SWITCH_PIECES / 2;
}

/* Its pieces are the frame's. */
static void hold(struct switch_core *core, uint32_t from, const struct packet *packet)
{
    struct held_packets *held = &core->held[from];
    held->packets[held->num++] = *packet;
    memcpy(held->pieces + held->num_pieces, core->frame.pieces,
           packet->chain.entries * sizeof(held->pieces[0]));
    held->num_pieces += packet->chain.entries;
    switch_core_tick_in(core, TICK_NS);
}

/* Packet `i`, whose pieces begin at `first`. */
static void remove_packet(struct held_packets *held, uint32_t i, uint32_t first)
{
    uint32_t next = first + held->packets[i].chain.entries;
    memmove(held->pieces + first, held->pieces + next,
            (held->num_pieces - next) * sizeof(held->pieces[0]));
    held->num_pieces -= next - first;
    held->num--;
    memmove(&held->packets[i], &held->packets[i + 1], (held->num - i) * sizeof(held->packets[0]));
}

/* ---- Delivery ---------------------------------------------------------------------------------*/

static bool can_go(const struct switch_core *core, const struct packet *packet)
{
    return packet->given_up || !(core->starved & 1u << packet->to);
}

/* Moves of the packet what there are chains for; true: nothing is left of it to move. */
static bool deliver(struct switch_core *core, struct packet *packet, const struct piece *pieces)
{
    struct member *m = &core->members[packet->to];
    struct placement *room = &core->placement;
    struct cursor from = { pieces, 0 }, at;
    struct virtio_vsock_hdr header;
    memcpy(&header, packet->chain.header, sizeof(header));
    cursor_skip(&from, packet->sent);
    do {
        if (!member_place(m, header.len - packet->sent, room, &at)) {
            core->starved |= 1u << packet->to;
            return false;
        }
        struct virtio_vsock_hdr part = header;
        part.len = room->chains[0].bytes;
        packet->sent += part.len;
        if (packet->sent < header.len && header.type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
            part.flags &= ~(uint32_t)(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
        }
        pieces_copy(&at, &from, part.len, NULL);
        member_arrive(m, room, &part);
        m->silent = 0;
        core->counters[packet->to].received++;
        core->counters[packet->to].received_bytes += part.len;
    } while (packet->sent < header.len);
    return true;
}

static void refuse(struct switch_core *core, uint32_t from, const struct packet *packet)
{
    struct held_packets *held = &core->held[from];
    struct member *m = &core->members[from];
    core->counters[from].drops[DROP_NOBODY]++;
    member_done(m, &packet->chain, PORT_NOT_THERE);
    if (packet->to == SWITCH_NOBODY) {
        return;
    }
    held->cut |= 1u << packet->to;
    held->cut_at[packet->to] = m->send_done.index;
}

/* Sends a packet on as far as it can go; true: it is done. */
static bool pass_on(struct switch_core *core, uint32_t from, struct packet *packet,
                    const struct piece *pieces)
{
    if (!can_go(core, packet)) {
        return false;
    }
    if (packet->given_up) {
        refuse(core, from, packet);
        return true;
    }
    if (!deliver(core, packet, pieces)) {
        packet->given_up = !core->members[packet->to].open; /* perhaps broken just now */
        if (packet->given_up) {
            all_give_up(core, packet->to, true);
        }
        return false;
    }
    core->counters[from].sent++;
    core->counters[from].sent_bytes += packet->sent;
    member_done(&core->members[from], &packet->chain, 0);
    return true;
}

static uint32_t send_held(struct switch_core *core, uint32_t from, uint32_t i, uint32_t first)
{
    struct held_packets *held = &core->held[from];
    uint32_t before = held->packets[i].sent;
    bool done = pass_on(core, from, &held->packets[i], held->pieces + first);
    uint32_t cost = SWITCH_CHAIN_COST + held->packets[i].sent - before;
    if (done) {
        remove_packet(held, i, first);
    }
    return cost;
}

/* Whether the sender may say that. */
static bool packet_ok(struct switch_core *core, uint32_t from,
                      const struct virtio_vsock_hdr *header, uint64_t bytes)
{
    bool length_ok = bytes <= PACKET_BYTES && header->len == bytes;
    uint64_t own = core->config->ports[from].cid;
    bool source_ok = header->src_cid == own || header->dst_cid == own;
    if (!length_ok) {
        core->counters[from].drops[DROP_LENGTH]++;
    } else if (!source_ok) {
        core->counters[from].drops[DROP_SOURCE]++;
    }
    return length_ok && source_ok;
}

/* A packet that was just taken off the ring. */
static void send_new(struct switch_core *core, uint32_t from, struct packet *packet)
{
    struct held_packets *held = &core->held[from];
    packet->given_up = packet->to == SWITCH_NOBODY ||
                       !is_there(&core->members[packet->to], packet) || is_cut(held, packet);
    if (pass_on(core, from, packet, core->frame.pieces)) {
        return;
    }
    if (has_place(held, packet)) {
        hold(core, from, packet);
    } else {
        give_up(core, from, packet->to, false);
        refuse(core, from, packet);
    }
}

/* Takes the next packet off the ring. */
static uint32_t send_next(struct switch_core *core, uint32_t from)
{
    struct member *m = &core->members[from];
    struct virtio_vsock_hdr header;
    struct packet packet = { 0 };
    if (!member_peek(m, &packet.chain, core->frame.pieces)) {
        return 0;
    }
    member_take(m, &packet.chain);
    memcpy(&header, packet.chain.header, sizeof(header));
    packet.to = (uint8_t)receiver_of(core, from, header.dst_cid);
    if (packet_ok(core, from, &header, packet.chain.bytes)) {
        send_new(core, from, &packet);
    } else {
        member_done(m, &packet.chain, 0);
    }
    return SWITCH_CHAIN_COST + packet.sent;
}

uint32_t vsock_take(struct switch_core *core, uint32_t from)
{
    if (from == SWITCH_UPLINK || !core->members[from].open) {
        return 0;
    }
    const struct held_packets *held = &core->held[from];
    for (uint32_t i = 0, first = 0; i < held->num; first += held->packets[i++].chain.entries) {
        if (can_go(core, &held->packets[i])) {
            return send_held(core, from, i, first);
        }
    }
    return send_next(core, from);
}

void vsock_forget(struct switch_core *core, uint32_t end)
{
    struct held_packets *held = &core->held[end];
    held->num = held->num_pieces = held->cut = 0;
    all_give_up(core, end, true);
}

/* ---- Time -------------------------------------------------------------------------------------*/

/* What waits gets older; a bit for each port that it waits for. */
static uint32_t age(struct switch_core *core, uint32_t from)
{
    struct held_packets *held = &core->held[from];
    uint32_t ports = 0;
    for (uint32_t i = 0; core->members[from].open && i < held->num; i++) {
        struct packet *packet = &held->packets[i];
        packet->ticks += packet->ticks < OLD;
        if (packet->ticks == OLD && !is_patient(packet)) {
            give_up(core, from, packet->to, false);
        }
        ports |= packet->given_up ? 0 : 1u << packet->to;
    }
    return ports;
}

void vsock_tick(struct switch_core *core)
{
    uint32_t ports = 0;
    for (uint32_t from = 0; from < core->num_members; from++) {
        ports |= age(core, from);
    }
    for (uint32_t i = 0; i < core->num_members; i++) {
        struct member *m = &core->members[i];
        bool posts = m->open && port_fill(&m->recv) != 0;
        if (posts || !m->open) {
            m->silent = 0;
        } else if (m->silent < PATIENCE) {
            m->silent = (ports & 1u << i) != 0 ? m->silent + 1 : 0;
        }
        if (m->silent == PATIENCE) {
            all_give_up(core, i, false);
        }
    }
    if (ports != 0) {
        switch_core_tick_in(core, TICK_NS);
    }
}
