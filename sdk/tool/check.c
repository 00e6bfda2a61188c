/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/check.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_TOP  (1ul << IMAGE_USER_BITS) /* guest-physical addresses end here */
#define FIRST_PPI  16u                      /* lower INTIDs are software-generated */
#define SPACE_TEXT 128

/* ---- Overlaps -------------------------------------------------------------------------------- */

static int by_base(const void *a, const void *b)
{
    const struct check_span *x = a, *y = b;

    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

bool check_no_overlap(struct check_span *spans, size_t count, const char *space,
                      struct error *error)
{
    if (count)
        qsort(spans, count, sizeof *spans, by_base);
    /* Sorted by base, any two that overlap have two neighbours that do. */
    for (size_t i = 1; i < count; i++) {
        const struct check_span *low = &spans[i - 1], *high = &spans[i];
        if (high->base - low->base >= low->size)
            continue;
        /* Tell it at the line that came later: that one is the likely newcomer. */
        const struct check_span *late = low->line > high->line ? low : high;
        const struct check_span *early = late == low ? high : low;
        return error_at(error, late->line,
                        "%s \"%s\" (0x%" PRIx64 " to 0x%" PRIx64 ") overlaps %s \"%s\" (0x%" PRIx64
                        " to 0x%" PRIx64 ") in %s; move one of them",
                        late->what, late->name, late->base, late->base + late->size - 1,
                        early->what, early->name, early->base, early->base + early->size - 1,
                        space);
    }
    return true;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool refuse_twin(struct error *error, const char *what, const char *name, unsigned long line,
                        unsigned long first)
{
    return error_at(error, line, "%s \"%s\" exists already, in line %lu; give it another name",
                    what, name, first);
}

static bool check_names(const struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_regions; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(s->regions[i].name, s->regions[j].name) == 0)
                return refuse_twin(error, "memory_region", s->regions[i].name, s->regions[i].line,
                                   s->regions[j].line);
    for (unsigned i = 0; i < s->num_pds; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(s->pds[i].name, s->pds[j].name) == 0)
                return refuse_twin(error, "protection_domain", s->pds[i].name, s->pds[i].line,
                                   s->pds[j].line);
    for (unsigned i = 0; i < s->num_vms; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(s->vms[i].name, s->vms[j].name) == 0)
                return refuse_twin(error, "virtual_machine", s->vms[i].name, s->vms[i].line,
                                   s->vms[j].line);
    return true;
}

static bool find_region(const struct system *s, const char *name, unsigned long line,
                        unsigned *index, struct error *error)
{
    for (*index = 0; *index < s->num_regions; ++*index)
        if (strcmp(s->regions[*index].name, name) == 0)
            return true;
    return error_at(error, line, "there is no memory_region \"%s\"; declare it or correct the name",
                    name);
}

static bool find_pd(const struct system *s, const char *name, unsigned long line, unsigned *index,
                    struct error *error)
{
    for (*index = 0; *index < s->num_pds; ++*index)
        if (strcmp(s->pds[*index].name, name) == 0)
            return true;
    return error_at(error, line,
                    "there is no protection_domain \"%s\"; declare it or correct the name", name);
}

static bool resolve_names(struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        struct mapping *m = &s->mappings[i];
        if (!find_region(s, m->region_name, m->line, &m->region, error))
            return false;
    }
    for (unsigned i = 0; i < s->num_setvars; i++) {
        struct setvar *v = &s->setvars[i];
        if (v->kind == SETVAR_PADDR && !find_region(s, v->region_name, v->line, &v->of, error))
            return false;
    }
    for (unsigned i = 0; i < s->num_channels; i++)
        for (unsigned side = 0; side < 2; side++) {
            struct channel_end *end = &s->channels[i].end[side];
            if (!find_pd(s, end->pd_name, end->line, &end->pd, error))
                return false;
        }
    return true;
}

/* ---- Identifiers ----------------------------------------------------------------------------- */

