/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/net_rx/net_rx_core.h"

#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))

void net_rx_core_init(struct rx_core *core, const struct net_virt_rx_config *config,
                      const struct net_ops *ops)
{
    const struct sddf_net_connection *driver = &config->driver;
    uint64_t buffers = config->data.region.size_bytes / NET_BUFFER_SIZE;
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->num_clients =
        config->num_clients < SDDF_MAX_CLIENTS ? config->num_clients : SDDF_MAX_CLIENTS;
    /* As many as the driver's rings hold: then neither of them can overflow. */
    buffers = buffers < driver->num_buffers ? buffers : driver->num_buffers;
    core->num_buffers = (uint32_t)(buffers < RX_BUFFERS ? buffers : RX_BUFFERS);
    core->share = core->num_buffers / (core->num_clients + 1);
    core->share = core->share > 0 ? core->share : 1;
    core->driver_active = net_consumer(&driver->active, driver->num_buffers);
    core->driver_free = net_producer(&driver->free, driver->num_buffers);
    for (uint32_t i = 0; i < core->num_clients; i++) {
        const struct sddf_net_connection *conn = &config->clients[i].conn;
        core->clients[i].counts = core->clients[i].own_counts;
        core->clients[i].free = net_consumer(&conn->free, conn->num_buffers);
        core->clients[i].active = net_producer(&conn->active, conn->num_buffers);
    }
    for (uint32_t i = 0; i < core->num_buffers; i++) {
        core->holders[i] = BIT(RX_DRIVER);
    }
    if (!config->coherent) {
        /* Nobody writes there but the device from now on. */
        ops->cache_invalidate(config->data.region.vaddr, config->data.region.size_bytes);
    }
    net_queue_fill(&core->driver_free, config->data.io_addr, core->num_buffers);
    core->returned = true;
}

/* The number of the buffer that begins at `offset` of the data region and that `holder` has, or
 * num_buffers. */
static uint32_t buffer_of(const struct rx_core *core, uint64_t offset, uint32_t holder)
{
    uint64_t index = offset / NET_BUFFER_SIZE;
    bool is = offset % NET_BUFFER_SIZE == 0 && index < core->num_buffers &&
              (core->holders[index] & BIT(holder)) != 0;
    return is ? (uint32_t)index : core->num_buffers;
}

/* Nobody needs the buffer any more. */
static void give_to_driver(struct rx_core *core, uint32_t index)
{
    uint64_t offset = (uint64_t)index * NET_BUFFER_SIZE;
    struct net_buff_desc desc = { .io_or_offset = core->config->data.io_addr + offset };
    core->holders[index] = BIT(RX_DRIVER);
    /* Cannot fail: the ring has room for all buffers. If it does, the driver lies and loses it. */
    (void)net_enqueue(&core->driver_free, &desc);
    core->returned = true;
}

/* ---- From clients to the driver ---------------------------------------------------------------*/

static void return_buffer(struct rx_core *core, uint32_t client, const struct net_buff_desc *desc)
{
    uint32_t index = buffer_of(core, desc->io_or_offset, client);
    if (index == core->num_buffers) {
        core->clients[client].lies++;
        net_tell_of(core->ops, &core->clients[client].told, core->config->clients[client].name,
                    " returns buffers that it has not: ignored (said once)\n");
        return;
    }
    core->clients[client].held--;
    core->holders[index] &= ~BIT(client);
    if (core->holders[index] == 0) {
        give_to_driver(core, index);
    }
}

/* Bounded by what the client holds, and lies that it has left. */
static void take_returns(struct rx_core *core, uint32_t client)
{
    struct rx_client *c = &core->clients[client];
    struct net_buff_desc desc;
    while (c->lies < c->free.capacity && net_dequeue(&c->free, &desc)) {
        return_buffer(core, client, &desc);
    }
    if (net_consumer_broken(&c->free) || net_producer_broken(&c->active)) {
        net_tell_of(core->ops, &c->told, core->config->clients[client].name,
                    " has broken its queue: ignored (said once)\n");
    }
}

/* True if more has come meanwhile. Until a client holds half of its share, its buffers are taken
 * when the next frame comes: the driver has others for that one. */
