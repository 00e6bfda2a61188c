/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board's network card: its driver and the two virtualisers, whose clients are the switches of
 * the networks with an uplink.
 */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/ethernet.h>
#include <sddf/net_queue.h>

#define DRIVER_DMA_BYTES 0x10000ul
#define NUM_BUFFERS      512 /* of each data region and ring, as sDDF has them */
#define DATA_BYTES       ((uint64_t)NUM_BUFFERS * NET_BUFFER_SIZE)

_Static_assert(DEFAULT_MTU + ETHERNET_LINK_BYTES <= NET_BUFFER_SIZE, "a packet fits a buffer");

/* Two rings that both ends map. `name` is whose and which direction. */
static void connect(struct plan *plan, const char *name, struct pd *a,
                    struct sddf_net_connection *a_end, struct pd *b,
                    struct sddf_net_connection *b_end)
{
    const struct {
        const char *what;
        struct sddf_region *a, *b;
    } rings[] = { { "free", &a_end->free, &b_end->free },
                  { "active", &a_end->active, &b_end->active } };
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        const char *region_name = arena_printf(plan->arena, "%s_%s", name, rings[i].what);
        struct region *region =
            plan_region(plan, region_name, net_queue_bytes(NUM_BUFFERS), PAGE_BYTES);
        region->of_card = true;
        *rings[i].a = sddf_map(plan, a, region, "rw");
        *rings[i].b = sddf_map(plan, b, region, "rw");
    }
    const struct channel *channel = plan_channel(plan, a, b);
    a->of_card = b->of_card = true;
    a_end->num_buffers = b_end->num_buffers = NUM_BUFFERS;
    a_end->channel = channel->a.id;
    b_end->channel = channel->b.id;
}

void uplink_plan(struct system *system)
{
    struct plan *plan = &system->plan;
    struct net *net = &system->net;
    const struct board_slot *slot = &system->board->slots[BOARD_NET_SLOT];
    struct pd *driver =
        plan_pd(plan, "net_driver", "net_driver_virtio_mmio.elf", PRIORITY_NET_DRIVER);
    plan_budget(driver, NET_DRIVER_BUDGET_US, NET_PERIOD_US);
    net->virt_tx = plan_pd(plan, "net_virt_tx", "net_virt_tx.elf", PRIORITY_NET_VIRT_TX);
    net->tx = plan_record(plan, net->virt_tx, ".net_virt_tx_config", sizeof(*net->tx));
    net->virt_rx = plan_pd(plan, "net_virt_rx", "net_virt_rx.elf", PRIORITY_NET_VIRT_RX);
    plan_budget(net->virt_rx, NET_VIRT_RX_BUDGET_US, NET_PERIOD_US);
    net->rx = plan_record(plan, net->virt_rx, ".net_virt_rx_config", sizeof(*net->rx));
    sddf_set_magic(&net->tx->magic, SDDF_NET);
    sddf_set_magic(&net->rx->magic, SDDF_NET);
    net->tx->coherent = net->rx->coherent = slot->is_coherent;
    sddf_plan_virtio_driver(plan, driver, slot, DRIVER_DMA_BYTES);
    struct sddf_net_driver_config *config =
        plan_record(plan, driver, ".net_driver_config", sizeof(*config));
    sddf_set_magic(&config->magic, SDDF_NET);
    connect(plan, "net_driver_rx", driver, &config->rx, net->virt_rx, &net->rx->driver);
    connect(plan, "net_driver_tx", net->virt_tx, &net->tx->driver, driver, &config->tx);
    net->rx_data = plan_region(plan, "net_rx_frames", DATA_BYTES, PAGE_BYTES);
    net->rx_data->phys_addr = plan_reserve(plan, DATA_BYTES);
    net->rx->data = (struct sddf_device_region){ sddf_map(plan, net->virt_rx, net->rx_data, "r"),
                                                 net->rx_data->phys_addr };
}

/* What the switch hears: its guests' addresses, and all others where a guest is a bridge. */
static void fill_receiver(const struct model *model, const struct network *network,
                          struct net_virt_rx_client *client)
{
    client->multicast = true;
    for (EACH_GUEST(guest, model)) {
        for (EACH_NET(net, guest)) {
            if (net->joined == network) {
                sddf_set_mac(client->macs[client->num_macs++].bytes, net->mac.number);
                client->others |= net->bridge.number != 0;
            }
        }
    }
}

void uplink_plan_client(struct system *system, const struct network *network, struct net_switch *sw)
{
    struct plan *plan = &system->plan;
    struct net *net = &system->net;
    struct switch_uplink *uplink = &sw->config->uplink;
    struct net_virt_rx_client *rx = &net->rx->clients[net->rx->num_clients++];
    struct net_virt_tx_client *tx = &net->tx->clients[net->tx->num_clients++];
    const char *name = network->name.text;
    sw->config->has_uplink = true;
    uplink->allow = network_allow_uplink(system->model, network);
    uplink->mtu = (uint16_t)network->mtu.number;
    sddf_set_name(rx->name, name);
    sddf_set_name(tx->name, name);
    fill_receiver(system->model, network, rx);
    connect(plan, arena_printf(plan->arena, "%s_uplink_rx", name), sw->pd, &uplink->rx,
            net->virt_rx, &rx->conn);
    connect(plan, arena_printf(plan->arena, "%s_uplink_tx", name), sw->pd, &uplink->tx,
            net->virt_tx, &tx->conn);
    uplink->rx_data = sddf_map(plan, sw->pd, net->rx_data, "r");
    struct region *frames = plan_region(plan, arena_printf(plan->arena, "%s_uplink_frames", name),
                                        DATA_BYTES, PAGE_BYTES);
    frames->phys_addr = plan_reserve(plan, DATA_BYTES);
    uplink->tx_data = sddf_map(plan, sw->pd, frames, "rw");
    tx->data =
        (struct sddf_device_region){ sddf_map(plan, net->virt_tx, frames, "r"), frames->phys_addr };
    plan_budget(sw->pd, UPLINK_SWITCH_BUDGET_US, NET_PERIOD_US);
}
