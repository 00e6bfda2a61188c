/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_TOP  (1ul << IMAGE_USER_BITS) /* guest-physical addresses end here */
#define PADDR_TOP  (1ul << 48)
#define FIRST_PPI  16u /* lower INTIDs are software-generated */
#define SPACE_TEXT 128

/* ---- Overlaps -------------------------------------------------------------------------------- */

struct check_span {
    uint64_t base, size;
    unsigned long line;
    const char *what, *name;
};

static int by_base(const void *a, const void *b)
{
    const struct check_span *x = a, *y = b;

    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

void check_add_span(struct check_spans *list, uint64_t base, uint64_t size, unsigned long line,
                    const char *what, const char *name)
{
    list->spans =
        arena_grow(list->system->arena, list->spans, list->num_spans, sizeof *list->spans);
    list->spans[list->num_spans++] = (struct check_span){ base, size, line, what, name };
}

void check_add_fixed(struct check_spans *list)
{
    for (unsigned i = 0; i < list->system->num_regions; i++) {
        const struct region *r = &list->system->regions[i];
        if (r->fixed)
            check_add_span(list, r->paddr, r->size, r->line, "memory_region", r->name);
    }
}

bool check_no_overlap(struct check_spans *list, const char *space)
{
    if (list->num_spans)
        qsort(list->spans, list->num_spans, sizeof *list->spans, by_base);
    /* Sorted by base, any two that overlap have two neighbours that do. */
    for (unsigned i = 1; i < list->num_spans; i++) {
        const struct check_span *low = &list->spans[i - 1], *high = &list->spans[i];
        if (high->base - low->base >= low->size)
            continue;
        /* Tell it at the line that came later: that one is the likely newcomer. */
        const struct check_span *late = low->line > high->line ? low : high;
        const struct check_span *early = late == low ? high : low;
        return error_at(list->system->error, late->line,
                        "%s \"%s\" (0x%lx to 0x%lx) overlaps %s \"%s\" (0x%lx to 0x%lx) in %s; "
                        "move one of them",
                        late->what, late->name, late->base, late->base + late->size - 1,
                        early->what, early->name, early->base, early->base + early->size - 1,
                        space);
    }
    return true;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool find(const struct system *s, enum name_kind kind, const char *text, unsigned long line,
                 unsigned *index)
{
    const struct name *name = model_find(s, kind, text);

    if (!name)
        return error_at(s->error, line, "there is no %s \"%s\"; declare it or correct the name",
                        model_kinds[kind], text);
    *index = name->index;
    return true;
}

static bool resolve_names(struct system *s)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        struct mapping *m = &s->mappings[i];
        if (!find(s, NAME_REGION, m->region_name, m->line, &m->region))
            return false;
    }
    for (unsigned i = 0; i < s->num_setvars; i++) {
        struct setvar *v = &s->setvars[i];
        if (v->region_name && !find(s, NAME_REGION, v->region_name, v->line, &v->of))
            return false;
    }
    for (unsigned i = 0; i < s->num_channels; i++)
        for (unsigned side = 0; side < 2; side++) {
            struct channel_end *end = &s->channels[i].end[side];
            if (!find(s, NAME_PD, end->pd_name, end->line, &end->pd))
                return false;
        }
    return true;
}

/* ---- Identifiers ----------------------------------------------------------------------------- */

/* The lines that have taken the ids of each PD; 0: free. */
typedef unsigned long taken_ids[IMAGE_MAX_PDS][IMAGE_MAX_CHANNEL];

static bool take_id(const struct system *s, taken_ids taken, unsigned pd, uint64_t id,
                    unsigned long line, const char *what)
{
    if (taken[pd][id])
        return error_at(
            s->error, line,
            "%s id %lu of protection_domain \"%s\" is taken by line %lu; choose another", what, id,
            s->pds[pd].name, taken[pd][id]);
    taken[pd][id] = line;
    return true;
}