static bool wait_for_returns(const struct rx_core *core, struct rx_client *c)
{
    return c->held > core->share / 2 && net_wait(&c->free) && c->lies < c->free.capacity;
}

/* ---- From the driver to clients ---------------------------------------------------------------*/

static uint64_t listeners(const struct rx_core *core, const struct sddf_mac *to)
{
    static const struct sddf_mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
    uint64_t owners = 0, groups = 0, others = 0;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        const struct net_virt_rx_client *client = &core->config->clients[i];
        owners |= net_mac_listed(client->macs, client->num_macs, to) ? BIT(i) : 0;
        groups |= client->multicast ? BIT(i) : 0;
        others |= client->others ? BIT(i) : 0;
    }
    if (net_mac_is_group(to)) {
        return net_mac_equal(to, &all) ? BIT(core->num_clients) - 1 : groups;
    }
    return owners != 0 ? owners : others;
}

/* False: the client has its share already, or no room. */
static bool give_to_client(struct rx_core *core, uint32_t client, uint32_t index, uint16_t bytes)
{
    struct rx_client *c = &core->clients[client];
    struct net_buff_desc desc = { (uint64_t)index * NET_BUFFER_SIZE, bytes, 0 };
    if (c->held >= core->share || !net_enqueue(&c->active, &desc)) {
        c->counts[COUNT_NET_DROPPED]++;
        return false;
    }
    c->held++;
    c->counts[COUNT_NET_FRAMES]++;
    c->got = true;
    core->holders[index] |= BIT(client);
    return true;
}

/* What stands in the buffer is looked at once: the device can write there. */
static void deliver(struct rx_core *core, uint32_t index, uint16_t bytes)
{
    uintptr_t frame =
        (uintptr_t)(core->config->data.region.vaddr + (uint64_t)index * NET_BUFFER_SIZE);
    struct sddf_mac to;
    uint64_t hear = 0;
    if (bytes >= NET_HEADER_BYTES && bytes <= NET_BUFFER_SIZE) {
        if (!core->config->coherent) {
            core->ops->cache_invalidate(frame, bytes);
        }
        memcpy(&to, (const void *)frame, sizeof(to));
        hear = listeners(core, &to);
    }
    core->unheard += hear == 0;
    core->holders[index] = 0;
    for (; hear != 0; hear &= hear - 1) {
        (void)give_to_client(core, (uint32_t)__builtin_ctzll(hear), index, bytes);
    }
    if (core->holders[index] == 0) {
        give_to_driver(core, index);
    }
}

/* True if more has come meanwhile. Bounded by what the driver has, and lies that it has left. */
static bool take_frames(struct rx_core *core)
{
    struct net_buff_desc desc;
    for (uint32_t i = 0; i < core->num_buffers && core->driver_lies < core->num_buffers; i++) {
        if (!net_dequeue(&core->driver_active, &desc)) {
            break;
        }
        uint32_t index = buffer_of(core, desc.io_or_offset - core->config->data.io_addr, RX_DRIVER);
        if (index < core->num_buffers) {
            deliver(core, index, desc.len);
            continue;
        }
        core->driver_lies++;
        net_tell_of(core->ops, &core->driver_told, "the driver",
                    " fills buffers that it has not: ignored (said once)\n");
    }
    return net_wait(&core->driver_active) && core->driver_lies < core->num_buffers;
}

static void send_signals(struct rx_core *core)
{
    if (core->returned && net_must_signal(&core->driver_free)) {
        core->ops->notify(core->config->driver.channel);
    }
    core->returned = false;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        struct rx_client *c = &core->clients[i];
        if (c->got && net_must_signal(&c->active)) {
            core->ops->notify(core->config->clients[i].conn.channel);
        }
        c->got = false;
    }
}

void net_rx_core_run(struct rx_core *core)
{
    bool more = true;
    core->driver_lies = 0;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        core->clients[i].lies = 0;
    }
    while (more) {
        for (uint32_t i = 0; i < core->num_clients; i++) {
            take_returns(core, i);
        }
        more = take_frames(core);
        for (uint32_t i = 0; i < core->num_clients; i++) {
            more |= wait_for_returns(core, &core->clients[i]);
        }
        send_signals(core);
    }
}
