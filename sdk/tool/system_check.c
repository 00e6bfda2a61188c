/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold between the parts of a system. The first mistake is kept, so checks go on after
 * one wherever that does no harm. */
#include "sdk/tool/build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_TOP  (1ul << IMAGE_USER_BITS) /* guest-physical addresses end here */
#define PADDR_TOP  (1ul << 48)
#define FIRST_PPI  16u /* lower INTIDs are software-generated */
#define SPACE_TEXT 128

/* A stretch of an address space and what lies there: `what` ("the map of") goes before the name;
 * line 0 is not from the system file. */
struct span {
    uint64_t base, size;
    unsigned long line;
    const char *what, *name;
};

struct spans {
    struct span *spans;
    unsigned num_spans;
};

static int by_base(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->base != y->base) {
        return x->base < y->base ? -1 : 1;
    }
    return x->line < y->line ? -1 : x->line > y->line;
}

static void add_span(const struct system *s, struct spans *list, struct span span)
{
    list->spans = arena_grow(s->arena, list->spans, list->num_spans, sizeof span);
    list->spans[list->num_spans++] = span;
}

/* Refuses two spans that overlap; `space` says of which address space they are. */
static void check_no_overlap(const struct system *s, struct spans *list, const char *space)
{
    if (list->num_spans) {
        qsort(list->spans, list->num_spans, sizeof *list->spans, by_base);
    }
    /* Sorted by base, any two that overlap have two neighbours that do. */
    for (unsigned i = 1; i < list->num_spans; i++) {
        const struct span *low = &list->spans[i - 1], *high = &list->spans[i];
        /* Tell it at the line that came later: that one is the likely newcomer. */
        const struct span *late = low->line > high->line ? low : high;
        const struct span *early = late == low ? high : low;
        refuse_if(s, high->base - low->base < low->size, late->line,
                  "%s \"%s\" (0x%lx to 0x%lx) overlaps %s \"%s\" (0x%lx to 0x%lx) in %s; move one "
                  "of them",
                  late->what, late->name, late->base, late->base + late->size - 1, early->what,
                  early->name, early->base, early->base + early->size - 1, space);
    }
}

/* Fixed regions among themselves and with what else has a fixed place in physical memory. */
static bool check_physical(const struct system *s, struct spans *list)
{
    for (EACH(r, s, regions)) {
        if (r->fixed) {
            add_span(s, list,
                     (struct span){ r->paddr, r->size, r->line, "memory_region", r->name });
        }
    }
    check_no_overlap(s, list, "physical memory");
    return model_good(s);
}

bool check_image(const struct system *s, uint64_t base, uint64_t bytes)
{
    struct spans list = { 0 };
    add_span(s, &list, (struct span){ base, bytes, 0, "the place of", "the image" });
    return check_physical(s, &list);
}

static void find(const struct system *s, enum name_kind kind, const char *text, unsigned long line,
                 unsigned *index)
{
    const struct name *name = model_find(s, kind, text);
    if (name) {
        *index = name->index;
    } else {
        refuse(s, line, "there is no %s \"%s\"; declare it or correct the name", model_kinds[kind],
               text);
    }
}

static bool resolve_names(struct system *s)
{
    for (EACH(m, s, mappings)) {
        find(s, NAME_REGION, m->region_name, m->line, &m->region);
    }
    for (EACH(v, s, setvars)) {
        if (v->kind == SETVAR_PADDR) {
            find(s, NAME_REGION, v->region_name, v->line, &v->of);
        }
    }
    for (EACH(end, s, ends)) {
        find(s, NAME_PD, end->pd_name, end->line, &end->pd);
    }
    return model_good(s);
}

/* The lines that have taken the ids of each PD; 0: free. */
typedef unsigned long taken_ids[IMAGE_MAX_PDS][IMAGE_MAX_CHANNEL];

static void take_id(const struct system *s, taken_ids taken, unsigned pd, uint64_t id,
                    unsigned long line, const char *what)
{
    refuse_if(s, taken[pd][id], line,
              "%s id %lu of protection_domain \"%s\" is taken by line %lu; choose another", what,
              id, s->pds[pd].name, taken[pd][id]);
    taken[pd][id] = line;
}

static void check_ids(const struct system *s)
{
    taken_ids channels = { 0 }; /* and interrupts: the numbers that notified() gets */
    taken_ids children = { 0 }; /* and vCPUs: the numbers that fault() gets */
    for (EACH(irq, s, irqs)) {
        take_id(s, channels, irq->pd, irq->id, irq->line, "channel");
    }
    for (EACH(end, s, ends)) {
        take_id(s, channels, end->pd, end->id, end->line, "channel");
    }
    for (EACH(pd, s, pds)) {
        if (pd->parent != MODEL_NONE) {
            take_id(s, children, pd->parent, pd->id, pd->line, "child");
        }
    }
    for (EACH(vcpu, s, vcpus)) {
        take_id(s, children, s->vms[vcpu->vm].pd, vcpu->id, vcpu->line, "child");
    }
}

