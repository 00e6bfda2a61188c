/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor, parent of all other PDs, and what each of them is started from again. */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/restart.h>
#include <cloister/supervisor_config.h>

/* Two of the driver's connections and two of each network's, of two rings each. */
_Static_assert(4 * (1 + MAX_NETWORKS) <= SUPERVISOR_RINGS, "the record has room for all rings");
_Static_assert(MAX_PDS - 1 <= SUPERVISOR_CHILDREN, "the record has room for every other PD");

void supervisor_plan(struct system *system)
{
    struct plan *plan = &system->plan;
    plan->supervisor = plan_pd(plan, "supervisor", "supervisor.elf", PRIORITY_SUPERVISOR);
}

/* The copy of the program's data that restart.c starts from: link.mk makes the file. */
static void plan_copy(struct plan *plan, struct pd *pd)
{
    const char *name = arena_printf(plan->arena, "%s.start", pd->name);
    struct region *copy = plan_region(plan, name, RESTART_COPY_BYTES, PAGE_BYTES);
    copy->prefill = name;
    plan_map_at(plan, pd, copy, RESTART_COPY_VADDR, "r");
}

static void map_rings(struct plan *plan, struct supervisor_config *config)
{
    for (const struct region *region = plan->regions; region != NULL; region = region->next) {
        if (region->of_card) {
            config->rings[config->num_rings++] = sddf_map(plan, plan->supervisor, region, "rw");
        }
    }
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
        child->of_card = pd->of_card;
        plan_copy(plan, pd);
    }
    map_rings(plan, config);
}
