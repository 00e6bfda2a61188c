/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system as a graph for graphviz's dot: guests on top, below them what serves them, devices at
 * the bottom. An edge between two is their channel and the memory that they share; memory that more
 * than two reach has a box of its own.
 */
#include "compose/keys.h"
#include "compose/limits.h"
#include "compose/output.h"

#include <inttypes.h>

static const char head[] =
    "// Written by compose.\n"
    "digraph \"%1$s\" {\n"
    "    graph [fontname=\"sans-serif\" fontsize=10 ranksep=0.9 nodesep=0.4 label=\"%1$s: guests, "
    "their VMMs, what serves them, devices. Open arrow: notifies; full arrow: calls; red: "
    "interrupt.\\nA region at a line is shared by its two ends; upper|lower: their rights\"]\n"
    "    node [fontname=\"sans-serif\" fontsize=12 shape=box fillcolor=\"#eeeeee\"]\n"
    "    edge [fontname=\"sans-serif\" fontsize=9]\n";

/* The map of a region among these, or NULL. */
static const struct map *find_map(const struct map *map, const struct region *region)
{
    while (map != NULL && map->region != region) {
        map = map->next;
    }
    return map;
}

/* How many reach a region: PDs but the supervisor, which clears some, and guests. */
static unsigned count_users(const struct plan *plan, const struct region *region)
{
    unsigned users = 0;
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        users += pd != plan->supervisor && find_map(pd->maps, region) != NULL;
        users += pd->vm != NULL && find_map(pd->vm->maps, region) != NULL;
    }
    return users;
}

/* Lists what two and nobody else reach, as lines of a label: the rights of `a`, then of `b`. */
static void write_shared(FILE *out, const struct system *system, const struct map *a,
                         const struct map *b)
{
    for (; a != NULL; a = a->next) {
        const struct map *other = find_map(b, a->region);
        if (other != NULL && count_users(&system->plan, a->region) == 2) {
            fprintf(out, "%s %s %s|%s\\l", a->region->name,
                    arena_size(system->plan.arena, a->region->bytes), a->perms, other->perms);
        }
    }
}

/* The colour of the guest whose VMM this is, in the darker shade of its name; black if it is none.
 */
static const char *color_of(const struct system *system, const struct pd *vmm)
{
    for (EACH_GUEST(guest, system->model)) {
        if (vmm->vm != NULL && vmm->vm->name == guest->name.text) {
            return guest->color.number == NUM_COLORS
                       ? "gray50"
                       : arena_printf(system->plan.arena, "%s3", color_words[guest->color.number]);
        }
    }
    return "black";
}

static void write_guest(FILE *out, const struct system *system, const struct guest *guest,
                        const struct pd *vmm)
{
    const char *name = guest->name.text;
    const char *color = color_of(system, vmm);
    fprintf(out,
            "    \"vm %s\" [label=\"%s\\n%s, %u vCPU(s)\\npriority %d\" shape=box3d penwidth=3 "
            "color=%s]\n"
            "    \"vm %s\" -> \"%s\" [dir=none weight=9 penwidth=3 color=%s label=\"",
            name, name, arena_size(system->plan.arena, guest->memory.number), vmm->vm->num_vcpus,
            PRIORITY_GUEST, color, name, vmm->name, color);
    write_shared(out, system, vmm->vm->maps, vmm->maps);
    fputs("\"]\n", out);
    if (guest != model_guest(system->model, 0)) { /* keeps the guests in a row, in their order */
        fprintf(out, "    {rank=same; \"vm %s\" -> \"vm %s\" [style=invis]}\n", guest[-1].name.text,
                name);
    }
}

static void write_pd(FILE *out, const struct pd *pd)
{
    fprintf(out, "    \"%s\" [label=\"%s\\npriority %u\" style=\"filled,rounded\"]\n", pd->name,
            pd->name, pd->priority);
    for (const struct irq *irq = pd->irqs; irq != NULL; irq = irq->next) {
        fprintf(out,
                "    \"irq %" PRIu32 "\" [label=\"interrupt %" PRIu32 "\\n%s\" shape=cds]\n"
                "    \"%s\" -> \"irq %" PRIu32 "\" [dir=back arrowtail=vee color=red]\n",
                irq->intid, irq->intid, irq->is_edge ? "edge" : "level", pd->name, irq->intid);
    }
}

/* From low to high priority, so that dot puts the server below. */
static void write_channel(FILE *out, const struct system *system, const struct channel *channel)
{
    bool swapped = channel->a.pd->priority > channel->b.pd->priority;
    const struct end *low = swapped ? &channel->b : &channel->a;
    const struct end *high = swapped ? &channel->a : &channel->b;
    fprintf(out, "    \"%s\" -> \"%s\" [dir=both arrowhead=%s arrowtail=%s color=%s%s label=\"%s",
            low->pd->name, high->pd->name, low->calls ? "normal" : "vee",
            high->calls ? "normal" : "vee", color_of(system, low->pd),
            low->pd->priority == high->pd->priority ? " constraint=false" : "",
            low->calls || high->calls ? "calls\\l" : "");
    write_shared(out, system, low->pd->maps, high->pd->maps);
    fputs("\"]\n", out);
}

/* Files stand above those that read them, so that their lines do not cross the channels. */
static void write_reach(FILE *out, const char *kind, const char *name, const struct map *map)
{
    if (map != NULL) {
        const char *style = "dir=none style=dashed color=gray50";
        fprintf(out,
                map->region->prefill != NULL
                    ? "    \"region %s\" -> \"%s%s\" [%s label=\"%s\"]\n"
                    : "    \"%2$s%3$s\" -> \"region %1$s\" [%4$s label=\"%5$s\"]\n",
                map->region->name, kind, name, style, map->perms);
    }
}

/* Devices, memory of more than two, and files that several have. */
static void write_region(FILE *out, const struct system *system, const struct region *region)
{
    if (!region->is_device && count_users(&system->plan, region) <= (region->prefill ? 1 : 2)) {
        return;
    }
    fprintf(out, "    \"region %s\" [label=\"%s\\n%s", region->name, region->name,
            arena_size(system->plan.arena, region->bytes));
    if (region->phys_addr != 0) {
        fprintf(out, " at 0x%" PRIx64, region->phys_addr);
    }
    fprintf(out, "\" shape=%s]\n", region->is_device ? "component" : "cylinder");
    for (const struct pd *pd = system->plan.pds; pd != NULL; pd = pd->next) {
        write_reach(out, "", pd->name, find_map(pd->maps, region));
        if (pd->vm != NULL) {
            write_reach(out, "vm ", pd->vm->name, find_map(pd->vm->maps, region));
        }
    }
}

void picture_write(FILE *out, const struct system *system, const char *folder)
{
    const struct plan *plan = &system->plan;
    (void)folder;
    fprintf(out, head, system->model->name.text);
    const struct guest *guest = model_guest(system->model, 0);
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        write_pd(out, pd);
        if (pd->vm != NULL) {
            write_guest(out, system, guest++, pd); /* VMMs are in the order of their guests */
        }
    }
    for (const struct channel *channel = plan->channels; channel != NULL; channel = channel->next) {
        write_channel(out, system, channel);
    }
    for (const struct region *region = plan->regions; region != NULL; region = region->next) {
        write_region(out, system, region);
    }
    fputs("}\n", out);
}
