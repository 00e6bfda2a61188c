/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/counters/counters_core.h"

#include "sdk/libc/format.h"

#define LINE_BYTES      200u

#define ROW(name, text) text,
static const char *const of_pd[] = { COUNTERS_OF_PD(ROW) };
static const char *const of_guest[] = { COUNTERS_OF_GUEST(ROW) };
static const char *const of_port[] = { COUNTERS_OF_PORT(ROW) };
static const char *const of_blk[] = { COUNTERS_OF_BLK(ROW) };
static const char *const of_net[] = { COUNTERS_OF_NET(ROW) };
#undef ROW

static const struct {
    const char *const *rows;
    uint32_t num_rows;
} kinds[] = {
    [COUNTERS_PD] = { of_pd, COUNT_PD_ALL },       [COUNTERS_GUEST] = { of_guest, COUNT_GUEST_ALL },
    [COUNTERS_PORT] = { of_port, COUNT_PORT_ALL }, [COUNTERS_BLK] = { of_blk, COUNT_BLK_ALL },
    [COUNTERS_NET] = { of_net, COUNT_NET_ALL },
};

#define NUM_KINDS (sizeof(kinds) / sizeof(kinds[0]))

bool counters_core_init(struct counters_core *core, const struct counters_config *config,
                        const struct counters_ops *ops)
{
    memset(core, 0, sizeof(*core));
    if (config->num_groups > COUNTERS_MAX_GROUPS) {
        return false;
    }
    for (uint32_t i = 0; i < config->num_groups; i++) {
        if (config->groups[i].kind >= NUM_KINDS) {
            return false;
        }
    }
    core->config = config;
    core->ops = ops;
    core->out = serial_queue_connect_producer(&config->tx);
    return true;
}

/* A line as it will be, without what the serial line wants at its end. */
static size_t format_row(char *line, const char *name, const char *text, uint64_t count,
                         uint64_t last)
{
    return format_text(line, LINE_BYTES, "%12lu %12lu  %s: %s\r\n", (unsigned long)count,
                       (unsigned long)(count - last), name, text);
}

/* The row of a group that comes next. Returns its length, 0: it has never moved. */
static size_t next_counted(struct counters_core *core, char *line, uint64_t *count)
{
    const struct counters_group *group = &core->config->groups[core->group];
    const uint64_t *counts = (const uint64_t *)(uintptr_t)group->vaddr;
    *count = __atomic_load_n(&counts[core->row], __ATOMIC_RELAXED);
    if (*count == 0) {
        return 0;
    }
    return format_row(line, group->name, kinds[group->kind].rows[core->row], *count,
                      core->last[core->group][core->row]);
}

/* False: there is no room; the virtualiser says when there is. */
static bool put(struct counters_core *core, const char *line, size_t length)
{
    if (serial_queue_free(&core->out) < length) {
        serial_queue_request_signal(&core->out);
        if (serial_queue_free(&core->out) < length) {
            return false;
        }
        serial_queue_cancel_signal(&core->out);
    }
    (void)serial_queue_enqueue(&core->out, line, (uint32_t)length);
    return true;
}

static bool put_title(struct counters_core *core)
{
    char line[LINE_BYTES];
    size_t length = format_text(line, sizeof(line), "%12s %12s  counters\r\n", "in all", "new");
    core->said = core->said || put(core, line, length);
    return core->said;
}

static bool put_groups(struct counters_core *core)
{
    char line[LINE_BYTES];
    for (; core->group < core->config->num_groups; core->group++, core->row = 0) {
        uint32_t num_rows = kinds[core->config->groups[core->group].kind].num_rows;
        for (; core->row < num_rows; core->row++) {
            uint64_t count;
            size_t length = next_counted(core, line, &count);
            if (length > 0 && !put(core, line, length)) {
                return false;
            }
            core->last[core->group][core->row] = count;
        }
    }
    return true;
}

/* These come without what they were. */
static bool put_extras(struct counters_core *core)
{
    char line[LINE_BYTES];
    struct counters_extra extra;
    for (; core->ops->extra != NULL && core->ops->extra(core->row, &extra); core->row++) {
        size_t length = format_text(line, sizeof(line), "%12lu %12s  %s: %s\r\n",
                                    (unsigned long)extra.count, "", extra.name, extra.text);
        if (extra.count > 0 && !put(core, line, length)) {
            return false;
        }
    }
    return true;
}

static bool put_end(struct counters_core *core)
{
    static const char end[] = "counters: end\r\n";
    return put(core, end, sizeof(end) - 1);
}

void counters_core_run(struct counters_core *core)
{
    if (!core->busy) {
        return;
    }
    core->busy = !(put_title(core) && put_groups(core) && put_extras(core) && put_end(core));
    core->ops->notify(core->config->tx.channel);
}

void counters_core_ask(struct counters_core *core)
{
    if (!core->busy) {
        core->busy = true;
        core->said = false;
        core->group = core->row = 0;
    }
    counters_core_run(core);
}