static void check_setvars(const struct system *s)
{
    for (EACH(v, s, setvars)) {
        for (const struct setvar *first = s->setvars; first < v; first++) {
            refuse_if(s, v->pd == first->pd && strcmp(v->symbol, first->symbol) == 0, v->line,
                      "symbol \"%s\" is set already, in line %lu; a symbol has one value",
                      v->symbol, first->line);
        }
    }
}

static void check_channels(const struct system *s)
{
    for (EACH(end, s, ends)) {
        const struct channel_end *peer = model_peer(s, end);
        uint64_t low = s->pds[end->pd].schedule.priority;
        uint64_t high = s->pds[peer->pd].schedule.priority;
        refuse_if(s, end->pd == peer->pd, end > peer ? end->line : peer->line,
                  "the channel joins \"%s\" with itself; name another protection_domain",
                  end->pd_name);
        /* A caller waits for its callee; one below it would make it wait for all between them. */
        refuse_if(s, end->may_call && high <= low, end->line,
                  "\"%s\" (priority %lu) may not call \"%s\" (priority %lu); the callee's priority "
                  "must be higher than the caller's",
                  end->pd_name, low, peer->pd_name, high);
    }
}

static bool fits_large_pages(const struct system *s, const struct region *r)
{
    bool fits = r->size % MODEL_LARGE_PAGE == 0 && r->paddr % MODEL_LARGE_PAGE == 0;
    for (EACH(m, s, mappings)) {
        fits &= &s->regions[m->region] != r || m->vaddr % MODEL_LARGE_PAGE == 0;
    }
    return fits;
}

/* A page size that is not given is the largest that the region and its mappings allow. */
static void check_regions(struct system *s)
{
    for (EACH(r, s, regions)) {
        if (!r->page_size) {
            r->page_size = fits_large_pages(s, r) ? MODEL_LARGE_PAGE : MODEL_PAGE;
        }
        refuse_if(s, r->size == 0 || r->size % r->page_size, r->line,
                  "the size of memory_region \"%s\" is 0x%lx; it must be a multiple of the page "
                  "size, 0x%lx",
                  r->name, r->size, r->page_size);
        refuse_if(s, r->paddr % r->page_size || r->paddr + r->size > PADDR_TOP, r->line,
                  "phys_addr 0x%lx of memory_region \"%s\" is wrong; it must be a multiple of the "
                  "page size, 0x%lx, and end below 2^48",
                  r->paddr, r->name, r->page_size);
        refuse_if(s, r->prefill_bytes > r->size, r->line,
                  "the file %s has %zu bytes, memory_region \"%s\" 0x%lx; make the region larger "
                  "or leave its size out",
                  r->prefill_path, r->prefill_bytes, r->name, r->size);
    }
}

static void check_mappings(const struct system *s)
{
    for (EACH(m, s, mappings)) {
        const struct region *r = &s->regions[m->region];
        uint64_t top = m->in_vm ? GUEST_TOP : IMAGE_USER_TOP_VADDR;
        refuse_if(s, m->vaddr % r->page_size, m->line,
                  "vaddr 0x%lx is wrong for memory_region \"%s\"; it must be a multiple of the "
                  "page size, 0x%lx",
                  m->vaddr, r->name, r->page_size);
        refuse_if(s, m->vaddr > top || r->size > top - m->vaddr, m->line,
                  "memory_region \"%s\" (0x%lx bytes) at vaddr 0x%lx goes too far; it must end at "
                  "or below 0x%lx",
                  r->name, r->size, m->vaddr, top);
        refuse_if(
            s, !m->in_vm && (m->perms & PERM_WRITE) && (m->perms & PERM_EXECUTE), m->line,
            "\"%s\" may not be writable and executable in a protection domain; leave w or x out",
            r->name);
    }
}

/* Nothing lacks a part that it must have. */
static bool check_parts(const struct system *s)
{
    uint64_t has_vcpu = 0; /* bit n: VM n, of which there are no more than PDs */
    refuse_if(s, s->num_pds == 0, 0, "the system has no protection_domain; add one");
    for (EACH(pd, s, pds)) {
        refuse_if(s, !pd->program_path, pd->line,
                  "protection_domain \"%s\" has no program; add <program_image path=\"...\" />",
                  pd->name);
    }
    for (EACH(vcpu, s, vcpus)) {
        has_vcpu |= 1ul << vcpu->vm;
    }
    for (EACH(vm, s, vms)) {
        refuse_if(s, !(has_vcpu >> (vm - s->vms) & 1), vm->line,
                  "virtual_machine \"%s\" has no vcpu; add <vcpu id=\"0\" />", vm->name);
    }
    for (EACH(channel, s, channels)) {
        refuse_if(s, channel->num_ends < 2, channel->line,
                  "the channel has fewer than two ends; add <end pd=\"...\" id=\"...\" />");
    }
    return model_good(s);
}

