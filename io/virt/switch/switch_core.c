/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/switch_core.h"

#include "io/virt/switch/switch_net.h"
#include "io/virt/switch/switch_vsock.h"

#include <string.h>

static const struct {
    void (*init)(struct switch_core *core);
    uint32_t (*take)(struct switch_core *core, uint32_t from);
    void (*forget)(struct switch_core *core, uint32_t end);
    void (*tick)(struct switch_core *core);
} kinds[] = {
    [SWITCH_NET] = { net_init, net_take, net_forget, net_tick },
    [SWITCH_VSOCK] = { vsock_init, vsock_take, vsock_forget, vsock_tick },
};

void switch_core_init(struct switch_core *core, const struct switch_config *config,
                      const struct switch_ops *ops)
{
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->counters = core->own_counters;
    core->num_members = config->num_ports < SWITCH_PORTS ? config->num_ports : SWITCH_PORTS;
    for (uint32_t i = 0; i < core->num_members; i++) {
        member_init(&core->members[i], &config->ports[i], config->kind);
    }
    kinds[config->kind].init(core);
    switch_core_timeout(core);
}

static void settle(struct switch_core *core)
{
    for (uint32_t i = 0; i < core->num_members; i++) {
        if (member_settle(&core->members[i])) {
            kinds[core->config->kind].forget(core, i);
        }
    }
}

/* The turn of a port or of the uplink; false if it sends nothing. */
static bool serve(struct switch_core *core, uint32_t end)
{
    int32_t *credit = &core->credit[end];
    uint32_t cost = 1;
    bool any = false;
    *credit += SWITCH_QUANTUM;
    while (*credit > 0 && (cost = kinds[core->config->kind].take(core, end)) > 0) {
        *credit -= (int32_t)cost;
        any = true;
    }
    if (cost == 0) {
        *credit = 0; /* who has nothing to send saves nothing up */
    }
    return any;
}

/* Gives everybody turns until nobody sends, or until others must hear of it; true: there is more.
 */
static bool serve_all(struct switch_core *core)
{
    uint32_t idle = 0;
    for (uint32_t turn = 0; turn < SWITCH_ROUNDS * SWITCH_ENDS && idle < SWITCH_ENDS; turn++) {
        idle = serve(core, core->turn) ? 0 : idle + 1;
        core->turn = (core->turn + 1) % SWITCH_ENDS;
    }
    return idle < SWITCH_ENDS;
}

static bool wait_all(struct switch_core *core)
{
    bool more = uplink_wait(&core->uplink);
    for (uint32_t i = 0; i < core->num_members; i++) {
        more |= member_wait(&core->members[i]);
    }
    return more;
}

static void tell_why(struct switch_core *core, struct member *m)
{
    if (m->why != NULL && !m->told) {
        m->told = true;
        core->ops->report("switch: the port of ");
        core->ops->report(m->record->name);
        core->ops->report(" is closed: ");
        core->ops->report(m->why);
        core->ops->report(" (said once)\n");
    }
    m->why = NULL;
}

static void notify_outside(struct switch_core *core)
{
    struct uplink *uplink = &core->uplink;
    if (uplink->sent && net_must_signal(&uplink->tx)) {
        core->ops->notify(uplink->record->tx.channel);
    }
    if (uplink->returned && net_must_signal(&uplink->rx_free)) {
        core->ops->notify(uplink->record->rx.channel);
    }
    uplink->sent = uplink->returned = false;
}

static void tell_all(struct switch_core *core)
{
    for (uint32_t i = 0; i < core->num_members; i++) {
        tell_why(core, &core->members[i]);
        if (member_publish(&core->members[i])) {
            core->ops->notify(core->config->ports[i].channel);
        }
    }
    notify_outside(core);
}

void switch_core_run(struct switch_core *core)
{
    bool more;
    do {
        settle(core);
        core->starved = 0;
        more = serve_all(core);
        tell_all(core);
    } while (more || wait_all(core));
}

void switch_core_timeout(struct switch_core *core)
{
    core->ticking = false;
    kinds[core->config->kind].tick(core);
}

void switch_core_tick_in(struct switch_core *core, uint64_t ns)
{
    if (core->ticking || core->config->timer_channel == SWITCH_NO_CHANNEL) {
        return;
    }
    core->ticking = true;
    core->ops->set_timeout(ns);
}
