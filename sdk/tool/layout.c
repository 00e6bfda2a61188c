/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include <stdio.h>
#include <stdlib.h>

#define OBJECT_ALIGN  64
#define BIGGEST_SHOWN 4
#define MIB(bytes)    ((double)(bytes) / (1 << 20))

static void find_ram(struct layout *l, const struct kernel_info *info)
{
    uint64_t left = info->min_ram_bytes ? info->min_ram_bytes : UINT64_MAX;
    for (unsigned i = 0; i < 4 && info->ram[i].size_bytes && left; i++) {
        struct image_range *range = &l->ram[l->num_ram++];
        *range = info->ram[i];
        range->size_bytes = range->size_bytes < left ? range->size_bytes : left;
        left -= range->size_bytes;
    }
}

static void add_part(struct layout *l, const char *what, const char *owner, uint64_t base,
                     uint64_t bytes, bool in_image)
{
    if (!bytes) {
        return;
    }
    l->parts = arena_grow(l->arena, l->parts, l->num_parts, sizeof *l->parts);
    l->parts[l->num_parts++] = (struct layout_part){ what, owner, base, bytes, in_image };
}

/* Takes the image's next `bytes` bytes. */
static uint64_t take(struct layout *l, const char *what, const char *owner, uint64_t bytes,
                     uint64_t alignment)
{
    uint64_t base = model_align_up(l->image_end, alignment);
    add_part(l, what, owner, base, bytes, true);
    l->image_end = base + bytes;
    return base;
}

static void place_kernel(struct layout *l, const struct kernel *kernel)
{
    l->image_base = l->image_end = kernel->info.load_paddr;
    for (EACH(segment, &kernel->elf, segments)) {
        uint64_t end = segment->paddr + segment->bytes;
        add_part(l, "kernel", "", segment->paddr, segment->bytes, true);
        l->image_end = end > l->image_end ? end : l->image_end;
    }
}

static void place_objects(struct layout *l, const struct system *s, const struct kernel *kernel,
                          uint64_t tables)
{
    uint64_t threads = s->num_pds + s->num_vcpus;
    l->threads_paddr =
        take(l, "thread descriptions", "", threads * sizeof(struct image_thread), OBJECT_ALIGN);
    l->irqs_paddr = take(l, "interrupts", "", s->num_irqs * sizeof(struct image_irq), OBJECT_ALIGN);
    /* Room for the worst case: no two regions side by side. */
    l->zero_paddr = take(l, "list of RAM to clear", "", s->num_regions * sizeof(struct image_range),
                         OBJECT_ALIGN);
    l->objects_paddr =
        take(l, "kernel objects", "", threads * kernel->info.thread_bytes, OBJECT_ALIGN);
    l->tables_paddr = take(l, "page tables", "", tables * MODEL_PAGE, MODEL_PAGE);
}

static void place_pds(struct layout *l, struct system *s)
{
    for (EACH(pd, s, pds)) {
        pd->ipc_paddr = take(l, "IPC buffer", pd->name, MODEL_PAGE, MODEL_PAGE);
    }
    for (EACH(v, s, vcpus)) {
        v->frame_paddr = take(l, "vCPU frame", s->vms[v->vm].name, MODEL_PAGE, MODEL_PAGE);
    }
    for (EACH(pd, s, pds)) {
        for (EACH(segment, &pd->elf, segments)) {
            segment->paddr = take(l, "program", pd->name, segment->bytes, MODEL_PAGE);
        }
        pd->stack_paddr = take(l, "stack", pd->name, pd->stack_bytes, MODEL_PAGE);
    }
}

/* Small pages first, so that at most one gap arises before the large ones. */
static void place_prefilled(struct layout *l, struct system *s, uint64_t page_size)
{
    for (EACH(r, s, regions)) {
        if (r->prefill && r->page_size == page_size) {
            r->paddr = take(l, "region", r->name, r->size, page_size);
        }
    }
}

static bool image_fits(const struct layout *l, const struct system *s)
{
    uint64_t bytes = l->image_end - l->image_base;
    bool fits = false;
    for (EACH(r, l, ram)) {
        fits |= l->image_base >= r->base_paddr && l->image_end <= r->base_paddr + r->size_bytes;
    }
    refuse_if(s, !fits, 0,
              "memory is exhausted: the image needs %.1f MiB from 0x%lx on, more than the RAM "
              "there; make programs, stacks or prefill files smaller",
              MIB(bytes), l->image_base);
    return check_image(s, l->image_base, bytes);
}

static void free_add(struct layout *l, uint64_t base, uint64_t end)
{
    if (base >= end) {
        return;
    }
    l->free = arena_grow(l->arena, l->free, l->num_free, sizeof *l->free);
    l->free[l->num_free++] = (struct image_range){ base, end - base };
}

