/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor, parent of all other PDs, and what each of them is started from again. */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/restart.h>
#include <cloister/supervisor_config.h>
#include <string.h>

_Static_assert(MAX_PDS - 1 <= SUPERVISOR_CHILDREN, "the record has room for every other PD");

void supervisor_plan(struct system *system)
{
    struct plan *plan = &system->plan;
    plan->supervisor = plan_pd(plan, "supervisor", "supervisor.elf", PRIORITY_SUPERVISOR);
}

/* Who can not go on from what its queues hold. */
static const char *const stay[] = { "net_driver_virtio_mmio.elf", "net_virt_rx.elf",
                                    "net_virt_tx.elf", "switch.elf" };

static bool stays(const struct pd *pd)
{
    for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
        if (strcmp(pd->program, stay[i]) == 0)
            return true;
    return false;
}

/* The copy of the program's data that restart.c starts from: link.mk makes the file. */
static void plan_copy(struct plan *plan, struct pd *pd)
{
    const char *name = arena_printf(plan->arena, "%s.start", pd->name);
    struct region *copy = plan_region(plan, name, RESTART_COPY_BYTES, PAGE_BYTES);
    copy->prefill = name;
    plan_map_at(plan, pd, copy, RESTART_COPY_VADDR, "r");
}

void supervisor_adopt(struct system *system)
{
    struct plan *plan = &system->plan;
    struct supervisor_config *config =
        plan_record(plan, plan->supervisor, ".supervisor_config", sizeof(*config));
    config->magic = SUPERVISOR_CONFIG_MAGIC;
    for (struct pd *pd = plan->supervisor->next; pd != NULL; pd = pd->next) {
        struct supervisor_child *child = &config->children[config->num_children++];
        sddf_set_name(child->name, pd->name);
        child->stays = stays(pd);
        plan_copy(plan, pd);
    }
}
