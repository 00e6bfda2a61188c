/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/net_tx/net_tx_core.h"

#include <string.h>

void net_tx_core_init(struct tx_core *core, const struct net_virt_tx_config *config,
                      const struct net_ops *ops)
{
    const struct sddf_net_connection *driver = &config->driver;
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->num_clients =
        config->num_clients < SDDF_MAX_CLIENTS ? config->num_clients : SDDF_MAX_CLIENTS;
    core->driver_active = net_producer(&driver->active, driver->num_buffers);
    core->driver_free = net_consumer(&driver->free, driver->num_buffers);
    core->share = core->num_clients > 0 ? driver->num_buffers / core->num_clients : 0;
    core->share = core->share > 0 ? core->share : 1;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        const struct sddf_net_connection *conn = &config->clients[i].conn;
        uint64_t buffers = config->clients[i].data.region.size_bytes / NET_BUFFER_SIZE;
        core->clients[i].counts = core->clients[i].own_counts;
        core->clients[i].active = net_consumer(&conn->active, conn->num_buffers);
        core->clients[i].free = net_producer(&conn->free, conn->num_buffers);
        core->clients[i].num_buffers = (uint32_t)(buffers < TX_BUFFERS ? buffers : TX_BUFFERS);
    }
}

static uint64_t bit_of(uint64_t offset)
{
    return UINT64_C(1) << (offset / NET_BUFFER_SIZE % 64);
}

/* The word of `sent` that has the bit of the buffer at `offset`; NULL: there is no such buffer. */
static uint64_t *word_of(struct tx_client *c, uint64_t offset)
{
    bool is = offset % NET_BUFFER_SIZE == 0 && offset / NET_BUFFER_SIZE < c->num_buffers;
    return is ? &c->sent[offset / NET_BUFFER_SIZE / 64] : NULL;
}

/*
 * A ring that is full is a liar's. A client fills this ring itself in the beginning (net_queue.h),
 * when we may have connected it already: so its tail is taken from there. It is masked wherever it
 * is used, and what else it decides is the client's own.
 */
static void give_back(struct tx_client *c, uint64_t offset)
{
    struct net_buff_desc desc = { .io_or_offset = offset };
    c->free.tail = __atomic_load_n(&c->free.queue->tail, __ATOMIC_RELAXED);
    (void)net_enqueue(&c->free, &desc);
    c->got = true;
}

/* ---- From clients to the driver ---------------------------------------------------------------*/

/* Made of what can be sent, and from a MAC that the client may send from. */
static bool frame_ok(const struct tx_core *core, uint32_t client, const struct net_buff_desc *desc)
{
    const struct net_virt_tx_client *record = &core->config->clients[client];
    struct sddf_mac from;
    if (desc->len < NET_HEADER_BYTES || desc->len > NET_FRAME_MAX) {
        return false;
    }
    if (record->num_macs == 0) {
        return true;
    }
    memcpy(&from,
           (const void *)(uintptr_t)(record->data.region.vaddr + desc->io_or_offset + sizeof(from)),
           sizeof(from));
    return net_mac_listed(record->macs, record->num_macs, &from);
}

/* Cannot fail: the shares of all fit into the driver's ring. If it does, the driver lies. */
static void pass_on(struct tx_core *core, uint32_t client, const struct net_buff_desc *desc)
{
    const struct sddf_device_region *data = &core->config->clients[client].data;
    struct net_buff_desc out = { data->io_addr + desc->io_or_offset, desc->len, 0 };
    struct tx_client *c = &core->clients[client];
    if (!core->config->coherent) {
        core->ops->cache_clean((uintptr_t)(data->region.vaddr + desc->io_or_offset), desc->len);
    }
    if (!net_enqueue(&core->driver_active, &out)) {
        c->counts[COUNT_NET_DROPPED]++;
        give_back(c, desc->io_or_offset);
        return;
    }
    *word_of(c, desc->io_or_offset) |= bit_of(desc->io_or_offset);
    c->in_flight++;
    c->counts[COUNT_NET_FRAMES]++;
    core->passed = true;
}

