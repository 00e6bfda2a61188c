/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 translation tables with 4 KiB pages, levels 1 to 3 (Arm Architecture Reference Manual
 * DDI 0487, D8.3 "Translation table descriptor formats"). With HCR_EL2.E2H = 1 the stage 1
 * descriptors of EL2 are those of the EL1&0 regime.
 */
#include "sdk/tool/build.h"

#define ENTRIES            512u
#define LEVEL_BITS         9
#define LEAF_LEVEL         3
#define LEVEL_BYTES(level) (MODEL_PAGE << (LEVEL_BITS * (LEAF_LEVEL - (level)))) /* of an entry */
#define ADDRESS            0x0000fffffffff000ul
#define GIB                0x40000000ul

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

/* Returns the address of a new empty table. */
static uint64_t new_table(struct tables *t)
{
    t->pages =
        (uint64_t **)arena_grow(t->system->arena, (void *)t->pages, t->num_pages, sizeof *t->pages);
    t->pages[t->num_pages] = arena_alloc(t->system->arena, MODEL_PAGE);
    return t->base_paddr + MODEL_PAGE * t->num_pages++;
}

/* The entry for `vaddr` in the tables below `root`, at the given level; makes the tables on the
 * way. NULL: a block is in the way. */
static uint64_t *find_entry(struct tables *t, uint64_t root, uint64_t vaddr, unsigned leaf)
{
    for (unsigned level = 1;; level++) {
        uint64_t *table = t->pages[(root - t->base_paddr) / MODEL_PAGE];
        uint64_t *entry = &table[vaddr / LEVEL_BYTES(level) % ENTRIES];
        if (level == leaf) {
            return entry;
        }
        if (!(*entry & VALID)) {
            *entry = new_table(t) | TABLE; /* the pages themselves do not move */
        } else if ((*entry & TABLE) != TABLE) {
            return NULL;
        }
        root = *entry & ADDRESS;
    }
}

/* Maps with the largest pages that fit, up to `largest`. */
static void map(struct tables *t, uint64_t root, uint64_t vaddr, uint64_t paddr, uint64_t bytes,
                uint64_t attributes, uint64_t largest)
{
    while (bytes && model_good(t->system)) {
        unsigned level = 1;
        while (level < LEAF_LEVEL && (LEVEL_BYTES(level) > largest || LEVEL_BYTES(level) > bytes ||
                                      (vaddr | paddr) % LEVEL_BYTES(level))) {
            level++;
        }
        const uint64_t step = LEVEL_BYTES(level);
        uint64_t *entry = find_entry(t, root, vaddr, level);
        refuse_if(t->system, t->num_pages > t->max_pages, 0,
                  "memory is exhausted: the page tables would fill a quarter of the RAM; make the "
                  "largest regions smaller");
        if (!entry || (*entry & VALID)) {
            refuse(t->system, 0, "two mappings at 0x%lx: an error of this tool", vaddr);
        } else {
            *entry = paddr | attributes | (level == LEAF_LEVEL ? PAGE : BLOCK);
        }
        vaddr += step;
        paddr += step;
        bytes -= step;
    }
}

static uint64_t kernel_attributes(unsigned perms)
{
    return AF | SH_INNER | ATTRIBUTE(IMAGE_ATTR_NORMAL) | XN |
           (perms & PERM_WRITE ? 0 : AP_READONLY) | (perms & PERM_EXECUTE ? 0 : PXN);
}

/* The boot map is not global, so that nothing of it outlives it in a TLB: PDs have ASIDs from 1 and
 * this one has 0. */
static uint64_t boot_attributes(unsigned perms)
{
    return kernel_attributes(perms) | NOT_GLOBAL;
}

static uint64_t user_attributes(unsigned perms)
{
    return AF | SH_INNER | NOT_GLOBAL | PXN | AP_USER | ATTRIBUTE(IMAGE_ATTR_NORMAL) |
           (perms & PERM_WRITE ? 0 : AP_READONLY) | (perms & PERM_EXECUTE ? 0 : XN);
}

static uint64_t guest_attributes(unsigned perms)
{
    return AF | SH_INNER | S2_NORMAL | (perms & PERM_READ ? S2AP_READ : 0) |
           (perms & PERM_WRITE ? S2AP_WRITE : 0) | (perms & PERM_EXECUTE ? 0 : XN);
}

/* Maps each segment of `elf` at the address it is linked to, less `offset`. */
static void map_segments(struct tables *t, uint64_t root, const struct elf *elf, uint64_t offset,
                         uint64_t (*attributes)(unsigned perms))
{
    for (EACH(segment, elf, segments)) {
        map(t, root, segment->base - offset, segment->paddr, segment->bytes,
            attributes(segment->perms), MODEL_PAGE);
    }
}