static bool check_ids(const struct system *s)
{
    taken_ids channels = { 0 }; /* and interrupts: the numbers that notified() gets */
    taken_ids children = { 0 }; /* and vCPUs: the numbers that fault() gets */

    for (unsigned i = 0; i < s->num_irqs; i++)
        if (!take_id(s, channels, s->irqs[i].pd, s->irqs[i].id, s->irqs[i].line, "channel"))
            return false;
    for (unsigned i = 0; i < s->num_channels; i++)
        for (unsigned side = 0; side < 2; side++) {
            const struct channel_end *end = &s->channels[i].end[side];
            if (!take_id(s, channels, end->pd, end->id, end->line, "channel"))
                return false;
        }
    for (unsigned i = 0; i < s->num_pds; i++) {
        const struct pd *pd = &s->pds[i];
        if (pd->parent != MODEL_NONE &&
            !take_id(s, children, pd->parent, pd->id, pd->line, "child"))
            return false;
    }
    for (unsigned i = 0; i < s->num_vcpus; i++) {
        const struct vcpu *vcpu = &s->vcpus[i];
        if (!take_id(s, children, s->vms[vcpu->vm].pd, vcpu->id, vcpu->line, "child"))
            return false;
    }
    return true;
}

static bool check_setvars(const struct system *s)
{
    for (unsigned i = 0; i < s->num_setvars; i++)
        for (unsigned j = 0; j < i; j++) {
            const struct setvar *v = &s->setvars[i], *first = &s->setvars[j];
            if (v->pd == first->pd && strcmp(v->symbol, first->symbol) == 0)
                return error_at(s->error, v->line,
                                "symbol \"%s\" is set already, in line %lu; a symbol has one value",
                                v->symbol, first->line);
        }
    return true;
}

/* ---- Channels -------------------------------------------------------------------------------- */

/* A caller waits for its callee; a callee below it would make it wait for all between them. */
static bool check_call(const struct system *s, const struct channel_end *caller,
                       const struct channel_end *callee)
{
    uint64_t low = s->pds[caller->pd].schedule.priority;
    uint64_t high = s->pds[callee->pd].schedule.priority;

    return !caller->may_call || high > low ||
           error_at(s->error, caller->line,
                    "\"%s\" (priority %lu) may not call \"%s\" (priority %lu); the callee's "
                    "priority must be higher than the caller's",
                    caller->pd_name, low, callee->pd_name, high);
}

static bool check_channels(const struct system *s)
{
    for (unsigned i = 0; i < s->num_channels; i++) {
        const struct channel_end *a = &s->channels[i].end[0], *b = &s->channels[i].end[1];
        if (a->pd == b->pd)
            return error_at(s->error, b->line,
                            "the channel joins \"%s\" with itself; name another protection_domain",
                            b->pd_name);
        if (!check_call(s, a, b) || !check_call(s, b, a))
            return false;
    }
    return true;
}

/* ---- Regions and mappings -------------------------------------------------------------------- */

static bool all_maps_fit_large_pages(const struct system *s, unsigned region)
{
    for (unsigned i = 0; i < s->num_mappings; i++)
        if (s->mappings[i].region == region && s->mappings[i].vaddr % MODEL_LARGE_PAGE)
            return false;
    return true;
}

/* A page size that is not given is the largest that the region and its mappings allow. */
static bool check_regions(struct system *s)
{
    for (unsigned i = 0; i < s->num_regions; i++) {
        struct region *r = &s->regions[i];
        if (!r->page_size)
            r->page_size = r->size % MODEL_LARGE_PAGE == 0 && r->paddr % MODEL_LARGE_PAGE == 0 &&
                                   all_maps_fit_large_pages(s, i)
                               ? MODEL_LARGE_PAGE
                               : MODEL_PAGE;
        if (r->size == 0 || r->size % r->page_size)
            return error_at(s->error, r->line,
                            "the size of memory_region \"%s\" is 0x%lx; it must be a multiple of "
                            "the page size, 0x%lx",
                            r->name, r->size, r->page_size);
        if (r->paddr % r->page_size || r->paddr + r->size > PADDR_TOP)
            return error_at(s->error, r->line,
                            "phys_addr 0x%lx of memory_region \"%s\" is wrong; it must be a "
                            "multiple of the page size, 0x%lx, and end below 2^48",
                            r->paddr, r->name, r->page_size);
        if (r->prefill_bytes > r->size)
            return error_at(s->error, r->line,
                            "the file %s has %zu bytes, memory_region \"%s\" 0x%lx; make the "
                            "region larger or leave its size out",
                            r->prefill_path, r->prefill_bytes, r->name, r->size);
    }
    return true;
}

