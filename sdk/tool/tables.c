/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 translation tables with 4 KiB pages, levels 1 to 3 (Arm Architecture Reference Manual
 * DDI 0487, D8.3 "Translation table descriptor formats"). With HCR_EL2.E2H = 1 the stage 1
 * descriptors of EL2 are those of the EL1&0 regime.
 */
#include "sdk/tool/tables.h"

#define ENTRIES    512u
#define LEVEL_BITS 9
#define LEAF_LEVEL 3
#define ADDRESS    0x0000fffffffff000ul
#define GIB        0x40000000ul

/* Both stages. */
#define VALID    (1ul << 0)
#define TABLE    (3ul << 0) /* at levels 1 and 2; at level 3 the same bits are a page */
#define PAGE     (3ul << 0)
#define BLOCK    (1ul << 0)
#define SH_INNER (3ul << 8)
#define AF       (1ul << 10)
#define XN       (1ul << 54) /* stage 1: UXN; stage 2: XN[1], neither EL0 nor EL1 may execute */

/* Stage 1. */
#define ATTRIBUTE(index) ((uint64_t)(index) << 2)
#define AP_USER          (1ul << 6)
#define AP_READONLY      (1ul << 7)
#define NOT_GLOBAL       (1ul << 11)
#define PXN              (1ul << 53)

/* Stage 2. */
#define S2_DEVICE  (0x1ul << 2) /* Device-nGnRE */
#define S2_NORMAL  (0xful << 2) /* Normal, write-back inside and outside */
#define S2AP_READ  (1ul << 6)
#define S2AP_WRITE (2ul << 6)

/* A mapping to be made. */
struct request {
    uint64_t vaddr, paddr, bytes;
    uint64_t attributes;
    uint64_t largest; /* page or block */
};

static uint64_t *page_at(const struct tables *t, uint64_t paddr)
{
    return t->pages[(paddr - t->base_paddr) / MODEL_PAGE];
}

/* Returns the address of a new empty table. */
static uint64_t new_table(struct tables *t)
{
    t->pages = arena_grow(t->arena, t->pages, t->num_pages, sizeof *t->pages);
    t->pages[t->num_pages] = arena_alloc(t->arena, MODEL_PAGE);
    return t->base_paddr + MODEL_PAGE * t->num_pages++;
}

static uint64_t bytes_at_level(unsigned level)
{
    return MODEL_PAGE << (LEVEL_BITS * (LEAF_LEVEL - level));
}

/* The level at which the next step of the request fits. */
static unsigned level_of(const struct request *r)
{
    for (unsigned level = 1; level < LEAF_LEVEL; level++) {
        uint64_t bytes = bytes_at_level(level);
        if (bytes <= r->largest && bytes <= r->bytes && (r->vaddr | r->paddr) % bytes == 0)
            return level;
    }
    return LEAF_LEVEL;
}

/* Writes one page or block descriptor, adding tables above it; false: something is there. */
static bool map_one(struct tables *t, uint64_t root, const struct request *r, unsigned leaf)
{
    uint64_t table = root;

    for (unsigned level = 1;; level++) {
        uint64_t *entry = &page_at(t, table)[r->vaddr / bytes_at_level(level) % ENTRIES];
        if (level == leaf) {
            bool is_free = !(*entry & VALID);
            *entry = r->paddr | r->attributes | (leaf == LEAF_LEVEL ? PAGE : BLOCK);
            return is_free;
        }
        if (!(*entry & VALID)) {
            /* `entry` stays good: the pages do not move when their list grows. */
            *entry = new_table(t) | TABLE;
        } else if ((*entry & TABLE) != TABLE) {
            return false;
        }
        table = *entry & ADDRESS;
    }
}