bool check_system(struct system *s)
{
    if (!check_parts(s) || !resolve_names(s)) {
        return false;
    }
    check_channels(s);
    check_ids(s);
    check_setvars(s);
    check_regions(s);
    check_mappings(s);
    return model_good(s);
}

/* No two things at one address of a PD or VM. */
static void check_space(const struct system *s, const struct pd *pd, bool is_vm)
{
    unsigned owner = is_vm ? pd->vm : (unsigned)(pd - s->pds);
    struct spans list = { 0 };
    char space[SPACE_TEXT];
    for (EACH(m, s, mappings)) {
        const struct region *r = &s->regions[m->region];
        if (m->in_vm == is_vm && m->owner == owner) {
            add_span(s, &list, (struct span){ m->vaddr, r->size, m->line, "the map of", r->name });
        }
    }
    for (unsigned i = 0; !is_vm && i < pd->elf.num_segments; i++) {
        const struct elf_segment *segment = &pd->elf.segments[i];
        add_span(s, &list,
                 (struct span){ segment->base, segment->bytes, pd->program_line,
                                "a page of the program", pd->program_path });
    }
    if (!is_vm) {
        add_span(s, &list,
                 (struct span){ pd->ipc_vaddr, MODEL_PAGE, pd->program_line, "the IPC buffer of",
                                pd->program_path });
    }
    snprintf(space, sizeof space, "%s \"%s\"", model_kinds[is_vm ? NAME_VM : NAME_PD],
             is_vm ? s->vms[owner].name : pd->name);
    check_no_overlap(s, &list, space);
}

/* Gives the interrupt its INTID, and its PD the timer if that is what the number means. */
static void check_irq(struct system *s, struct irq *irq, const struct kernel_info *info)
{
    irq->intid = irq->named;
    for (unsigned i = 0; i < 8 && info->reserved_irq[i]; i++) {
        refuse_if(s, irq->named == info->reserved_irq[i], irq->line,
                  "irq %lu belongs to the kernel; no protection domain may have it", irq->named);
    }
    for (unsigned i = 0; i < 4 && info->irq_alias[i].named; i++) {
        if (irq->named == info->irq_alias[i].named) {
            irq->intid = info->irq_alias[i].intid;
            s->pds[irq->pd].owns_ptimer = true;
        }
    }
    refuse_if(s, irq->intid < FIRST_PPI || irq->intid >= info->num_irqs, irq->line,
              "irq %lu does not exist; this board has %u to %u", irq->named, FIRST_PPI,
              info->num_irqs - 1);
    for (const struct irq *first = s->irqs; first < irq; first++) {
        refuse_if(
            s, first->intid == irq->intid, irq->line,
            "irq %lu belongs to \"%s\" already, in line %lu; one protection domain can have it",
            irq->named, s->pds[first->pd].name, first->line);
    }
}

/* Says of a region whether it is RAM; refuses a fixed one that is so in part only. */
static void check_place(const struct system *s, struct region *r, const struct kernel_info *info)
{
    r->in_ram = !r->fixed;
    for (unsigned i = 0; r->fixed && i < 4 && info->ram[i].size_bytes; i++) {
        uint64_t base = info->ram[i].base_paddr, end = base + info->ram[i].size_bytes;
        if (r->paddr >= end || r->paddr + r->size <= base) {
            continue;
        }
        r->in_ram = true;
        refuse_if(s, r->paddr < base || r->paddr + r->size > end, r->line,
                  "memory_region \"%s\" lies in RAM in part only (RAM is 0x%lx to 0x%lx); move or "
                  "split it",
                  r->name, base, end - 1);
    }
}

bool check_loaded(struct system *s, const struct kernel *kernel)
{
    const struct kernel_info *info = &kernel->info;
    struct spans devices = { 0 };
    for (EACH(pd, s, pds)) {
        check_space(s, pd, false);
    }
    for (EACH(vm, s, vms)) {
        check_space(s, &s->pds[vm->pd], true);
    }
    for (EACH(irq, s, irqs)) {
        check_irq(s, irq, info);
    }
    for (EACH(r, s, regions)) {
        check_place(s, r, info);
    }
    for (unsigned i = 0; i < 8 && info->device[i].size_bytes; i++) {
        add_span(s, &devices,
                 (struct span){ info->device[i].base_paddr, info->device[i].size_bytes, 0,
                                "a device of", "the kernel" });
    }
    return check_physical(s, &devices);
}