static bool check_mappings(const struct system *s)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *r = &s->regions[m->region];
        uint64_t top = m->in_vm ? GUEST_TOP : IMAGE_USER_TOP_VADDR;
        if (m->vaddr % r->page_size)
            return error_at(s->error, m->line,
                            "vaddr 0x%lx is wrong for memory_region \"%s\"; it must be a multiple "
                            "of the page size, 0x%lx",
                            m->vaddr, r->name, r->page_size);
        if (m->vaddr > top || r->size > top - m->vaddr)
            return error_at(s->error, m->line,
                            "memory_region \"%s\" (0x%lx bytes) at vaddr 0x%lx goes too far; it "
                            "must end at or below 0x%lx",
                            r->name, r->size, m->vaddr, top);
        if (!m->in_vm && (m->perms & PERM_WRITE) && (m->perms & PERM_EXECUTE))
            return error_at(s->error, m->line,
                            "\"%s\" may not be writable and executable in a protection domain; "
                            "leave w or x out",
                            r->name);
    }
    return true;
}

/* Nothing lacks a part that it must have. */
static bool check_parts(const struct system *s)
{
    uint64_t has_vcpu = 0; /* bit n: VM n, of which there are no more than PDs */

    if (s->num_pds == 0)
        return error_at(s->error, 0, "the system has no protection_domain; add one");
    for (unsigned i = 0; i < s->num_pds; i++)
        if (!s->pds[i].program_path)
            return error_at(
                s->error, s->pds[i].line,
                "protection_domain \"%s\" has no program; add <program_image path=\"...\" />",
                s->pds[i].name);
    for (unsigned i = 0; i < s->num_vcpus; i++)
        has_vcpu |= 1ul << s->vcpus[i].vm;
    for (unsigned i = 0; i < s->num_vms; i++)
        if (!(has_vcpu >> i & 1))
            return error_at(s->error, s->vms[i].line,
                            "virtual_machine \"%s\" has no vcpu; add <vcpu id=\"0\" />",
                            s->vms[i].name);
    for (unsigned i = 0; i < s->num_channels; i++)
        if (s->channels[i].num_ends < 2)
            return error_at(
                s->error, s->channels[i].line,
                "the channel has fewer than two ends; add <end pd=\"...\" id=\"...\" />");
    return true;
}

bool check_system(struct system *s)
{
    return check_parts(s) && resolve_names(s) && check_channels(s) && check_ids(s) &&
           check_setvars(s) && check_regions(s) && check_mappings(s);
}

/* ---- With programs and board ----------------------------------------------------------------- */

/* No two things at one address of a PD or VM. */
static bool check_space(const struct system *s, bool is_vm, unsigned owner)
{
    const struct pd *pd = is_vm ? NULL : &s->pds[owner];
    struct check_spans list = { .system = s };
    char space[SPACE_TEXT];

    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *r = &s->regions[m->region];
        if (m->in_vm == is_vm && m->owner == owner)
            check_add_span(&list, m->vaddr, r->size, m->line, "the map of", r->name);
    }
    for (unsigned i = 0; pd && i < pd->elf.num_segments; i++)
        check_add_span(&list, model_segment_base(&pd->elf.segments[i]),
                       model_segment_bytes(&pd->elf.segments[i]), pd->program_line,
                       "a page of the program", pd->program_path);
    if (pd)
        check_add_span(&list, pd->ipc_vaddr, MODEL_PAGE, pd->program_line, "the IPC buffer of",
                       pd->program_path);
    snprintf(space, sizeof space, "%s \"%s\"", model_kinds[is_vm ? NAME_VM : NAME_PD],
             is_vm ? s->vms[owner].name : pd->name);
    return check_no_overlap(&list, space);
}

