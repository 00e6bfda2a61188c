/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/member.h"

#include <string.h>

void member_init(struct member *m, const struct switch_port *record, enum switch_kind kind)
{
    m->record = record;
    m->port = (struct port *)(uintptr_t)record->port_vaddr;
    m->header_bytes = switch_header_bytes(kind);
    m->in_parts = kind == SWITCH_VSOCK;
    m->answered = __atomic_load_n(&m->port->control.answered, __ATOMIC_RELAXED);
    if (port_is_open(m->answered)) { /* by a former life of ours, which knew what is under way */
        __atomic_store_n(&m->port->control.broken, PORT_LOST, __ATOMIC_RELEASE);
        m->notify = true;
    }
}

/* ---- State ------------------------------------------------------------------------------------*/

/* A checksum offload is what segments stand on (virtIO 1.2, 5.1.3.1). */
static uint32_t sane_features(uint32_t features)
{
    uint32_t plain = PORT_RECV_MERGE | PORT_SENDS_ONLY;
    return features & PORT_RECV_CSUM ? features : features & plain;
}

static void start(struct member *m)
{
    struct port *port = m->port;
    m->features = sane_features(__atomic_load_n(&port->control.features, __ATOMIC_RELAXED));
    m->send = (struct port_end){ &port->send, 0 };
    m->send_done = (struct port_end){ &port->send_done, 0 };
    m->recv = (struct port_end){ &port->recv, 0 };
    m->recv_done = (struct port_end){ &port->recv_done, 0 };
    m->taken = m->sent = m->received = m->starved = false;
    m->silent = 0;
    m->short_fill = 0;
    memset(&m->fair, 0, sizeof(m->fair));
    __atomic_store_n(&port->control.broken, 0, __ATOMIC_RELAXED);
}

bool member_settle(struct member *m)
{
    uint32_t wanted = __atomic_load_n(&m->port->control.wanted, __ATOMIC_ACQUIRE);
    if (wanted == m->answered) {
        return false;
    }
    m->answered = wanted;
    m->open = port_is_open(wanted);
    if (m->open) {
        start(m);
    }
    /* Release: all that was done to the port's memory lies before it. */
    __atomic_store_n(&m->port->control.answered, wanted, __ATOMIC_RELEASE);
    m->notify = true;
    return true;
}

/* Closes the port until the VMM opens it anew. */
static bool broken(struct member *m, const char *why)
{
    m->open = false;
    m->notify = true;
    m->why = why;
    __atomic_store_n(&m->port->control.broken, PORT_BROKEN, __ATOMIC_RELEASE);
    return false;
}

/* ---- Chains -----------------------------------------------------------------------------------*/

/* Reads a chain that begins `ahead` of what is there and ends within `fill`. False: it does not, or
 * a stretch is not in the port's memory. No sum that could overflow. */
static bool read_chain(const struct member *m, const struct port_end *end, uint32_t ahead,
                       uint32_t fill, struct chain *chain, struct piece *pieces)
{
    const struct sddf_region *memory = &m->record->memory;
    struct port_entry entry;
    chain->entries = 0;
    chain->bytes = 0;
    do {
        if (ahead + chain->entries >= fill || chain->entries == PORT_CHAIN_ENTRIES) {
            return false;
        }
        port_peek(end, ahead + chain->entries, &entry);
        if (entry.offset > memory->size_bytes || entry.length > memory->size_bytes - entry.offset) {
            return false;
        }
        if (chain->entries == 0) {
            chain->id = entry.id;
            chain->flags = entry.flags;
            chain->seen = entry.seen;
            memcpy(chain->header, entry.header, sizeof(chain->header));
        }
        pieces[chain->entries++] =
            (struct piece){ (uint8_t *)(uintptr_t)(memory->vaddr + entry.offset), entry.length };
        chain->bytes += entry.length;
    } while (entry.flags & PORT_MORE);
    return true;
}

static bool takes_done(struct member *m)
{
    return port_room(&m->send_done) != 0 || broken(m, "it does not take what is done");
}

