/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/fit.h"
#include "compose/limits.h"
#include "compose/system.h"

#include <string.h>

#define NO_IMAGE "none"

const char *path_of_key(const struct system *system, const struct value *key, const char *fallback)
{
    if (!value_given(key)) {
        return fallback;
    }
    return key->text[0] == '/'
               ? key->text
               : arena_printf(system->plan.arena, "%s/%s", system->folder, key->text);
}

/* Returns the guest's image of one kind; tells an error and returns NULL if there is none. */
static const struct image *find_image(struct system *system, const struct guest *guest,
                                      struct images *images, const struct value *key,
                                      const char *fallback)
{
    const char *path = path_of_key(system, key, fallback);
    struct mark at = value_given(key) ? key->at : guest->at;
    if (path == NULL) {
        diag_error(
            system->diag, at,
            "%s has no %s and there is no default; add `%s: PATH`%s or call compose with --%s",
            guest->name.text, images->kind, images->kind, images->way_out, images->option);
        return NULL;
    }
    return images_find(images, system->diag, at, path);
}

/* An initrd and what becomes of it, in words. */
static const char *unpacked_words(struct arena *arena, const struct image *initrd)
{
    return initrd == NULL ? ""
                          : arena_printf(arena, " and initrd, which is %s%s unpacked",
                                         initrd->contents.is_more ? "more than " : "",
                                         arena_size(arena, initrd->contents.bytes));
}

bool guest_find_images(struct system *system, const struct guest *guest, struct guest_boot *boot)
{
    struct arena *arena = system->plan.arena;
    bool wants_initrd = !value_given(&guest->initrd) || strcmp(guest->initrd.text, NO_IMAGE) != 0;
    boot->kernel =
        find_image(system, guest, &system->kernels, &guest->kernel, system->defaults->kernel);
    if (wants_initrd) {
        const char *fallback = guest->serves.number != 0 && system->defaults->initrd_driver != NULL
                                   ? system->defaults->initrd_driver
                                   : system->defaults->initrd;
        boot->initrd = find_image(system, guest, &system->initrds, &guest->initrd, fallback);
    }
    if (boot->kernel == NULL || (wants_initrd && boot->initrd == NULL)) {
        return false;
    }
    struct fit fit = { boot->kernel, boot->initrd, guest->cmdline.text };
    if (fit_boots(&fit, guest->memory.number)) {
        return true;
    }
    uint64_t least_bytes = fit_least_bytes(&fit);
    diag_error(system->diag, guest->memory.at,
               "%s of memory is too little for %s's kernel%s; give it %s%s",
               arena_size(arena, guest->memory.number), guest->name.text,
               unpacked_words(arena, boot->initrd),
               least_bytes == 0 ? "more, or a smaller initrd" : "at least ",
               least_bytes == 0 ? "" : arena_size(arena, least_bytes));
    return false;
}

static struct vmm_device *add_device(struct vmm_config *config, enum vmm_device_type type,
                                     uint32_t intid, uint64_t gpa, uint64_t bytes)
{
    struct vmm_device *device = &config->devices[config->num_devices++];
    device->type = (uint32_t)type;
    device->intid = intid;
    device->gpa = gpa;
    device->size_bytes = bytes;
    return device;
}

static bool is_passed(const struct vmm_config *config, uint32_t intid)
{
    for (uint32_t i = 0; i < config->num_irqs; i++) {
        if (config->irqs[i].intid == intid) {
            return true;
        }
    }
    return false;
}

/* The first interrupt behind those of the emulated devices that is no device's of the board. */
uint32_t guest_next_intid(const struct vmm_config *config)
{
    uint32_t intid = config->devices[config->num_devices - 1].intid + 1;
    if (intid < GUEST_VIRTIO_INTID) {
        intid = GUEST_VIRTIO_INTID;
    }
    while (is_passed(config, intid)) {
        intid++;
    }
    return intid;
}

/* The virtIO devices lie one behind the other, after the PL011. */
static struct vmm_device *add_virtio(struct vmm_config *config, enum vmm_device_type type)
{
    uint32_t index = config->num_devices - 1;
    return add_device(config, type, guest_next_intid(config),
                      GUEST_VIRTIO_GPA + index * GUEST_VIRTIO_BYTES, GUEST_VIRTIO_BYTES);
}

static void add_devices(struct vmm_config *config, const struct model *model,
                        const struct guest *guest)
{
    add_device(config, VMM_DEVICE_PL011, GUEST_PL011_INTID, GUEST_PL011_GPA, GUEST_PL011_BYTES);
    if (guest->console.enabled.number != 0) {
        struct vmm_device *console = add_virtio(config, VMM_DEVICE_VIRTIO_CONSOLE);
        console->columns = (uint16_t)guest->console.columns.number;
        console->rows = (uint16_t)guest->console.rows.number;
    }
    if (guest->disk.number != 0) {
        add_virtio(config, VMM_DEVICE_VIRTIO_BLOCK);
    }
    for (size_t i = 0; i < guest->net.count; i++) {
        add_virtio(config, VMM_DEVICE_VIRTIO_NET);
    }
    if (guest->vsock.at.line != 0) {
        add_virtio(config, VMM_DEVICE_VIRTIO_VSOCK);
    }
    if (guest->rng.number != 0) {
        add_virtio(config, VMM_DEVICE_VIRTIO_RNG);
    }
    if (guest->serves.number != 0) {
        driver_vm_add_devices(model, config);
    }
}

