/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/guest_plan.h"

#include "compose/guest_map.h"
#include "compose/limits.h"

#include <string.h>

#define NO_IMAGE "none"

/* Returns the path that a guest's key means: its own, from the YAML file on, or the default. */
static const char *path_of(struct arena *arena, const struct value *key, const char *folder,
                           const char *fallback)
{
    if (!value_given(key)) {
        return fallback;
    }
    if (key->text[0] == '/') {
        return key->text;
    }
    return arena_printf(arena, "%s/%s", folder, key->text);
}

static struct mark place_of(const struct value *key, const struct guest *guest)
{
    return value_given(key) ? key->at : guest->at;
}

static const struct image *find_kernel(struct arena *arena, struct diag *diag,
                                       const struct guest *guest, const struct boot_files *files)
{
    const char *path = path_of(arena, &guest->kernel, files->folder, files->defaults->kernel);
    struct mark at = place_of(&guest->kernel, guest);
    if (path == NULL) {
        diag_error(diag, at,
                   "%s has no kernel and there is no default; add `kernel: PATH` or call "
                   "compose with --linux",
                   guest->name.text);
        return NULL;
    }
    return images_kernel(files->kernels, arena, diag, at, path);
}

/* Sets *initrd, NULL for none; returns false with an error told. */
static bool find_initrd(struct arena *arena, struct diag *diag, const struct guest *guest,
                        const struct boot_files *files, const struct image **initrd)
{
    *initrd = NULL;
    if (value_given(&guest->initrd) && strcmp(guest->initrd.text, NO_IMAGE) == 0) {
        return true;
    }
    const char *path = path_of(arena, &guest->initrd, files->folder, files->defaults->initrd);
    struct mark at = place_of(&guest->initrd, guest);
    if (path == NULL) {
        diag_error(diag, at,
                   "%s has no initrd and there is no default; add `initrd: PATH`, "
                   "`initrd: none`, or call compose with --initrd",
                   guest->name.text);
        return false;
    }
    *initrd = images_initrd(files->initrds, arena, diag, at, path);
    return *initrd != NULL;
}

bool guest_find_images(struct guest_boot *boot, struct arena *arena, struct diag *diag,
                       const struct guest *guest, const struct boot_files *files)
{
    boot->kernel = find_kernel(arena, diag, guest, files);
    bool found = find_initrd(arena, diag, guest, files, &boot->initrd);
    if (boot->kernel == NULL || !found) {
        return false;
    }
    boot->place = place_images(GUEST_RAM_GPA, boot->kernel, boot->initrd);
    uint64_t least_bytes = boot->place.least_ram_bytes;
    if (guest->memory.number < least_bytes) {
        diag_error(diag, guest->memory.at,
                   "%s of memory is too little for %s's kernel%s; give it at least %s",
                   arena_size(arena, guest->memory.number), guest->name.text,
                   boot->initrd == NULL ? "" : " and initrd", arena_size(arena, least_bytes));
        return false;
    }
    return true;
}

const struct region *guest_plan_gicv(struct plan *plan, const struct board *board)
{
    uint64_t bytes = board->gicv.bytes < GUEST_GICC_BYTES ? board->gicv.bytes : GUEST_GICC_BYTES;
    return plan_device(plan, "gicv", board->gicv.addr, bytes);
}

static void add_device(struct vmm_config *config, enum vmm_device_type type, uint32_t intid,
                       uint64_t gpa, uint64_t bytes)
{
    struct vmm_device *device = &config->devices[config->num_devices++];
    device->type = (uint32_t)type;
    device->intid = intid;
    device->gpa = gpa;
    device->size_bytes = bytes;
}

static void add_devices(struct vmm_config *config, const struct guest *guest)
{
    add_device(config, VMM_DEVICE_PL011, GUEST_PL011_INTID, GUEST_PL011_GPA, GUEST_PL011_BYTES);
    if (guest->console.enabled.number != 0) {
        add_device(config, VMM_DEVICE_VIRTIO_CONSOLE, GUEST_VIRTIO_INTID, GUEST_VIRTIO_GPA,
                   GUEST_VIRTIO_BYTES);
        struct vmm_device *console = &config->devices[config->num_devices - 1];
        console->columns = (uint16_t)guest->console.columns.number;
        console->rows = (uint16_t)guest->console.rows.number;
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

/* What the guest's machine is: all that its device tree tells, too. */
static void fill_config(struct vmm_config *config, const struct guest *guest,
                        const struct guest_boot *boot)
{
    config->magic = VMM_CONFIG_MAGIC;
    memcpy(config->guest, guest->name.text, strlen(guest->name.text));
    config->ram_gpa = GUEST_RAM_GPA;
    config->ram_vaddr = GUEST_RAM_GPA; /* one address, two views: kind to who debugs */
    config->ram_bytes = guest->memory.number;
    config->kernel_gpa = boot->place.kernel_gpa;
    config->initrd_gpa = boot->place.initrd_gpa;
    config->dtb_gpa = boot->place.dtb_gpa;
    config->gicd_gpa = GUEST_GICD_GPA;
    config->num_vcpus = (uint32_t)guest->vcpus.number;
    add_devices(config, guest);
}

static struct vmm_image plan_tree(struct plan *plan, struct pd *vmm, const char *name,
                                  const struct guest_tree *tree)
{
    struct region *region = plan_region(plan, arena_printf(plan->arena, "%s_dtb", name),
                                        tree->tree.size_bytes, PAGE_BYTES);
    region->prefill = tree->file;
    return (struct vmm_image){ plan_map(plan, vmm, region, "r"), tree->tree.size_bytes };
}

struct pd *guest_plan(struct plan *plan, const struct guest *guest, const struct guest_boot *boot,
                      const struct region *gicv, struct guest_tree *tree)
{
    struct arena *arena = plan->arena;
    const char *name = guest->name.text;
    struct pd *vmm = plan_pd(plan, arena_printf(arena, "%s_vmm", name), "vmm.elf", PRIORITY_VMM);
    struct vm *vm = plan_vm(plan, vmm, name, (unsigned)guest->vcpus.number);
    struct vmm_config *config = plan_record(plan, vmm, ".vmm_config", sizeof(*config));
    fill_config(config, guest, boot);

    const struct region *ram = plan_region(plan, arena_printf(arena, "%s_ram", name),
                                           guest->memory.number, GUEST_PAGE_BYTES);
    plan_map_at(plan, vmm, ram, config->ram_vaddr, "rw");
    plan_map_vm(plan, vm, ram, config->ram_gpa, "rwx");
    plan_map_vm(plan, vm, gicv, GUEST_GICC_GPA, "rw");
    config->kernel = map_image(plan, vmm, boot->kernel);
    config->initrd = map_image(plan, vmm, boot->initrd);

    tree->file = arena_printf(arena, "%s.dtb", name);
    tree->tree = device_tree_make(arena, config, GUEST_GICC_GPA, bootargs(arena, guest));
    config->dtb = plan_tree(plan, vmm, name, tree);
    return vmm;
}
