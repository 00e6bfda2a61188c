/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of the board that a guest has to itself: their registers appear at the board's addresses,
 * their interrupts under the board's numbers, their nodes in the guest's device tree. What is
 * mapped is whole pages, so nothing that another uses may lie in them.
 */
#include "compose/limits.h"
#include "compose/system.h"

#include <libfdt.h>
#include <string.h>

/* What the guest has of ours, where no device of the board can appear. */
static const struct board_range guest_layout[] = {
    { GUEST_GICD_GPA, GUEST_GICD_BYTES },
    { GUEST_GICC_GPA, GUEST_GICC_BYTES },
    { GUEST_PL011_GPA, GUEST_PL011_BYTES },
    { GUEST_VIRTIO_GPA, VMM_MAX_DEVICES *GUEST_VIRTIO_BYTES },
    { GUEST_SERVED_GPA, VMM_MAX_SERVED *GUEST_SERVED_BYTES },
};

static bool overlap(const struct board_range *a, const struct board_range *b)
{
    return a->addr < b->addr + b->bytes && b->addr < a->addr + a->bytes;
}

static struct board_range pages_of(const struct board_range *range)
{
    uint64_t addr = range->addr / PAGE_BYTES * PAGE_BYTES;
    return (struct board_range){ addr, round_up(range->addr + range->bytes, PAGE_BYTES) - addr };
}

/* The map of a region among these, or NULL. */
static const struct map *find_map(const struct map *map, const struct region *region)
{
    while (map != NULL && map->region != region) {
        map = map->next;
    }
    return map;
}

/* Who has a device's registers: the PD's or the guest's name. */
static const char *owner_of(const struct plan *plan, const struct region *region)
{
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        if (pd->vm != NULL && find_map(pd->vm->maps, region) != NULL) {
            return pd->vm->name;
        }
        if (find_map(pd->maps, region) != NULL) {
            return pd->name;
        }
    }
    return "the system";
}

/* Returns the device whose registers, in whole pages, these pages meet, or NULL. */
static const struct region *find_taken(const struct plan *plan, const struct board_range *pages)
{
    for (const struct region *region = plan->regions; region != NULL; region = region->next) {
        struct board_range taken = { region->phys_addr, region->bytes };
        if (region->is_device && overlap(&taken, pages)) {
            return region;
        }
    }
    return NULL;
}

static const char *irq_owner(const struct plan *plan, uint32_t intid)
{
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        for (const struct irq *irq = pd->irqs; irq != NULL; irq = irq->next) {
            if (irq->intid == intid) {
                return pd->name;
            }
        }
    }
    return NULL;
}

static bool meets_layout(const struct board_range *pages)
{
    for (size_t i = 0; i < sizeof(guest_layout) / sizeof(guest_layout[0]); i++) {
        if (overlap(&guest_layout[i], pages)) {
            return true;
        }
    }
    return false;
}

/* Maps one range of registers; devices of one guest may share a page. */
static void plan_registers(struct system *system, const struct guest_device *device,
                           const struct board_range *range, struct vm *vm)
{
    struct plan *plan = &system->plan;
    struct board_range pages = pages_of(range);
    const struct region *taken = find_taken(plan, &pages);
    const char *path = device->node.text;
    if (taken != NULL && find_map(vm->maps, taken) != NULL && taken->phys_addr <= pages.addr &&
        pages.addr + pages.bytes <= taken->phys_addr + taken->bytes) {
        return;
    }
    if (taken != NULL) {
        diag_error(system->diag, device->node.at,
                   "'%s' lies in the pages 0x%lx to 0x%lx, where %s has a device; pages are passed "
                   "through whole, so choose a device with pages of its own",
                   path, (unsigned long)pages.addr, (unsigned long)(pages.addr + pages.bytes - 1),
                   owner_of(plan, taken));
    } else if (meets_layout(&pages)) {
        diag_error(system->diag, device->node.at,
                   "'%s' lies at 0x%lx, where every guest has an emulated device; choose another",
                   path, (unsigned long)range->addr);
    } else {
        const char *name =
            arena_printf(plan->arena, "%s_device_%lx", vm->name, (unsigned long)pages.addr);
        plan_map_vm(plan, vm, plan_device(plan, name, pages.addr, pages.bytes), pages.addr, "rw");
    }
}