/* Without a virtIO console no console= is given: what the kernel says until it finds that out is
 * still seen on the emulated PL011. */
static const char *bootargs(struct arena *arena, const struct guest *guest)
{
    const char *console = guest->console.enabled.number != 0 ? " console=hvc0" : "";
    const char *more = guest->cmdline.text == NULL ? "" : guest->cmdline.text;
    return arena_printf(arena, "earlycon=pl011,0x%08lx%s hostname=%s%s%s", GUEST_PL011_GPA, console,
                        guest->name.text, *more == '\0' ? "" : " ", more);
}

static struct vmm_image map_image(struct plan *plan, struct pd *vmm, const struct image *image)
{
    if (image == NULL) {
        return (struct vmm_image){ 0 };
    }
    return (struct vmm_image){ plan_map(plan, vmm, image->region, "r"), image->file_bytes };
}

/*
 * A device reaches RAM by its place on the board. Where the guest itself programs the device, that
 * is also the guest's address of it.
 */
static struct region *plan_ram(struct system *system, const struct guest *guest, uint64_t *ram_gpa)
{
    struct plan *plan = &system->plan;
    struct region *ram = plan_region(plan, arena_printf(plan->arena, "%s_ram", guest->name.text),
                                     guest->memory.number, GUEST_PAGE_BYTES);
    bool has_disk = guest->disk.number != 0 && system->disk.pd != NULL;
    if (has_disk || guest->passthrough.count != 0) {
        ram->phys_addr = plan_reserve(plan, ram->bytes + (has_disk ? DISK_BOUNCE_BYTES : 0));
    }
    *ram_gpa = guest->passthrough.count != 0 ? ram->phys_addr : GUEST_RAM_GPA;
    return ram;
}

/* What the guest's machine is: all that its device tree tells, too. */
static void fill_config(struct vmm_config *config, const struct model *model,
                        const struct guest *guest, const struct guest_boot *boot)
{
    struct placement place = place_images(config->ram_gpa, boot->kernel, boot->initrd);
    config->magic = VMM_CONFIG_MAGIC;
    memcpy(config->guest, guest->name.text, strlen(guest->name.text));
    config->ram_vaddr = GUEST_RAM_GPA; /* mostly one address, two views: kind to who debugs */
    config->ram_bytes = guest->memory.number;
    config->kernel_gpa = place.kernel_gpa;
    config->initrd_gpa = place.initrd_gpa;
    config->dtb_gpa = place.dtb_gpa;
    config->gicd_gpa = GUEST_GICD_GPA;
    config->num_vcpus = (uint32_t)guest->vcpus.number;
    add_devices(config, model, guest);
}

/* Makes the guest's device tree, which comes to its VMM in a region of its own. */
static struct vmm_image plan_tree(struct plan *plan, struct pd *vmm, const struct guest *guest,
                                  struct guest_boot *boot, const struct vmm_config *config,
                                  const struct passed *passed)
{
    const char *name = guest->name.text;
    boot->tree_file = arena_printf(plan->arena, "%s.dtb", name);
    boot->tree =
        device_tree_make(plan->arena, config, passed, GUEST_GICC_GPA, bootargs(plan->arena, guest));
    struct region *region = plan_region(plan, arena_printf(plan->arena, "%s_dtb", name),
                                        boot->tree.size_bytes, PAGE_BYTES);
    region->prefill = boot->tree_file;
    return (struct vmm_image){ plan_map(plan, vmm, region, "r"), boot->tree.size_bytes };
}

struct pd *guest_plan(struct system *system, const struct guest *guest, struct guest_boot *boot)
{
    struct plan *plan = &system->plan;
    const char *name = guest->name.text;
    struct pd *vmm =
        plan_pd(plan, arena_printf(plan->arena, "%s_vmm", name), "vmm.elf", PRIORITY_VMM);
    struct vm *vm = plan_vm(plan, vmm, name, (unsigned)guest->vcpus.number);
    struct vmm_config *config = plan_record(plan, vmm, ".vmm_config", sizeof(*config));
    struct passed passed = passthrough_plan(system, guest, vmm, config);
    const struct region *ram = plan_ram(system, guest, &config->ram_gpa);
    boot->ram = ram;
    fill_config(config, system->model, guest, boot);
    plan_map_at(plan, vmm, ram, config->ram_vaddr, "rw");
    plan_map_vm(plan, vm, ram, config->ram_gpa, "rwx");
    plan_map_vm(plan, vm, system->gicv, GUEST_GICC_GPA, "rw");
    config->kernel = map_image(plan, vmm, boot->kernel);
    config->initrd = map_image(plan, vmm, boot->initrd);
    entropy_plan_client(system, vmm, config, guest);
    config->dtb = plan_tree(plan, vmm, guest, boot, config, &passed);
    config->entropy.seed_offset = device_tree_seed_offset(&boot->tree);
    if (guest->disk.number != 0 && system->disk.pd != NULL) {
        disk_plan_client(system, vmm, ram, &config->block, guest);
    }
    net_plan_client(system, vmm, ram, config, guest);
    boot->vmm = vmm;
    boot->config = config;
    return vmm;
}