/* Which line has taken each id of one PD; 0: free. */
struct taken {
    unsigned long line[IMAGE_MAX_CHANNEL];
};

static bool take_id(struct taken *taken, uint64_t id, unsigned long line, const char *what,
                    const char *pd, struct error *error)
{
    if (taken->line[id])
        return error_at(error, line,
                        "%s id %" PRIu64 " of protection_domain \"%s\" is taken by line %lu; "
                        "choose another",
                        what, id, pd, taken->line[id]);
    taken->line[id] = line;
    return true;
}

/* Channels and interrupts share the numbers that notified() gets. */
static bool check_channel_ids(const struct system *s, struct error *error)
{
    struct taken *taken = arena_alloc(s->arena, IMAGE_MAX_PDS * sizeof *taken);

    for (unsigned i = 0; i < s->num_irqs; i++) {
        const struct irq *irq = &s->irqs[i];
        if (!take_id(&taken[irq->pd], irq->id, irq->line, "channel", s->pds[irq->pd].name, error))
            return false;
    }
    for (unsigned i = 0; i < s->num_channels; i++)
        for (unsigned side = 0; side < 2; side++) {
            const struct channel_end *end = &s->channels[i].end[side];
            if (!take_id(&taken[end->pd], end->id, end->line, "channel", end->pd_name, error))
                return false;
        }
    return true;
}

/* Child PDs and vCPUs share the numbers that fault() gets. */
static bool check_child_ids(const struct system *s, struct error *error)
{
    struct taken *taken = arena_alloc(s->arena, IMAGE_MAX_PDS * sizeof *taken);

    for (unsigned i = 0; i < s->num_pds; i++) {
        const struct pd *pd = &s->pds[i];
        if (pd->parent != MODEL_NONE &&
            !take_id(&taken[pd->parent], pd->id, pd->line, "child", s->pds[pd->parent].name, error))
            return false;
    }
    for (unsigned i = 0; i < s->num_vcpus; i++) {
        const struct vcpu *vcpu = &s->vcpus[i];
        unsigned pd = s->vms[vcpu->vm].pd;
        if (!take_id(&taken[pd], vcpu->id, vcpu->line, "child", s->pds[pd].name, error))
            return false;
    }
    return true;
}

static bool check_setvars(const struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_setvars; i++)
        for (unsigned j = 0; j < i; j++) {
            const struct setvar *v = &s->setvars[i], *first = &s->setvars[j];
            if (v->pd == first->pd && strcmp(v->symbol, first->symbol) == 0)
                return error_at(error, v->line,
                                "symbol \"%s\" is set already, in line %lu; a symbol has one value",
                                v->symbol, first->line);
        }
    return true;
}

/* ---- Channels -------------------------------------------------------------------------------- */

/* A caller waits for its callee; a callee below it would make it wait for all between them. */
static bool check_call(const struct system *s, const struct channel_end *caller,
                       const struct channel_end *callee, struct error *error)
{
    uint64_t low = s->pds[caller->pd].schedule.priority;
    uint64_t high = s->pds[callee->pd].schedule.priority;

    return !caller->may_call || high > low ||
           error_at(error, caller->line,
                    "\"%s\" (priority %" PRIu64 ") may not call \"%s\" (priority %" PRIu64
                    "); the callee's priority must be higher than the caller's",
                    caller->pd_name, low, callee->pd_name, high);
}

