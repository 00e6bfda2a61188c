/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/plan.h"

#include "compose/limits.h"

#include <assert.h>

struct pd *plan_pd(struct plan *plan, const char *name, const char *program, uint8_t priority)
{
    struct pd *pd = arena_alloc(plan->arena, sizeof(*pd));
    pd->name = name;
    pd->program = program;
    pd->priority = priority;
    pd->next_vaddr = PLAN_FIRST_VADDR;
    APPEND(plan->pds, pd);
    return pd;
}

void plan_budget(struct pd *pd, unsigned budget_us, unsigned period_us)
{
    pd->budget_us = budget_us;
    pd->period_us = period_us;
}

struct vm *plan_vm(struct plan *plan, struct pd *pd, const char *name, unsigned num_vcpus)
{
    struct vm *vm = arena_alloc(plan->arena, sizeof(*vm));
    vm->name = name;
    vm->num_vcpus = num_vcpus;
    pd->vm = vm;
    return vm;
}

struct region *plan_region(struct plan *plan, const char *name, uint64_t bytes, uint64_t page_bytes)
{
    struct region *region = arena_alloc(plan->arena, sizeof(*region));
    region->name = name;
    region->bytes = round_up(bytes, page_bytes);
    region->page_bytes = page_bytes;
    APPEND(plan->regions, region);
    return region;
}

struct region *plan_device(struct plan *plan, const char *name, uint64_t phys_addr, uint64_t bytes)
{
    struct region *region = plan_region(plan, name, bytes, PAGE_BYTES);
    region->is_device = true;
    region->phys_addr = phys_addr;
    return region;
}

/* The end of the image, at most. */
static uint64_t image_end_paddr(const struct plan *plan)
{
    uint64_t end_paddr = BOARD_IMAGE_PADDR + 2 * SYSTEM_RAM_BYTES;
    for (const struct region *region = plan->regions; region != NULL; region = region->next)
        end_paddr += region->prefill != NULL ? region->bytes : 0;
    return end_paddr;
}

uint64_t plan_reserve(struct plan *plan, uint64_t bytes)
{
    uint64_t paddr = round_up(plan->next_paddr, GUEST_PAGE_BYTES);
    if (paddr + bytes > BOARD_IMAGE_PADDR && paddr < image_end_paddr(plan))
        paddr = round_up(image_end_paddr(plan), GUEST_PAGE_BYTES);
    plan->next_paddr = paddr + bytes;
    return paddr;
}

static void add_map(struct plan *plan, struct map **maps, const struct region *region,
                    uint64_t vaddr, const char *perms)
{
    struct map *map = arena_alloc(plan->arena, sizeof(*map));
    *map = (struct map){ .region = region, .vaddr = vaddr, .perms = perms };
    APPEND(*maps, map);
}

void plan_map_at(struct plan *plan, struct pd *pd, const struct region *region, uint64_t vaddr,
                 const char *perms)
{
    add_map(plan, &pd->maps, region, vaddr, perms);
    /* The page after it stays unmapped: running off the end is a fault, not a neighbour's data. */
    pd->next_vaddr = vaddr + region->bytes + PAGE_BYTES;
}

uint64_t plan_map(struct plan *plan, struct pd *pd, const struct region *region, const char *perms)
{
    uint64_t vaddr = round_up(pd->next_vaddr, region->page_bytes);
    plan_map_at(plan, pd, region, vaddr, perms);
    return vaddr;
}

void plan_map_vm(struct plan *plan, struct vm *vm, const struct region *region, uint64_t gpa,
                 const char *perms)
{
    add_map(plan, &vm->maps, region, gpa, perms);
}

static uint8_t new_id(struct pd *pd)
{
    /* Cannot fail: limits.h proves that MAX_GUESTS leaves every PD ids enough. */
    assert(pd->num_ids < MAX_CHANNELS);
    return pd->num_ids++;
}

struct channel *plan_channel(struct plan *plan, struct pd *a, struct pd *b)
{
    struct channel *channel = arena_alloc(plan->arena, sizeof(*channel));
    channel->a = (struct end){ .pd = a, .id = new_id(a) };
    channel->b = (struct end){ .pd = b, .id = new_id(b) };
    APPEND(plan->channels, channel);
    return channel;
}

uint8_t plan_irq(struct plan *plan, struct pd *pd, uint32_t intid, bool is_edge)
{
    struct irq *irq = arena_alloc(plan->arena, sizeof(*irq));
    irq->intid = intid;
    irq->is_edge = is_edge;
    irq->id = new_id(pd);
    APPEND(pd->irqs, irq);
    return irq->id;
}

void *plan_record(struct plan *plan, struct pd *pd, const char *section, size_t bytes)
{
    struct record *record = arena_alloc(plan->arena, sizeof(*record));
    record->section = section;
    record->file = arena_printf(plan->arena, "%s%s.data", pd->name, section);
    record->bytes = arena_alloc(plan->arena, bytes);
    record->size_bytes = bytes;
    APPEND(pd->records, record);
    return record->bytes;
}

uint64_t plan_memory_bytes(const struct plan *plan)
{
    uint64_t bytes = 0;
    for (const struct region *region = plan->regions; region != NULL; region = region->next)
        bytes += region->is_device ? 0 : region->bytes;
    return bytes;
}

void plan_note(struct plan *plan, const char *text)
{
    struct note *note = arena_alloc(plan->arena, sizeof(*note));
    note->text = text;
    APPEND(plan->notes, note);
}