/* Takes one frame of a client, if there is one and the driver can have it. */
static bool step(struct tx_core *core, uint32_t client)
{
    struct tx_client *c = &core->clients[client];
    struct net_buff_desc desc;
    if (c->in_flight >= core->share || c->refused >= c->active.capacity ||
        !net_dequeue(&c->active, &desc)) {
        return false;
    }
    const uint64_t *word = word_of(c, desc.io_or_offset);
    if (word != NULL && !(*word & bit_of(desc.io_or_offset)) && frame_ok(core, client, &desc)) {
        pass_on(core, client, &desc);
        return true;
    }
    c->refused++;
    c->counts[COUNT_NET_DROPPED]++;
    if (word == NULL || (*word & bit_of(desc.io_or_offset))) {
        net_tell_of(core->ops, &c->told, core->config->clients[client].name,
                    " sends buffers that it has not: ignored (said once)\n");
    } else {
        give_back(c, desc.io_or_offset);
    }
    return true;
}

static bool burst(struct tx_core *core, uint32_t client)
{
    uint32_t taken = 0;
    while (taken < TX_BURST && step(core, client)) {
        taken++;
    }
    return taken > 0;
}

/*
 * In turn until nothing can be taken any more. Bounded by shares and refusals. True if more has
 * come meanwhile; who has its share with the driver is looked at when that returns something.
 */
static bool serve_clients(struct tx_core *core)
{
    bool more = false;
    uint32_t idle = 0;
    while (idle < core->num_clients) {
        idle = burst(core, core->turn) ? 0 : idle + 1;
        core->turn = (core->turn + 1) % core->num_clients;
    }
    for (uint32_t i = 0; i < core->num_clients; i++) {
        struct tx_client *c = &core->clients[i];
        more |=
            c->in_flight < core->share && net_wait(&c->active) && c->refused < c->active.capacity;
        if (net_consumer_broken(&c->active)) {
            net_tell_of(core->ops, &c->told, core->config->clients[i].name,
                        " has broken its queue: ignored (said once)\n");
        }
    }
    return more;
}

/* ---- From the driver to clients ---------------------------------------------------------------*/

/* The client whose data region `address` lies in, or num_clients; *offset is where. */
static uint32_t owner_of(const struct tx_core *core, uint64_t address, uint64_t *offset)
{
    uint32_t i = 0;
    for (; i < core->num_clients; i++) {
        const struct sddf_device_region *data = &core->config->clients[i].data;
        *offset = address - data->io_addr;
        if (*offset < data->region.size_bytes) {
            break;
        }
    }
    return i;
}

static void finish(struct tx_core *core, uint64_t address)
{
    uint64_t offset = 0;
    uint32_t owner = owner_of(core, address, &offset);
    uint64_t *word = owner < core->num_clients ? word_of(&core->clients[owner], offset) : NULL;
    if (word == NULL || !(*word & bit_of(offset))) {
        core->driver_lies++;
        net_tell_of(core->ops, &core->driver_told, "the driver",
                    " returns buffers that it has not: ignored (said once)\n");
        return;
    }
    *word &= ~bit_of(offset);
    core->clients[owner].in_flight--;
    give_back(&core->clients[owner], offset);
}

/* True if more has come meanwhile. Bounded by what the driver has, and lies that it has left. */
static bool take_returns(struct tx_core *core)
{
    uint32_t most = core->driver_free.capacity;
    struct net_buff_desc desc;
    while (core->driver_lies < most && net_dequeue(&core->driver_free, &desc)) {
        finish(core, desc.io_or_offset);
    }
    return net_wait(&core->driver_free) && core->driver_lies < most;
}

static void send_signals(struct tx_core *core)
{
    if (core->passed && net_must_signal(&core->driver_active)) {
        core->ops->notify(core->config->driver.channel);
    }
    core->passed = false;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        struct tx_client *c = &core->clients[i];
        if (c->got && net_must_signal(&c->free)) {
            core->ops->notify(core->config->clients[i].conn.channel);
        }
        c->got = false;
    }
}

void net_tx_core_run(struct tx_core *core)
{
    bool more = true;
    core->driver_lies = 0;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        core->clients[i].refused = 0;
    }
    while (more) {
        more = take_returns(core);
        more |= serve_clients(core);
        send_signals(core);
    }
}