static bool check_channels(const struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_channels; i++) {
        const struct channel_end *a = &s->channels[i].end[0], *b = &s->channels[i].end[1];
        if (a->pd == b->pd)
            return error_at(error, b->line,
                            "the channel joins \"%s\" with itself; name another protection_domain",
                            b->pd_name);
        for (unsigned j = 0; j < i; j++) {
            const struct channel *first = &s->channels[j];
            unsigned c = first->end[0].pd, d = first->end[1].pd;
            bool same = (c == a->pd && d == b->pd) || (c == b->pd && d == a->pd);
            if (same && (first->end[0].id == (c == a->pd ? a->id : b->id)) &&
                (first->end[1].id == (d == b->pd ? b->id : a->id)))
                return error_at(error, s->channels[i].line,
                                "this channel exists already, in line %lu; take one out",
                                first->line);
        }
        if (!check_call(s, a, b, error) || !check_call(s, b, a, error))
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
static bool check_regions(struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_regions; i++) {
        struct region *r = &s->regions[i];
        if (!r->page_size)
            r->page_size = r->size % MODEL_LARGE_PAGE == 0 && r->paddr % MODEL_LARGE_PAGE == 0 &&
                                   all_maps_fit_large_pages(s, i)
                               ? MODEL_LARGE_PAGE
                               : MODEL_PAGE;
        if (r->size == 0 || r->size % r->page_size)
            return error_at(error, r->line,
                            "the size of memory_region \"%s\" is 0x%" PRIx64 "; it must be a "
                            "multiple of the page size, 0x%" PRIx64,
                            r->name, r->size, r->page_size);
        if (r->paddr % r->page_size)
            return error_at(error, r->line,
                            "phys_addr 0x%" PRIx64 " of memory_region \"%s\" is wrong; it must be "
                            "a multiple of the page size, 0x%" PRIx64,
                            r->paddr, r->name, r->page_size);
        if (r->prefill_bytes > r->size)
            return error_at(error, r->line,
                            "the file %s has %zu bytes, memory_region \"%s\" 0x%" PRIx64
                            "; make the region larger or leave its size out",
                            r->prefill_path, r->prefill_bytes, r->name, r->size);
    }
    return true;
}

static bool check_mappings(const struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *r = &s->regions[m->region];
        uint64_t top = m->in_vm ? GUEST_TOP : IMAGE_USER_TOP_VADDR;
        if (m->vaddr % r->page_size)
            return error_at(error, m->line,
                            "vaddr 0x%" PRIx64 " is wrong for memory_region \"%s\"; it must be a "
                            "multiple of the page size, 0x%" PRIx64,
                            m->vaddr, r->name, r->page_size);
        if (m->vaddr > top || r->size > top - m->vaddr)
            return error_at(error, m->line,
                            "memory_region \"%s\" (0x%" PRIx64 " bytes) at vaddr 0x%" PRIx64
                            " goes too far; it must end at or below 0x%" PRIx64,
                            r->name, r->size, m->vaddr, top);
        if (!m->in_vm && (m->perms & PERM_WRITE) && (m->perms & PERM_EXECUTE))
            return error_at(error, m->line,
                            "\"%s\" may not be writable and executable in a protection domain; "
                            "leave w or x out",
                            r->name);
    }
    return true;
}

bool check_system(struct system *s, struct error *error)
{
    if (s->num_pds == 0)
        return error_at(error, 0, "the system has no protection_domain; add one");
    return check_names(s, error) && resolve_names(s, error) && check_channels(s, error) &&
           check_channel_ids(s, error) && check_child_ids(s, error) && check_setvars(s, error) &&
           check_regions(s, error) && check_mappings(s, error);
}

/* ---- With programs and board ----------------------------------------------------------------- */

/* No two things at one address of a PD or VM. */
static bool check_space(const struct system *s, bool is_vm, unsigned owner, struct error *error)
{
    struct check_span *spans =
        arena_alloc(s->arena, (s->num_mappings + ELF_MAX_SEGMENTS + 1) * sizeof *spans);
    const struct pd *pd = is_vm ? NULL : &s->pds[owner];
    char space[SPACE_TEXT];
    size_t count = 0;

    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *r = &s->regions[m->region];
        if (m->in_vm == is_vm && m->owner == owner)
            spans[count++] =
                (struct check_span){ m->vaddr, r->size, m->line, "the map of", r->name };
    }
    for (unsigned i = 0; pd && i < pd->elf.num_segments; i++) {
        const struct elf_segment *segment = &pd->elf.segments[i];
        spans[count++] =
            (struct check_span){ model_segment_base(segment), model_segment_bytes(segment),
                                 pd->program_line, "a page of the program", pd->program_path };
    }
    if (pd)
        spans[count++] = (struct check_span){ pd->ipc_vaddr, MODEL_PAGE, pd->program_line,
                                              "the IPC buffer of", pd->program_path };
    snprintf(space, sizeof space, "%s \"%s\"", is_vm ? "virtual_machine" : "protection_domain",
             is_vm ? s->vms[owner].name : pd->name);
    return check_no_overlap(spans, count, space, error);
}

