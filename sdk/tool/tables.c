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

/* The entry for `vaddr` in the tables below `root`, at the given level; makes the tables on the
 * way. NULL: a block is in the way. */
static uint64_t *find_entry(struct tables *t, uint64_t root, uint64_t vaddr, unsigned leaf)
{
    for (unsigned level = 1;; level++) {
        uint64_t *entry = &page_at(t, root)[vaddr / bytes_at_level(level) % ENTRIES];
        if (level == leaf)
            return entry;
        if (!(*entry & VALID))
            *entry = new_table(t) | TABLE; /* the pages themselves do not move */
        else if ((*entry & TABLE) != TABLE)
            return NULL;
        root = *entry & ADDRESS;
    }
}

/* Maps with the largest pages that fit, up to `largest`. */
static bool map(struct tables *t, uint64_t root, uint64_t vaddr, uint64_t paddr, uint64_t bytes,
                uint64_t attributes, uint64_t largest)
{
    while (bytes) {
        unsigned level = 1;
        uint64_t step = bytes_at_level(1);
        while (step > largest || step > bytes || (vaddr | paddr) % step)
            step = bytes_at_level(++level);
        uint64_t *entry = find_entry(t, root, vaddr, level);
        if (!entry || (*entry & VALID))
            return error_at(t->error, 0, "two mappings at 0x%lx: an error of this tool", vaddr);
        if (t->num_pages > t->max_pages)
            return error_at(t->error, 0,
                            "memory is exhausted: the page tables would fill a quarter of the RAM; "
                            "make the largest regions smaller");
        *entry = paddr | attributes | (level == LEAF_LEVEL ? PAGE : BLOCK);
        vaddr += step;
        paddr += step;
        bytes -= step;
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

/* Maps each segment of `elf` at the address it is linked to, less `offset`. */
static bool map_segments(struct tables *t, uint64_t root, const struct elf *elf, uint64_t offset,
                         bool user)
{
    for (unsigned i = 0; i < elf->num_segments; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        uint64_t attributes =
            user ? user_attributes(segment->perms, false) : kernel_attributes(segment->perms);
        /* The boot map is not global, so that nothing of it outlives it in a TLB: PDs have ASIDs
         * from 1 and this one has 0. */
        attributes |= offset ? NOT_GLOBAL : 0;
        if (!map(t, root, model_segment_base(segment) - offset, segment->paddr,
                 model_segment_bytes(segment), attributes, MODEL_PAGE))
            return false;
    }
    return true;
}

/* RAM from `base` to `end` without the kernel's segments, which have pages of their own. */
static bool map_ram_around_kernel(struct tables *t, const struct kernel *kernel, uint64_t base,
                                  uint64_t end)
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
        if (!map(t, t->kernel_ttbr1, base + kernel->info.vaddr_offset, base, stop - base,
                 kernel_attributes(PERM_READ | PERM_WRITE), GIB))
            return false;
        base = next;
    }
    return true;
}

static bool map_devices(struct tables *t, uint64_t vaddr_offset, const struct image_range *ranges,
                        unsigned count)
{
    for (unsigned i = 0; i < count && ranges[i].size_bytes; i++)
        if (!map(t, t->kernel_ttbr1, ranges[i].base_paddr + vaddr_offset, ranges[i].base_paddr,
                 ranges[i].size_bytes, AF | PXN | XN | ATTRIBUTE(IMAGE_ATTR_DEVICE),
                 MODEL_LARGE_PAGE))
            return false;
    return true;
}

static bool build_kernel(struct tables *t, const struct kernel *kernel)
{
    const struct kernel_info *info = &kernel->info;

    t->idle_ttbr0 = new_table(t);
    t->boot_ttbr0 = new_table(t);
    t->kernel_ttbr1 = new_table(t);
    for (unsigned i = 0; i < 4 && info->ram[i].size_bytes; i++) {
        uint64_t base = info->ram[i].base_paddr;
        if (!map_ram_around_kernel(t, kernel, base, base + info->ram[i].size_bytes))
            return false;
    }
    return map_devices(t, info->vaddr_offset, info->device, 8) &&
           map_devices(t, info->vaddr_offset, info->shared_device, 2) &&
           map_segments(t, t->kernel_ttbr1, &kernel->elf, 0, false) &&
           map_segments(t, t->boot_ttbr0, &kernel->elf, info->vaddr_offset, false);
}

/* What the system file maps into a PD or a VM. */
static bool map_regions(struct tables *t, const struct system *s, bool in_vm, unsigned owner,
                        uint64_t root)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *r = &s->regions[m->region];
        if (m->in_vm != in_vm || m->owner != owner)
            continue;
        bool device = !m->cached || !r->in_ram;
        if (!map(t, root, m->vaddr, r->paddr, r->size,
                 in_vm ? guest_attributes(m->perms, device) : user_attributes(m->perms, device),
                 r->page_size))
            return false;
    }
    return true;
}

static bool build_pd(struct tables *t, struct system *s, unsigned index)
{
    const uint64_t data = user_attributes(PERM_READ | PERM_WRITE, false);
    struct pd *pd = &s->pds[index];
    unsigned first = t->num_pages;
    uint64_t root = pd->root_paddr = new_table(t);

    for (unsigned i = 0; i < s->num_vcpus; i++) {
        const struct vcpu *vcpu = &s->vcpus[i];
        if (vcpu->vm == pd->vm && !map(t, root, IMAGE_VCPU_FRAME_VADDR(vcpu->id), vcpu->frame_paddr,
                                       MODEL_PAGE, data, MODEL_PAGE))
            return false;
    }
    /* The page below the stack stays unmapped, as all above IMAGE_USER_TOP_VADDR does. */
    bool good = map_segments(t, root, &pd->elf, 0, true) &&
                map(t, root, pd->ipc_vaddr, pd->ipc_paddr, MODEL_PAGE, data, MODEL_PAGE) &&
                map(t, root, IMAGE_STACK_TOP_VADDR - pd->stack_bytes, pd->stack_paddr,
                    pd->stack_bytes, data, MODEL_PAGE) &&
                map_regions(t, s, false, index, root);
    pd->table_pages = t->num_pages - first;
    return good;
}

static bool build_vm(struct tables *t, struct system *s, unsigned index)
{
    struct vm *vm = &s->vms[index];
    unsigned first = t->num_pages;

    vm->root_paddr = new_table(t);
    bool good = map_regions(t, s, true, index, vm->root_paddr);
    vm->table_pages = t->num_pages - first;
    return good;
}

bool tables_build(struct tables *t, struct system *s, const struct kernel *kernel,
                  const struct layout *layout)
{
    struct image_range ram[4];
    uint64_t max_pages = 0;

    for (unsigned i = layout_sure_ram(&kernel->info, ram); i > 0; i--)
        max_pages += ram[i - 1].size_bytes / MODEL_PAGE / 4;
    *t = (struct tables){ .arena = s->arena,
                          .error = s->error,
                          .base_paddr = layout->tables_paddr,
                          .max_pages = max_pages };
    if (!build_kernel(t, kernel))
        return false;
    t->kernel_pages = t->num_pages;
    for (unsigned i = 0; i < s->num_pds; i++)
        if (!build_pd(t, s, i))
            return false;
    for (unsigned i = 0; i < s->num_vms; i++)
        if (!build_vm(t, s, i))
            return false;
    return true;
}