static bool check_spaces(const struct system *s)
{
    for (unsigned i = 0; i < s->num_pds; i++)
        if (!check_space(s, false, i))
            return false;
    for (unsigned i = 0; i < s->num_vms; i++)
        if (!check_space(s, true, i))
            return false;
    return true;
}

/* Gives the interrupt its INTID, and its PD the timer if that is what the number means. */
static void apply_alias(struct system *s, struct irq *irq, const struct kernel_info *info)
{
    irq->intid = irq->named;
    for (unsigned i = 0; i < 4 && info->irq_alias[i].named; i++)
        if (irq->named == info->irq_alias[i].named) {
            irq->intid = info->irq_alias[i].intid;
            s->pds[irq->pd].owns_ptimer = true;
        }
}

static bool check_irq(const struct system *s, const struct irq *irq, const struct kernel_info *info)
{
    if (irq->intid < FIRST_PPI || irq->intid >= info->num_irqs)
        return error_at(s->error, irq->line, "irq %lu does not exist; this board has %u to %u",
                        irq->named, FIRST_PPI, info->num_irqs - 1);
    for (unsigned i = 0; i < 8 && info->reserved_irq[i] && irq->intid == irq->named; i++)
        if (irq->intid == info->reserved_irq[i])
            return error_at(s->error, irq->line,
                            "irq %lu belongs to the kernel; no protection domain may have it",
                            irq->named);
    for (const struct irq *first = s->irqs; first < irq; first++)
        if (first->intid == irq->intid)
            return error_at(
                s->error, irq->line,
                "irq %lu belongs to \"%s\" already, in line %lu; one protection domain can have it",
                irq->named, s->pds[first->pd].name, first->line);
    return true;
}

static bool check_irqs(struct system *s, const struct kernel_info *info)
{
    for (unsigned i = 0; i < s->num_irqs; i++) {
        apply_alias(s, &s->irqs[i], info);
        if (!check_irq(s, &s->irqs[i], info))
            return false;
    }
    return true;
}

/* Says of a region whether it is RAM; refuses a fixed one that is so in part only. */
static bool check_place(const struct system *s, struct region *r, const struct kernel_info *info)
{
    r->in_ram = !r->fixed;
    for (unsigned i = 0; r->fixed && i < 4 && info->ram[i].size_bytes; i++) {
        uint64_t base = info->ram[i].base_paddr, end = base + info->ram[i].size_bytes;
        if (r->paddr >= end || r->paddr + r->size <= base)
            continue;
        if (r->paddr < base || r->paddr + r->size > end)
            return error_at(s->error, r->line,
                            "memory_region \"%s\" lies in RAM in part only (RAM is 0x%lx to "
                            "0x%lx); move or split it",
                            r->name, base, end - 1);
        r->in_ram = true;
    }
    return true;
}

/* Fixed regions among themselves and against what the kernel drives itself. */
static bool check_fixed(struct system *s, const struct kernel_info *info)
{
    struct check_spans list = { .system = s };

    for (unsigned i = 0; i < s->num_regions; i++)
        if (!check_place(s, &s->regions[i], info))
            return false;
    check_add_fixed(&list);
    for (unsigned i = 0; i < 8 && info->device[i].size_bytes; i++)
        check_add_span(&list, info->device[i].base_paddr, info->device[i].size_bytes, 0,
                       "a device of", "the kernel");
    return check_no_overlap(&list, "physical memory");
}

bool check_loaded(struct system *s, const struct kernel *kernel)
{
    return check_spaces(s) && check_irqs(s, &kernel->info) && check_fixed(s, &kernel->info);
}