/* RAM from `base` to `end` without the kernel's segments, which have pages of their own. */
static void map_ram_around_kernel(struct tables *t, const struct kernel *kernel, uint64_t base,
                                  uint64_t end)
{
    while (base < end) {
        uint64_t stop = end, next = end;
        for (EACH(segment, &kernel->elf, segments)) {
            uint64_t low = segment->paddr, high = low + segment->bytes;
            if (high > base && low < stop) {
                stop = low > base ? low : base;
                next = high;
            }
        }
        map(t, t->kernel_ttbr1, base + kernel->info.vaddr_offset, base, stop - base,
            kernel_attributes(PERM_READ | PERM_WRITE), GIB);
        base = next;
    }
}

static void map_devices(struct tables *t, uint64_t vaddr_offset, const struct image_range *ranges,
                        unsigned count)
{
    for (unsigned i = 0; i < count && ranges[i].size_bytes; i++) {
        map(t, t->kernel_ttbr1, ranges[i].base_paddr + vaddr_offset, ranges[i].base_paddr,
            ranges[i].size_bytes, AF | PXN | XN | ATTRIBUTE(IMAGE_ATTR_DEVICE), MODEL_LARGE_PAGE);
    }
}

static void build_kernel(struct tables *t, const struct kernel *kernel)
{
    const struct kernel_info *info = &kernel->info;
    t->idle_ttbr0 = new_table(t);
    t->boot_ttbr0 = new_table(t);
    t->kernel_ttbr1 = new_table(t);
    for (unsigned i = 0; i < 4 && info->ram[i].size_bytes; i++) {
        map_ram_around_kernel(t, kernel, info->ram[i].base_paddr,
                              info->ram[i].base_paddr + info->ram[i].size_bytes);
    }
    map_devices(t, info->vaddr_offset, info->device, 8);
    map_devices(t, info->vaddr_offset, info->shared_device, 2);
    map_segments(t, t->kernel_ttbr1, &kernel->elf, 0, kernel_attributes);
    map_segments(t, t->boot_ttbr0, &kernel->elf, info->vaddr_offset, boot_attributes);
    t->kernel_pages = t->num_pages;
}

/* What the system file maps into a PD or a VM. */
static void map_regions(struct tables *t, bool in_vm, unsigned owner, uint64_t root)
{
    for (EACH(m, t->system, mappings)) {
        const struct region *r = &t->system->regions[m->region];
        uint64_t normal = in_vm ? guest_attributes(m->perms) : user_attributes(m->perms);
        uint64_t device = in_vm ? (normal & ~S2_NORMAL) | S2_DEVICE
                                : (normal & ~ATTRIBUTE(7)) | ATTRIBUTE(IMAGE_ATTR_DEVICE);
        if (m->in_vm == in_vm && m->owner == owner) {
            map(t, root, m->vaddr, r->paddr, r->size, m->cached && r->in_ram ? normal : device,
                r->page_size);
        }
    }
}

static void build_pd(struct tables *t, struct pd *pd)
{
    const uint64_t data = user_attributes(PERM_READ | PERM_WRITE);
    unsigned first = t->num_pages;
    uint64_t root = pd->root_paddr = new_table(t);
    for (EACH(vcpu, t->system, vcpus)) {
        if (vcpu->vm == pd->vm) {
            map(t, root, IMAGE_VCPU_FRAME_VADDR(vcpu->id), vcpu->frame_paddr, MODEL_PAGE, data,
                MODEL_PAGE);
        }
    }
    /* The page below the stack stays unmapped, as all above IMAGE_USER_TOP_VADDR does. */
    map_segments(t, root, &pd->elf, 0, user_attributes);
    map(t, root, pd->ipc_vaddr, pd->ipc_paddr, MODEL_PAGE, data, MODEL_PAGE);
    map(t, root, IMAGE_STACK_TOP_VADDR - pd->stack_bytes, pd->stack_paddr, pd->stack_bytes, data,
        MODEL_PAGE);
    map_regions(t, false, (unsigned)(pd - t->system->pds), root);
    pd->table_pages = t->num_pages - first;
}

bool tables_build(struct tables *t, struct system *s, const struct kernel *kernel,
                  const struct layout *layout)
{
    *t = (struct tables){ .system = s, .base_paddr = layout->tables_paddr };
    for (EACH(ram, layout, ram)) {
        t->max_pages += ram->size_bytes / MODEL_PAGE / 4;
    }
    build_kernel(t, kernel);
    for (EACH(pd, s, pds)) {
        build_pd(t, pd);
    }
    for (EACH(vm, s, vms)) {
        unsigned first = t->num_pages;
        vm->root_paddr = new_table(t);
        map_regions(t, true, (unsigned)(vm - s->vms), vm->root_paddr);
        vm->table_pages = t->num_pages - first;
    }
    return model_good(s);
}
