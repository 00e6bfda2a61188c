/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/switch_core.h"

#include "io/virt/switch/net.h"

#include <string.h>

void switch_core_init(struct switch_core *core, const struct switch_config *config,
                      const struct switch_ops *ops)
{
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->num_members = config->num_ports < SWITCH_PORTS ? config->num_ports : SWITCH_PORTS;
    for (uint32_t i = 0; i < core->num_members; i++)
        member_init(&core->members[i], &config->ports[i], switch_header_bytes(config->kind));
    net_init(core);
    switch_core_timeout(core);
}

static void settle(struct switch_core *core)
{
    for (uint32_t i = 0; i < core->num_members; i++)
        if (member_settle(&core->members[i]))
            mac_forget(&core->macs, i);
}

/* A port's turn; false if it sends nothing. */
static bool serve(struct switch_core *core, uint32_t index)
{
    struct member *m = &core->members[index];
    uint32_t cost = 1;
    bool any = false;
    m->credit += SWITCH_QUANTUM;
    while (m->credit > 0 && (cost = net_take(core, index)) > 0) {
        m->credit -= (int32_t)cost;
        any = true;
    }
    if (cost == 0)
        m->credit = 0; /* who has nothing to send saves nothing up */
    return any;
}

static void serve_all(struct switch_core *core)
{
    uint32_t idle = 0;
    while (idle < core->num_members) {
        idle = serve(core, core->turn) ? 0 : idle + 1;
        core->turn = (core->turn + 1) % core->num_members;
    }
}

static bool wait_all(struct switch_core *core)
{
    bool more = false;
    for (uint32_t i = 0; i < core->num_members; i++)
        more |= member_wait(&core->members[i]);
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

void switch_core_run(struct switch_core *core)
{
    settle(core);
    do
        serve_all(core);
    while (wait_all(core));
    for (uint32_t i = 0; i < core->num_members; i++) {
        tell_why(core, &core->members[i]);
        if (member_publish(&core->members[i]))
            core->ops->notify(core->config->ports[i].channel);
    }
}

void switch_core_timeout(struct switch_core *core)
{
    if (core->config->timer_channel == SWITCH_NO_CHANNEL)
        return;
    mac_tick(&core->macs);
    core->ops->set_timeout(SWITCH_TICK_NS);
}