static void plan_interrupt(struct system *system, const struct guest_device *device,
                           const struct board_irq *irq, struct pd *vmm, struct vmm_config *config)
{
    const char *owner = irq_owner(&system->plan, irq->intid);
    if (owner != NULL) {
        diag_error(system->diag, device->node.at,
                   "'%s' interrupts by number %u, as a device of %s does; choose a device with "
                   "an interrupt of its own",
                   device->node.text, irq->intid, owner);
    } else if (config->num_irqs == VMM_MAX_IRQS) {
        diag_error(system->diag, device->node.at,
                   "the devices up to '%s' have more than %d interrupts; pass through fewer",
                   device->node.text, VMM_MAX_IRQS);
    } else {
        config->irqs[config->num_irqs++] = (struct vmm_irq){
            .intid = irq->intid,
            .channel = plan_irq(&system->plan, vmm, irq->intid, irq->is_edge),
        };
    }
}

/* A reboot of the guest does not reset its devices: its VMM tells those that it knows how to. */
static void plan_stop(struct plan *plan, struct pd *vmm, const struct board_range *registers,
                      struct vmm_config *config)
{
    struct board_range pages = pages_of(registers);
    const struct region *region = find_taken(plan, &pages);
    if (region == NULL || find_map(vmm->vm->maps, region) == NULL) {
        return; /* an error has been told */
    }
    const struct map *map = find_map(vmm->maps, region);
    uint64_t vaddr = map != NULL ? map->vaddr : plan_map(plan, vmm, region, "rw");
    config->passed_vaddr[config->num_passed++] = vaddr + registers->addr - region->phys_addr;
}

static void note(struct system *system, const char *guest, const struct guest_device *device,
                 const struct board_device *found)
{
    struct plan *plan = &system->plan;
    const void *dtb = system->board->dtb;
    const char *path = device->node.text;
    plan_note(plan, arena_printf(plan->arena,
                                 "%s: has the board's device %s to itself. There is no IOMMU: a "
                                 "device that moves data by itself reads and writes all memory of "
                                 "the board, other guests' and the kernel's too, wherever this "
                                 "guest tells it to",
                                 guest, path));
    int property;
    fdt_for_each_property_offset(property, dtb, found->node)
    {
        const char *name = NULL;
        (void)fdt_getprop_by_offset(dtb, property, &name, NULL);
        if (board_refers(name)) {
            plan_note(plan, arena_printf(plan->arena,
                                         "%s: its node %s is without '%s', which names other nodes "
                                         "of the board's device tree",
                                         guest, path, name));
        }
    }
}

/* What QEMU is to put into a slot (system.devices) needs a slot. */
static const char *fault_of(const struct board *board, const struct guest_device *device,
                            struct board_device *found)
{
    const char *fault = board_find_device(board->dtb, device->node.text, found);
    return fault == NULL && device->qemu.number != 0 && !found->is_virtio
               ? "is no virtio-mmio slot, where QEMU could put anything; remove 'qemu'"
               : fault;
}

static void tell_fault(struct system *system, const struct guest_device *device, const char *fault)
{
    struct arena *arena = system->plan.arena;
    const char *path = device->node.text;
    diag_error(system->diag, device->node.at, "%s %s%s", diag_quote(arena, path), fault,
               diag_meant(arena, path, board_device_paths(arena, system->board->dtb)));
}

struct passed passthrough_plan(struct system *system, const struct guest *guest, struct pd *vmm,
                               struct vmm_config *config)
{
    struct board_device *devices =
        arena_alloc(system->plan.arena, (guest->passthrough.count + 1) * sizeof(*devices));
    struct passed passed = { system->board->dtb, devices, 0 };
    for (EACH_DEVICE(device, guest)) {
        struct board_device *found = &devices[passed.count];
        const char *fault = fault_of(system->board, device, found);
        if (fault != NULL) {
            tell_fault(system, device, fault);
            continue;
        }
        passed.count++;
        for (unsigned i = 0; i < found->num_registers; i++) {
            plan_registers(system, device, &found->registers[i], vmm->vm);
        }
        for (unsigned i = 0; i < found->num_irqs; i++) {
            plan_interrupt(system, device, &found->irqs[i], vmm, config);
        }
        if (found->is_virtio) {
            plan_stop(&system->plan, vmm, &found->registers[0], config);
        }
        note(system, guest->name.text, device, found);
    }
    return passed;
}

void passthrough_write_slots(FILE *out, const struct system *system)
{
    for (EACH_GUEST(guest, system->model)) {
        for (EACH_DEVICE(device, guest)) {
            struct board_device found;
            if (device->qemu.number != 0 &&
                board_find_device(system->board->dtb, device->node.text, &found) == NULL) {
                fprintf(out, "slot %u %s\n", board_slot(&found.registers[0]), device->qemu.text);
            }
        }
    }
}
