/* SPDX-License-Identifier: BSD-2-Clause */
/* One device of the board, as its device tree has it. */
#include "compose/board.h"

#include "compose/device_tree.h"

#include <libfdt.h>
#include <string.h>

#define MAX_NODE_BYTES 0x1000 /* so that a guest's tree has room for a few */
#define LAST_SPI       1019

/* Properties that point to other nodes of the board's tree: a guest has none of those. */
static const char *const references[] = {
    "assigned-clock-parents",
    "assigned-clocks",
    "clocks",
    "dmas",
    "hwlocks",
    "interconnects",
    "io-channels",
    "iommus",
    "mboxes",
    "memory-region",
    "msi-map",
    "msi-parent",
    "nvmem-cells",
    "operating-points-v2",
    "phy",
    "phys",
    "power-domains",
    "pwms",
    "resets",
    "sound-dai",
    "thermal-sensors",
    "interrupt-map",
    "interrupts-extended",
};
static const char *const reference_ends[] = { "-gpio", "-gpios", "-handle", "-supply" };

bool board_refers(const char *property)
{
    size_t length = strlen(property);
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        if (strcmp(property, references[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(reference_ends) / sizeof(reference_ends[0]); i++) {
        size_t end = strlen(reference_ends[i]);
        if (length > end && strcmp(property + length - end, reference_ends[i]) == 0) {
            return true;
        }
    }
    return strncmp(property, "pinctrl-", 8) == 0 && strcmp(property, "pinctrl-names") != 0;
}

/* Whether the node's addresses are the CPU's: no bus above it translates them. */
static bool is_mapped_one_to_one(const void *dtb, int node)
{
    for (int bus = fdt_parent_offset(dtb, node); bus > 0; bus = fdt_parent_offset(dtb, bus)) {
        int length;
        if (fdt_getprop(dtb, bus, "ranges", &length) == NULL || length != 0) {
            return false;
        }
    }
    return true;
}

/* Whether the node's interrupts go to a GIC: the nearest `interrupt-parent` above it says so. */
static bool interrupts_gic(const void *dtb, int node)
{
    const fdt32_t *parent = NULL;
    for (; node >= 0 && parent == NULL; node = fdt_parent_offset(dtb, node)) {
        int length;
        parent = fdt_getprop(dtb, node, "interrupt-parent", &length);
        if (parent != NULL && length != (int)sizeof(*parent)) {
            return false;
        }
    }
    int controller = parent == NULL ? -1 : fdt_node_offset_by_phandle(dtb, fdt32_to_cpu(*parent));
    return controller >= 0 && board_is_gic(dtb, controller);
}

/* Reads what of `reg` and `interrupts` there is room for, and one more: too many. */
static void read_lists(const void *dtb, int node, struct board_device *device)
{
    while (device->num_registers <= BOARD_DEVICE_REGISTERS &&
           board_reg(dtb, node, (int)device->num_registers,
                     &device->registers[device->num_registers])) {
        device->num_registers++;
    }
    while (device->num_irqs <= BOARD_DEVICE_IRQS &&
           board_interrupt(dtb, node, (int)device->num_irqs, &device->irqs[device->num_irqs])) {
        device->num_irqs++;
    }
}

static bool has_odd_irq(const struct board_device *device)
{
    for (unsigned i = 0; i < device->num_irqs; i++) {
        if (device->irqs[i].intid < GIC_FIRST_SPI || device->irqs[i].intid > LAST_SPI) {
            return true;
        }
    }
    return false;
}

static bool has_odd_register(const struct board_device *device)
{
    for (unsigned i = 0; i < device->num_registers; i++) {
        const struct board_range *range = &device->registers[i];
        if (range->bytes == 0 || range->addr + range->bytes - 1 < range->addr) {
            return true;
        }
    }
    return false;
}

const char *board_find_device(const void *dtb, const char *path, struct board_device *device)
{
    int node = path[0] == '/' ? fdt_path_offset(dtb, path) : -FDT_ERR_BADPATH;
    memset(device, 0, sizeof(*device));
    if (node < 0) {
        return "is no node of the board's device tree";
    }
    device->node = node;
    device->is_virtio = fdt_node_check_compatible(dtb, node, "virtio,mmio") == 0;
    read_lists(dtb, node, device);
    if (!board_is_enabled(dtb, node)) {
        return "is not there for us: its `status` in the board's device tree is not okay";
    }
    if (fdt_getprop(dtb, node, "interrupt-controller", NULL) != NULL) {
        return "is an interrupt controller, which every guest has of its own";
    }
    if (fdt_first_subnode(dtb, node) >= 0) {
        return "has nodes below it, which are not passed through; only a node without is";
    }
    if (device->num_registers == 0 || has_odd_register(device) ||
        !is_mapped_one_to_one(dtb, node)) {
        return "has no registers that the CPU sees at the address in `reg`; give a node that has, "
               "at the root or below buses with an empty `ranges`";
    }
    if (device->num_irqs == 0 || has_odd_irq(device) || !interrupts_gic(dtb, node)) {
        return "has no `interrupts` that are SPIs of the GIC; give a node that has";
    }
    if (device->num_registers > BOARD_DEVICE_REGISTERS || device->num_irqs > BOARD_DEVICE_IRQS ||
        fdt_next_node(dtb, node, NULL) - node > MAX_NODE_BYTES) {
        return "is larger than a device that is passed through may be: 4 `reg`, 8 `interrupts`, 4K";
    }
    return NULL;
}

const char *const *board_device_paths(struct arena *arena, const void *dtb)
{
    enum { MAX_PATHS = 512, PATH_BYTES = 256 };
    const char **paths = (const char **)arena_alloc(arena, (MAX_PATHS + 1) * sizeof(*paths));
    size_t count = 0;
    for (int node = fdt_next_node(dtb, -1, NULL); node >= 0 && count < MAX_PATHS;
         node = fdt_next_node(dtb, node, NULL)) {
        char path[PATH_BYTES];
        struct board_device device;
        if (fdt_get_path(dtb, node, path, sizeof(path)) == 0 &&
            board_find_device(dtb, path, &device) == NULL) {
            paths[count++] = arena_printf(arena, "%s", path);
        }
    }
    return paths;
}