bool member_peek(struct member *m, struct chain *chain, struct piece *pieces)
{
    uint32_t fill = m->open ? port_fill(&m->send) : 0;
    if (fill > PORT_ENTRIES) {
        return broken(m, "the ring of what is sent makes no sense");
    }
    if (fill == 0 || !takes_done(m)) {
        return false;
    }
    return read_chain(m, &m->send, 0, fill, chain, pieces) ||
           broken(m, "a chain that is sent makes no sense");
}

void member_take(struct member *m, const struct chain *chain)
{
    port_take(&m->send, chain->entries);
    m->taken = true;
}

void member_done(struct member *m, const struct chain *chain, uint16_t flags)
{
    struct port_entry entry = { .id = chain->id, .flags = flags };
    if (takes_done(m)) {
        port_put(&m->send_done, &entry);
        m->sent = true;
    }
}

/* Adds the next chain to the placement; `need` bytes of it are used if it has so many. Returns how
 * many it has; 0: the port is broken. */
static uint64_t add_chain(struct member *m, uint32_t fill, uint64_t need, struct placement *to)
{
    uint32_t header = to->num_chains == 0 ? m->header_bytes : 0;
    struct chain chain;
    if (!read_chain(m, &m->recv, to->entries, fill, &chain, to->pieces + to->entries) ||
        chain.bytes < m->header_bytes + m->in_parts) {
        broken(m, "a chain to receive in makes no sense");
        return 0;
    }
    to->chains[to->num_chains].id = chain.id;
    to->chains[to->num_chains].bytes =
        (uint32_t)((chain.bytes < need ? chain.bytes : need) - header);
    to->num_chains++;
    to->entries += chain.entries;
    return chain.bytes;
}

/* Gathers chains for `need` bytes. False: too few, too small for one, or the port is broken. */
static bool gather(struct member *m, uint32_t fill, uint64_t need, struct placement *to)
{
    uint32_t most = m->features & PORT_RECV_MERGE ? PORT_ENTRIES : 1;
    to->num_chains = 0;
    to->entries = 0;
    while (to->entries < fill && to->num_chains < most) {
        uint64_t has = add_chain(m, fill, need, to);
        if (has >= need || has == 0 || m->in_parts) {
            return has != 0;
        }
        need -= has;
    }
    return false;
}

bool member_place(struct member *m, uint32_t bytes, struct placement *to, struct cursor *at)
{
    uint32_t fill = m->open ? port_fill(&m->recv) : 0;
    if (fill > PORT_ENTRIES) {
        return broken(m, "more to receive in than the ring holds");
    }
    fair_see(&m->fair, fill);
    m->starved |= fill == 0;
    if (fill == 0 || (fill == m->short_fill && bytes >= m->short_bytes)) {
        return false;
    }
    if (!gather(m, fill, (uint64_t)m->header_bytes + bytes, to)) {
        m->short_fill = fill;
        m->short_bytes = bytes;
        return false;
    }
    if (port_room(&m->recv_done) < to->num_chains) {
        return broken(m, "it does not take what has arrived");
    }
    to->room = fill;
    *at = (struct cursor){ to->pieces, 0 };
    cursor_skip(at, m->header_bytes);
    return true;
}

void member_arrive(struct member *m, const struct placement *to, const void *header)
{
    port_take(&m->recv, to->entries);
    m->short_fill = 0;
    for (uint32_t i = 0; i < to->num_chains; i++) {
        struct port_entry entry = {
            .length = to->chains[i].bytes,
            .id = to->chains[i].id,
            .flags = i + 1 < to->num_chains ? PORT_MORE : 0,
        };
        if (i == 0) {
            memcpy(entry.header, header, m->header_bytes);
        }
        port_put(&m->recv_done, &entry);
    }
    m->received = true;
}

/* ---- Signals ----------------------------------------------------------------------------------*/

bool member_wait(struct member *m)
{
    bool more = m->open && port_wait(&m->send);
    if (m->open && m->starved && m->in_parts) {
        more |= port_wait(&m->recv);
    }
    m->starved = false;
    return more;
}

bool member_publish(struct member *m)
{
    bool notify = m->notify;
    if (m->open && m->taken) {
        notify |= port_gave_room(&m->send);
    }
    if (m->open && m->sent) {
        notify |= port_publish(&m->send_done);
    }
    if (m->open && m->received) {
        notify |= port_publish(&m->recv_done);
    }
    m->taken = m->sent = m->received = m->notify = false;
    return notify;
}