static bool check_spaces(const struct system *s, struct error *error)
{
    for (unsigned i = 0; i < s->num_pds; i++)
        if (!check_space(s, false, i, error))
            return false;
    for (unsigned i = 0; i < s->num_vms; i++)
        if (!check_space(s, true, i, error))
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

static bool check_irq(const struct system *s, const struct irq *irq, const struct kernel_info *info,
                      struct error *error)
{
    if (irq->intid < FIRST_PPI || irq->intid >= info->num_irqs)
        return error_at(error, irq->line, "irq %" PRIu64 " does not exist; this board has %u to %u",
                        irq->named, FIRST_PPI, info->num_irqs - 1);
    for (unsigned i = 0; i < 8 && info->reserved_irq[i] && irq->intid == irq->named; i++)
        if (irq->intid == info->reserved_irq[i])
            return error_at(error, irq->line,
                            "irq %" PRIu64 " belongs to the kernel; no protection domain may have "
                            "it",
                            irq->named);
    for (const struct irq *first = s->irqs; first < irq; first++)
        if (first->intid == irq->intid)
            return error_at(error, irq->line,
                            "irq %" PRIu64 " belongs to \"%s\" already, in line %lu; one "
                            "protection domain can have it",
                            irq->named, s->pds[first->pd].name, first->line);
    return true;
}

static bool check_irqs(struct system *s, const struct kernel_info *info, struct error *error)
{
    for (unsigned i = 0; i < s->num_irqs; i++) {
        apply_alias(s, &s->irqs[i], info);
        if (!check_irq(s, &s->irqs[i], info, error))
            return false;
    }
    return true;
}

/* Says of a fixed region whether it is RAM; refuses one that is so in part only. */
static bool check_place(struct region *r, const struct kernel_info *info, struct error *error)
{
    for (unsigned i = 0; i < 4 && info->ram[i].size_bytes; i++) {
        uint64_t base = info->ram[i].base_paddr, end = base + info->ram[i].size_bytes;
        if (r->paddr >= end || r->paddr + r->size <= base)
            continue;
        if (r->paddr < base || r->paddr + r->size > end)
            return error_at(error, r->line,
                            "memory_region \"%s\" lies in RAM in part only (RAM is 0x%" PRIx64
                            " to 0x%" PRIx64 "); move or split it",
                            r->name, base, end - 1);
        r->in_ram = true;
    }
    return true;
}

/* Fixed regions among themselves and against what the kernel drives itself. */
static bool check_fixed(struct system *s, const struct kernel_info *info, struct error *error)
{
    struct check_span *spans = arena_alloc(s->arena, (s->num_regions + 8) * sizeof *spans);
    size_t count = 0;

    for (unsigned i = 0; i < s->num_regions; i++) {
        struct region *r = &s->regions[i];
        r->in_ram = !r->fixed;
        if (!r->fixed)
            continue;
        if (!check_place(r, info, error))
            return false;
        spans[count++] =
            (struct check_span){ r->paddr, r->size, r->line, "memory_region", r->name };
    }
    for (unsigned i = 0; i < 8 && info->device[i].size_bytes; i++)
        spans[count++] =
            (struct check_span){ info->device[i].base_paddr, info->device[i].size_bytes, 0,
                                 "a device of", "the kernel" };
    return check_no_overlap(spans, count, "physical memory", error);
}

bool check_loaded(struct system *s, const struct kernel *kernel, struct error *error)
{
    return check_spaces(s, error) && check_irqs(s, &kernel->info, error) &&
           check_fixed(s, &kernel->info, error);
}