static bool map(struct tables *t, uint64_t root, struct request r, struct error *error)
{
    while (r.bytes) {
        unsigned level = level_of(&r);
        if (!map_one(t, root, &r, level))
            return error_at(error, 0, "two mappings at 0x%lx: an error of this tool", r.vaddr);
        if (t->num_pages > t->max_pages)
            return error_at(error, 0,
                            "memory is exhausted: the page tables alone are larger than "
                            "the RAM; make the largest regions smaller");
        r.vaddr += bytes_at_level(level);
        r.paddr += bytes_at_level(level);
        r.bytes -= bytes_at_level(level);
    }
    return true;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static uint64_t kernel_attributes(unsigned perms)
{
    return AF | SH_INNER | ATTRIBUTE(IMAGE_ATTR_NORMAL) | XN |
           (perms & PERM_WRITE ? 0 : AP_READONLY) | (perms & PERM_EXECUTE ? 0 : PXN);
}

static uint64_t user_attributes(unsigned perms, bool device)
{
    return AF | SH_INNER | NOT_GLOBAL | PXN | AP_USER |
           ATTRIBUTE(device ? IMAGE_ATTR_DEVICE : IMAGE_ATTR_NORMAL) |
           (perms & PERM_WRITE ? 0 : AP_READONLY) | (perms & PERM_EXECUTE ? 0 : XN);
}

static uint64_t guest_attributes(unsigned perms, bool device)
{
    return AF | SH_INNER | (device ? S2_DEVICE : S2_NORMAL) | (perms & PERM_READ ? S2AP_READ : 0) |
           (perms & PERM_WRITE ? S2AP_WRITE : 0) | (perms & PERM_EXECUTE ? 0 : XN);
}

/* ---- Spaces ---------------------------------------------------------------------------------- */

/* RAM from `base` to `end` without the kernel's segments, which have pages of their own. */
static bool map_ram_around_kernel(struct tables *t, const struct kernel *kernel, uint64_t base,
                                  uint64_t end, struct error *error)
{
    while (base < end) {
        uint64_t stop = end, next = end;
        for (unsigned i = 0; i < kernel->elf.num_segments; i++) {
            const struct elf_segment *segment = &kernel->elf.segments[i];
            uint64_t low = segment->paddr, high = low + model_segment_bytes(segment);
            if (high > base && low < stop) {
                stop = low > base ? low : base;
                next = high;
            }
        }
        struct request r = { base + kernel->info.vaddr_offset, base, stop - base,
                             kernel_attributes(PERM_READ | PERM_WRITE), GIB };
        if (!map(t, t->kernel_ttbr1, r, error))
            return false;
        base = next;
    }
    return true;
}

static bool map_devices(struct tables *t, const struct kernel_info *info,
                        const struct image_range *ranges, unsigned count, struct error *error)
{
    for (unsigned i = 0; i < count && ranges[i].size_bytes; i++) {
        uint64_t paddr = ranges[i].base_paddr;
        struct request r = { paddr + info->vaddr_offset, paddr, ranges[i].size_bytes,
                             AF | PXN | XN | ATTRIBUTE(IMAGE_ATTR_DEVICE), MODEL_LARGE_PAGE };
        if (!map(t, t->kernel_ttbr1, r, error))
            return false;
    }
    return true;
}

static bool build_kernel(struct tables *t, const struct kernel *kernel, struct error *error)
{
    const struct kernel_info *info = &kernel->info;

    t->kernel_ttbr1 = new_table(t);
    for (unsigned i = 0; i < kernel->elf.num_segments; i++) {
        const struct elf_segment *segment = &kernel->elf.segments[i];
        struct request r = { segment->paddr + info->vaddr_offset, segment->paddr,
                             model_segment_bytes(segment), kernel_attributes(segment->perms),
                             MODEL_PAGE };
        if (!map(t, t->kernel_ttbr1, r, error))
            return false;
    }
    if (!map_devices(t, info, info->device, 8, error) ||
        !map_devices(t, info, info->shared_device, 2, error))
        return false;
    for (unsigned i = 0; i < 4 && info->ram[i].size_bytes; i++) {
        uint64_t base = info->ram[i].base_paddr;
        if (!map_ram_around_kernel(t, kernel, base, base + info->ram[i].size_bytes, error))
            return false;
    }
    return true;
}

/* Not global, so that no entry of this map outlives it in a TLB, where PDs have ASIDs from 1. */
static bool build_boot(struct tables *t, const struct kernel *kernel, struct error *error)
{
    t->boot_ttbr0 = new_table(t);
    for (unsigned i = 0; i < kernel->elf.num_segments; i++) {
        const struct elf_segment *segment = &kernel->elf.segments[i];
        struct request r = { segment->paddr, segment->paddr, model_segment_bytes(segment),
                             kernel_attributes(segment->perms) | NOT_GLOBAL, MODEL_PAGE };
        if (!map(t, t->boot_ttbr0, r, error))
            return false;
    }
    return true;
}

/* What the system file maps into a PD or a VM. */
static bool map_regions(struct tables *t, const struct system *s, bool in_vm, unsigned owner,
                        uint64_t root, struct error *error)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *region = &s->regions[m->region];
        if (m->in_vm != in_vm || m->owner != owner)
            continue;
        bool device = !m->cached || !region->in_ram;
        struct request r = { m->vaddr, region->paddr, region->size,
                             in_vm ? guest_attributes(m->perms, device)
                                   : user_attributes(m->perms, device),
                             region->page_size };
        if (!map(t, root, r, error))
            return false;
    }
    return true;
}