/* Takes [base, end) out of the free RAM, wherever it lies. */
static void free_remove(struct layout *l, uint64_t base, uint64_t end)
{
    struct layout before = *l;
    l->free = NULL;
    l->num_free = 0;
    for (EACH(range, &before, free)) {
        uint64_t low = range->base_paddr, high = low + range->size_bytes;
        free_add(l, low, base < high ? base : high);
        free_add(l, end > low ? end : low, high);
    }
}

/* The lowest free place that is large enough. */
static bool free_find(const struct layout *l, uint64_t bytes, uint64_t alignment, uint64_t *paddr)
{
    for (EACH(range, l, free)) {
        uint64_t low = range->base_paddr, high = low + range->size_bytes;
        *paddr = model_align_up(low, alignment);
        if (*paddr <= high && bytes <= high - *paddr) {
            return true;
        }
    }
    return false;
}

/* Largest pages first, then largest regions; equals as in the file. */
static bool is_before(const struct region *x, const struct region *y)
{
    return x->page_size != y->page_size ? x->page_size > y->page_size
           : x->size != y->size         ? x->size > y->size
                                        : x < y;
}

/* The next region to be given a place after `last`; NULL: the first one, and no more. */
static struct region *next_region(const struct system *s, const struct region *last)
{
    struct region *next = NULL;
    for (EACH(r, s, regions)) {
        if (!r->fixed && !r->prefill && (!last || is_before(last, r)) &&
            (!next || is_before(r, next))) {
            next = r;
        }
    }
    return next;
}

static bool refuse_exhausted(const struct system *s, const struct region *missing, uint64_t free)
{
    uint64_t wanted = 0;
    char biggest[512] = "";
    size_t used = 0, shown = 0;
    for (const struct region *r = next_region(s, NULL); r; r = next_region(s, r)) {
        wanted += r->size;
        if (shown++ < BIGGEST_SHOWN) {
            used += (size_t)snprintf(biggest + used, sizeof biggest - used, "%s\"%.63s\" %.1f MiB",
                                     used ? ", " : "", r->name, MIB(r->size));
        }
    }
    refuse_if(s, wanted <= free, missing->line,
              "memory is exhausted: %.1f MiB are free, but in no piece that holds memory_region "
              "\"%s\" (%.1f MiB); use smaller regions or pages",
              MIB(free), missing->name, MIB(missing->size));
    return refuse(
        s, missing->line,
        "memory is exhausted: %.1f MiB are missing (regions want %.1f MiB, %.1f MiB are free) and "
        "memory_region \"%s\" has no room; the biggest regions are %s; make some smaller",
        MIB(wanted - free), MIB(wanted), MIB(free), missing->name, biggest);
}

static bool place_free(struct layout *l, struct system *s)
{
    uint64_t free_bytes = 0;
    for (EACH(range, l, ram)) {
        free_add(l, range->base_paddr, range->base_paddr + range->size_bytes);
    }
    free_remove(l, l->image_base, model_align_up(l->image_end, MODEL_PAGE));
    for (EACH(r, s, regions)) {
        if (r->fixed) {
            free_remove(l, r->paddr, r->paddr + r->size);
        }
    }
    for (EACH(range, l, free)) {
        free_bytes += range->size_bytes;
    }
    for (struct region *r = next_region(s, NULL); r; r = next_region(s, r)) {
        if (!free_find(l, r->size, r->page_size, &r->paddr)) {
            return refuse_exhausted(s, r, free_bytes);
        }
        free_remove(l, r->paddr, r->paddr + r->size);
    }
    for (EACH(r, s, regions)) {
        if (r->in_ram && !r->prefill) {
            add_part(l, "region", r->name, r->paddr, r->size, false);
        }
    }
    return true;
}

static int by_base(const void *a, const void *b)
{
    const struct layout_part *x = a, *y = b;
    return x->base < y->base ? -1 : x->base > y->base;
}

/* RAM regions that the image does not hold are cleared; neighbours as one range. */
static void list_zeroes(struct layout *l)
{
    struct image_range *last = NULL;
    l->zero = arena_alloc(l->arena, (l->num_parts + 1) * sizeof *l->zero);
    for (EACH(part, l, parts)) {
        if (part->in_image) {
            continue;
        }
        if (!last || last->base_paddr + last->size_bytes != part->base) {
            last = &l->zero[l->num_zero++];
            last->base_paddr = part->base;
        }
        last->size_bytes += part->bytes;
    }
}

bool layout_place(struct layout *l, struct system *s, const struct kernel *kernel, uint64_t tables)
{
    *l = (struct layout){ .arena = s->arena };
    find_ram(l, &kernel->info);
    place_kernel(l, kernel);
    place_objects(l, s, kernel, tables);
    place_pds(l, s);
    place_prefilled(l, s, MODEL_PAGE);
    place_prefilled(l, s, MODEL_LARGE_PAGE);
    if (!image_fits(l, s) || !place_free(l, s)) {
        return false;
    }
    qsort(l->parts, l->num_parts, sizeof *l->parts, by_base);
    list_zeroes(l);
    return true;
}
