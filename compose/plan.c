/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/plan.h"

#include "compose/device_tree.h"
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

/* Those with small pages come first, so that the large ones begin at a multiple of theirs. */
static uint64_t image_end(const struct plan *plan, unsigned num_vmms, unsigned num_others,
                          uint64_t more_bytes)
{
    uint64_t small = more_bytes + IMAGE_KERNEL_BYTES + num_vmms * IMAGE_VMM_BYTES +
                     num_others * IMAGE_PD_BYTES + (plan->ram_bytes >> 30) * IMAGE_BYTES_PER_GIB;
    uint64_t large = 0;
    for (const struct region *region = plan->regions; region != NULL; region = region->next) {
        uint64_t bytes = region->prefill != NULL ? region->bytes : 0;
        small += region->page_bytes == PAGE_BYTES ? bytes : 0;
        large += region->page_bytes == PAGE_BYTES ? 0 : bytes;
    }
    return BOARD_IMAGE_PADDR + (large == 0 ? small : round_up(small, GUEST_PAGE_BYTES) + large);
}

uint64_t plan_image_end(const struct plan *plan)
{
    unsigned num_vmms = 0, num_others = 0;
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        num_vmms += pd->vm != NULL;
        num_others += pd->vm == NULL;
    }
    return image_end(plan, num_vmms, num_others, 0);
}

/* The same before all PDs and device trees are planned. */
static uint64_t image_end_at_most(const struct plan *plan)
{
    return image_end(plan, plan->num_guests, MAX_PDS - plan->num_guests,
                     plan->num_guests * DEVICE_TREE_MAX_BYTES);
}

/* Below the image as long as there is room, then above. */
uint64_t plan_reserve(struct plan *plan, uint64_t bytes)
{
    if (plan->next_high_paddr == 0) {
        plan->next_high_paddr = image_end_at_most(plan);
    }
    bool is_low = plan->next_paddr < BOARD_IMAGE_PADDR &&
                  round_up(plan->next_paddr, GUEST_PAGE_BYTES) + bytes <= BOARD_IMAGE_PADDR;
    uint64_t *next = is_low ? &plan->next_paddr : &plan->next_high_paddr;
    uint64_t paddr = round_up(*next, GUEST_PAGE_BYTES);
    *next = paddr + bytes;
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

void plan_note(struct plan *plan, const char *text)
{
    struct note *note = arena_alloc(plan->arena, sizeof(*note));
    note->text = text;
    APPEND(plan->notes, note);
}