/* One writable stretch of Normal memory, of pages, for a PD. */
static bool map_data(struct tables *t, const struct pd *pd, uint64_t vaddr, uint64_t paddr,
                     uint64_t bytes, struct error *error)
{
    struct request r = { vaddr, paddr, bytes, user_attributes(PERM_READ | PERM_WRITE, false),
                         MODEL_PAGE };

    return map(t, pd->root_paddr, r, error);
}

static bool build_pd(struct tables *t, struct system *s, unsigned index, struct error *error)
{
    struct pd *pd = &s->pds[index];
    unsigned first = t->num_pages;

    pd->root_paddr = new_table(t);
    for (unsigned i = 0; i < pd->elf.num_segments; i++) {
        const struct elf_segment *segment = &pd->elf.segments[i];
        struct request r = { model_segment_base(segment), segment->paddr,
                             model_segment_bytes(segment), user_attributes(segment->perms, false),
                             MODEL_PAGE };
        if (!map(t, pd->root_paddr, r, error))
            return false;
    }
    for (unsigned i = 0; i < s->num_vcpus; i++) {
        const struct vcpu *vcpu = &s->vcpus[i];
        if (vcpu->vm == pd->vm && !map_data(t, pd, IMAGE_VCPU_FRAME_VADDR(vcpu->id),
                                            vcpu->frame_paddr, MODEL_PAGE, error))
            return false;
    }
    /* The page below the stack stays unmapped, as all above IMAGE_USER_TOP_VADDR does. */
    bool good = map_data(t, pd, pd->ipc_vaddr, pd->ipc_paddr, MODEL_PAGE, error) &&
                map_data(t, pd, IMAGE_STACK_TOP_VADDR - pd->stack_bytes, pd->stack_paddr,
                         pd->stack_bytes, error) &&
                map_regions(t, s, false, index, pd->root_paddr, error);
    pd->table_pages = t->num_pages - first;
    return good;
}

static bool build_vm(struct tables *t, struct system *s, unsigned index, struct error *error)
{
    struct vm *vm = &s->vms[index];
    unsigned first = t->num_pages;

    vm->root_paddr = new_table(t);
    bool good = map_regions(t, s, true, index, vm->root_paddr, error);
    vm->table_pages = t->num_pages - first;
    return good;
}

static unsigned most_pages(const struct kernel_info *info)
{
    struct image_range ram[4];
    unsigned count = layout_sure_ram(info, ram);
    uint64_t pages = 0;

    for (unsigned i = 0; i < count; i++)
        pages += ram[i].size_bytes / MODEL_PAGE;
    return pages < UINT32_MAX ? (unsigned)pages : UINT32_MAX;
}

bool tables_build(struct tables *t, struct system *s, const struct kernel *kernel,
                  const struct layout *layout, struct error *error)
{
    *t = (struct tables){ .arena = s->arena,
                          .base_paddr = layout->tables_paddr,
                          .max_pages = most_pages(&kernel->info) };
    t->idle_ttbr0 = new_table(t);
    if (!build_kernel(t, kernel, error) || !build_boot(t, kernel, error))
        return false;
    t->kernel_pages = t->num_pages;
    for (unsigned i = 0; i < s->num_pds; i++)
        if (!build_pd(t, s, i, error))
            return false;
    for (unsigned i = 0; i < s->num_vms; i++)
        if (!build_vm(t, s, i, error))
            return false;
    return true;
}
