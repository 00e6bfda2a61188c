/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters: a page for each PD that counts, which only it writes, and the PD that prints them. */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/counters.h>

#define GROUP_BYTES (COUNTERS_GROUP * sizeof(uint64_t))

/* Where the groups of a PD are, as the counters PD sees them; of `config`, which lists them. */
struct page {
    struct plan *plan;
    struct counters_config *config;
    const char *pd;
    uint64_t next_vaddr;
};

/* Those beyond what the record holds are counted and not shown. */
static void add_group(struct page *page, enum counters_kind kind, const char *name)
{
    if (page->config->num_groups < COUNTERS_MAX_GROUPS) {
        struct counters_group *group = &page->config->groups[page->config->num_groups++];
        group->vaddr = page->next_vaddr;
        group->kind = (uint8_t)kind;
        sddf_set_name(group->name, name);
    }
    page->next_vaddr += GROUP_BYTES;
}

/* "PD: what": of something that the PD does for another. */
static void add_client(struct page *page, enum counters_kind kind, const char *client)
{
    add_group(page, kind, arena_printf(page->plan->arena, "%s: %s", page->pd, client));
}

/* Gives a PD its page, of its own group and of `others` more. */
static struct page plan_page(struct plan *plan, struct pd *reader, struct counters_config *config,
                             struct pd *pd, unsigned others)
{
    const char *name = arena_printf(plan->arena, "%s_counters", pd->name);
    const struct region *region = plan_region(plan, name, (1 + others) * GROUP_BYTES, PAGE_BYTES);
    struct counters_page *record = plan_record(plan, pd, ".counters_page", sizeof(*record));
    record->vaddr = plan_map(plan, pd, region, "rw");
    struct page page = { plan, config, pd->name, plan_map(plan, reader, region, "r") };
    add_group(&page, COUNTERS_PD, pd->name);
    return page;
}

static void plan_vmms(struct system *system, struct pd *reader, struct counters_config *config)
{
    for (EACH_GUEST(guest, system->model)) {
        const struct guest_boot *boot = &system->boots[guest - model_guest(system->model, 0)];
        struct page page = plan_page(&system->plan, reader, config, boot->vmm, 1);
        add_group(&page, COUNTERS_GUEST, guest->name.text);
    }
}

static void plan_switch(struct plan *plan, struct pd *reader, struct counters_config *config,
                        const struct net_switch *sw)
{
    struct page page = plan_page(plan, reader, config, sw->pd, SWITCH_PORTS + 1);
    for (unsigned i = 0; i < sw->config->num_ports; i++) {
        add_client(&page, COUNTERS_PORT, sw->config->ports[i].name);
    }
    if (sw->config->has_uplink) {
        page.next_vaddr += (SWITCH_PORTS - sw->config->num_ports) * GROUP_BYTES;
        add_client(&page, COUNTERS_PORT, "uplink");
    }
}

static void plan_disk(struct system *system, struct pd *reader, struct counters_config *config)
{
    const struct blk_virt_config *virt = system->disk.virt;
    struct page page = plan_page(&system->plan, reader, config, system->disk.pd, virt->num_clients);
    for (unsigned i = 0; i < virt->num_clients; i++) {
        add_client(&page, COUNTERS_BLK, virt->clients[i].name);
    }
}

static void plan_card(struct system *system, struct pd *reader, struct counters_config *config)
{
    const struct net *net = &system->net;
    struct page rx = plan_page(&system->plan, reader, config, net->virt_rx, net->rx->num_clients);
    for (unsigned i = 0; i < net->rx->num_clients; i++) {
        add_client(&rx, COUNTERS_NET, net->rx->clients[i].name);
    }
    struct page tx = plan_page(&system->plan, reader, config, net->virt_tx, net->tx->num_clients);
    for (unsigned i = 0; i < net->tx->num_clients; i++) {
        add_client(&tx, COUNTERS_NET, net->tx->clients[i].name);
    }
}

void counters_plan(struct system *system)
{
    struct plan *plan = &system->plan;
    struct pd *reader = plan_pd(plan, "counters", "counters.elf", PRIORITY_COUNTERS);
    struct counters_config *config = plan_record(plan, reader, ".counters_config", sizeof(*config));
    const struct channel *ask = plan_channel(plan, system->serial.virt_rx, reader);
    config->magic = COUNTERS_CONFIG_MAGIC;
    config->ask_channel = ask->b.id;
    system->serial.rx->counters_channel = ask->a.id;
    serial_plan_writer(system, "counters", reader, &config->tx);
    plan_vmms(system, reader, config);
    for (EACH_NETWORK(network, system->model)) {
        const struct network *first = system->model->networks.items;
        plan_switch(plan, reader, config, &system->switches[network - first]);
    }
    if (system->sockets.pd != NULL) {
        plan_switch(plan, reader, config, &system->sockets);
    }
    if (system->disk.pd != NULL) {
        plan_disk(system, reader, config);
    }
    if (system->net.virt_rx != NULL) {
        plan_card(system, reader, config);
    }
}
