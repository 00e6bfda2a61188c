/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks and sockets: a switch for each network and one for sockets, and guests' ports on them.
 */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/port.h>

/* Of the networks' switches, only who learns addresses forgets them. */
static bool learns(const struct model *model, const struct network *network)
{
    for (EACH_GUEST(guest, model)) {
        for (EACH_NET(net, guest)) {
            if (net->joined == network && net->bridge.number != 0) {
                return true;
            }
        }
    }
    return false;
}

static struct net_switch plan_switch(struct plan *plan, const char *name, enum switch_kind kind,
                                     unsigned num_ports)
{
    struct net_switch sw = { .pd = plan_pd(plan, arena_printf(plan->arena, "%s_switch", name),
                                           "switch.elf", PRIORITY_SWITCH) };
    sw.config = plan_record(plan, sw.pd, ".switch_config", sizeof(*sw.config));
    sw.config->magic = SWITCH_CONFIG_MAGIC;
    sw.config->kind = (uint8_t)kind;
    sw.config->num_ports = (uint8_t)num_ports;
    sw.config->timer_channel = SWITCH_NO_CHANNEL;
    return sw;
}

static struct net_switch *switch_of(struct system *system, const struct network *network)
{
    const struct network *first = system->model->networks.items;
    return &system->switches[network - first];
}

static void plan_network(struct system *system, const struct network *network, struct pd *timer)
{
    struct plan *plan = &system->plan;
    struct net_switch *sw = switch_of(system, network);
    *sw = plan_switch(plan, network->name.text, SWITCH_NET, network->num_ports);
    if (learns(system->model, network)) {
        sw->config->timer_channel = sddf_connect_timer(plan, sw->pd, timer);
    }
    if (network->uplink.number != 0) {
        uplink_plan_client(system, network, sw);
    }
}

static void plan_socket_switch(struct system *system, unsigned num_ports, struct pd *timer)
{
    struct plan *plan = &system->plan;
    struct net_switch *sw = &system->sockets;
    *sw = plan_switch(plan, "vsock", SWITCH_VSOCK, num_ports);
    sw->config->timer_channel = sddf_connect_timer(plan, sw->pd, timer);
    sw->config->held_vaddr =
        plan_map(plan, sw->pd,
                 plan_region(plan, "vsock_held", num_ports * SWITCH_HELD_BYTES, PAGE_BYTES), "rw");
}

void net_plan(struct system *system, struct pd *timer)
{
    const struct model *model = system->model;
    unsigned sockets = sockets_count(model);
    system->switches =
        arena_alloc(system->plan.arena, (model->networks.count + 1) * sizeof(*system->switches));
    if (model_first_uplink(model) != NULL) {
        uplink_plan(system);
    }
    for (EACH_NETWORK(network, model)) {
        plan_network(system, network, timer);
    }
    if (sockets != 0) {
        plan_socket_switch(system, sockets, timer);
    }
}

/* What VMM and guest have on a switch. */
struct port_plan {
    uint64_t vaddr; /* in the VMM */
    uint8_t channel;
};

/* A guest's RAM appears in each switch that it has a port on. `name` is the port's region's. */
static struct port_plan plan_port(struct plan *plan, struct pd *vmm, const struct region *ram,
                                  const struct guest *guest, const char *name,
                                  const struct net_switch *sw, struct switch_port *port)
{
    const struct region *region = plan_region(plan, name, sizeof(struct port), PAGE_BYTES);
    const struct channel *channel = plan_channel(plan, vmm, sw->pd);
    port->port_vaddr = plan_map(plan, sw->pd, region, "rw");
    port->memory = sddf_map(plan, sw->pd, ram, "rw");
    port->channel = channel->b.id;
    sddf_set_name(port->name, guest->name.text);
    plan_note(plan, arena_printf(plan->arena, "%s: %s reads and writes its RAM", guest->name.text,
                                 sw->pd->name));
    return (struct port_plan){ plan_map(plan, vmm, region, "rw"), channel->a.id };
}

static void plan_card(struct system *system, struct pd *vmm, const struct region *ram,
                      const struct guest *guest, const struct guest_net *net, struct vmm_net *card)
{
    struct plan *plan = &system->plan;
    const struct guest_net *first = guest->net.items;
    const struct net_switch *sw = switch_of(system, net->joined);
    struct switch_port *port = &sw->config->ports[net->port];
    const char *name = arena_printf(plan->arena, "%s_port%td", guest->name.text, net - first);
    struct port_plan mine = plan_port(plan, vmm, ram, guest, name, sw, port);
    port->allow = network_allow(system->model, net->joined, guest, SWITCH_PORTS);
    port->mtu = card->mtu = (uint16_t)net->joined->mtu.number;
    port->fixed = net->bridge.number == 0;
    sddf_set_mac(port->mac, net->mac.number);
    sddf_set_mac(card->mac, net->mac.number);
    card->port_vaddr = mine.vaddr;
    card->channel = mine.channel;
}

static void plan_sockets(struct system *system, struct pd *vmm, const struct region *ram,
                         const struct guest *guest, struct vmm_vsock *vsock)
{
    struct plan *plan = &system->plan;
    struct switch_port *port = &system->sockets.config->ports[guest->vsock.port];
    const char *name = arena_printf(plan->arena, "%s_vsock", guest->name.text);
    struct port_plan mine = plan_port(plan, vmm, ram, guest, name, &system->sockets, port);
    port->allow = sockets_allow(system->model, guest);
    port->cid = vsock->cid = (uint32_t)guest->vsock.cid.number;
    vsock->port_vaddr = mine.vaddr;
    vsock->channel = mine.channel;
    vsock->num_peers = (uint8_t)__builtin_popcount(port->allow);
}

void net_plan_client(struct system *system, struct pd *vmm, const struct region *ram,
                     struct vmm_config *config, const struct guest *guest)
{
    struct vmm_net *card = config->nets;
    for (EACH_NET(net, guest)) {
        plan_card(system, vmm, ram, guest, net, card++);
    }
    if (guest->vsock.at.line != 0) {
        plan_sockets(system, vmm, ram, guest, &config->vsock);
    }
}
