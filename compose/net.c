/* SPDX-License-Identifier: BSD-2-Clause */
/* The networks: a switch for each, and each guest's ports on them. */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/port.h>

/* Only who learns addresses forgets them. */
static bool learns(const struct model *model, const struct network *network)
{
    for (EACH_GUEST(guest, model))
        for (EACH_NET(net, guest))
            if (net->joined == network && net->bridge.number != 0)
                return true;
    return false;
}

static void plan_switch(struct system *system, const struct network *network, struct pd *timer)
{
    struct plan *plan = &system->plan;
    struct net_switch *sw =
        &system->switches[network - (struct network *)system->model->networks.items];
    const char *name = arena_printf(plan->arena, "%s_switch", network->name.text);
    sw->pd = plan_pd(plan, name, "switch.elf", PRIORITY_SWITCH);
    sw->config = plan_record(plan, sw->pd, ".switch_config", sizeof(*sw->config));
    sw->config->magic = SWITCH_CONFIG_MAGIC;
    sw->config->kind = SWITCH_NET;
    sw->config->num_ports = (uint8_t)network->num_ports;
    sw->config->timer_channel = learns(system->model, network)
                                    ? sddf_connect_timer(plan, sw->pd, timer)
                                    : SWITCH_NO_CHANNEL;
    if (network->uplink.number != 0)
        uplink_plan_client(system, network, sw);
}

void net_plan(struct system *system, struct pd *timer)
{
    const struct model *model = system->model;
    system->switches =
        arena_alloc(system->plan.arena, (model->networks.count + 1) * sizeof(*system->switches));
    if (model_first_uplink(model) != NULL)
        uplink_plan(system);
    for (EACH_NETWORK(network, model))
        plan_switch(system, network, timer);
}

static void note(struct plan *plan, const struct guest *guest, const struct network *network)
{
    plan_note(plan, arena_printf(plan->arena, "%s: %s_switch reads and writes its RAM",
                                 guest->name.text, network->name.text));
}

/* A guest's RAM appears in the switch of each of its networks. */
static void plan_port(struct system *system, struct pd *vmm, const struct region *ram,
                      const struct guest *guest, const struct guest_net *net, struct vmm_net *card)
{
    struct plan *plan = &system->plan;
    const struct network *network = net->joined;
    struct net_switch *sw =
        &system->switches[network - (struct network *)system->model->networks.items];
    struct switch_port *port = &sw->config->ports[net->port];
    const struct guest_net *first = guest->net.items;
    const char *name = arena_printf(plan->arena, "%s_port%td", guest->name.text, net - first);
    const struct region *region = plan_region(plan, name, sizeof(struct port), PAGE_BYTES);
    const struct channel *channel = plan_channel(plan, vmm, sw->pd);
    port->port_vaddr = plan_map(plan, sw->pd, region, "rw");
    port->memory = sddf_map(plan, sw->pd, ram, "rw");
    port->allow = network_allow(system->model, network, guest, SWITCH_PORTS);
    port->mtu = card->mtu = (uint16_t)network->mtu.number;
    port->channel = channel->b.id;
    port->fixed = net->bridge.number == 0;
    sddf_set_mac(port->mac, net->mac.number);
    sddf_set_name(port->name, guest->name.text);
    card->port_vaddr = plan_map(plan, vmm, region, "rw");
    card->channel = channel->a.id;
    sddf_set_mac(card->mac, net->mac.number);
    note(plan, guest, network);
}

void net_plan_client(struct system *system, struct pd *vmm, const struct region *ram,
                     struct vmm_net *cards, const struct guest *guest)
{
    for (EACH_NET(net, guest))
        plan_port(system, vmm, ram, guest, net, cards++);
}
