/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/device_tree.h"

#include "compose/limits.h"

#include <assert.h>
#include <cloister/uio_blk.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#define PHANDLE_GIC   1
#define PHANDLE_CLOCK 2
#define IRQ_LEVEL     4u /* active high */
#define CLOCK_HZ      24000000

/* libfdt's sequential writer, with the first error kept: asked for once, at the end. */
struct writer {
    void *fdt;
    int error;
};

static void keep(struct writer *writer, int error)
{
    if (writer->error == 0) {
        writer->error = error;
    }
}

#define PUT(writer, function, ...)  keep(writer, function((writer)->fdt, __VA_ARGS__))
#define BEGIN(writer, name)         PUT(writer, fdt_begin_node, name)
#define TEXT(writer, name, value)   PUT(writer, fdt_property_string, name, value)
#define NUMBER(writer, name, value) PUT(writer, fdt_property_u32, name, value)
#define FLAG(writer, name)          PUT(writer, fdt_property, name, NULL, 0)
#define TEXTS(writer, name, value)                                                                 \
    PUT(writer, fdt_property, name, value, sizeof(value)) /* array                                 \
                                                           */

static void begin_at(struct writer *writer, const char *name, uint64_t unit)
{
    char full[48];
    (void)snprintf(full, sizeof(full), "%s@%lx", name, (unsigned long)unit);
    BEGIN(writer, full);
}

static void end(struct writer *writer)
{
    keep(writer, fdt_end_node(writer->fdt));
}

static void numbers(struct writer *writer, const char *name, const uint32_t *values, size_t count)
{
    fdt32_t cells[16];
    assert(count <= sizeof(cells) / sizeof(cells[0]));
    for (size_t i = 0; i < count; i++) {
        cells[i] = cpu_to_fdt32(values[i]);
    }
    PUT(writer, fdt_property, name, cells, (int)(count * sizeof(cells[0])));
}
#define NUMBERS(writer, name, ...)                                                                 \
    numbers(writer, name, (const uint32_t[]){ __VA_ARGS__ },                                       \
            sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define HIGH(value) ((uint32_t)((value) >> 32))
#define LOW(value)  ((uint32_t)(value))

/* `reg` of one range, in two cells each. */
static void reg(struct writer *writer, uint64_t gpa, uint64_t bytes)
{
    NUMBERS(writer, "reg", HIGH(gpa), LOW(gpa), HIGH(bytes), LOW(bytes));
}

static bool has_rng(const struct vmm_config *config)
{
    for (uint32_t i = 0; i < config->num_devices; i++) {
        if (config->devices[i].type == VMM_DEVICE_VIRTIO_RNG) {
            return true;
        }
    }
    return false;
}

static void write_chosen(struct writer *writer, const struct vmm_config *config,
                         const char *bootargs)
{
    BEGIN(writer, "chosen");
    TEXT(writer, "bootargs", bootargs);
    TEXT(writer, "stdout-path", "/pl011@9000000");
    if (config->initrd.size_bytes != 0) {
        PUT(writer, fdt_property_u64, "linux,initrd-start", config->initrd_gpa);
        PUT(writer, fdt_property_u64, "linux,initrd-end",
            config->initrd_gpa + config->initrd.size_bytes);
    }
    if (has_rng(config)) { /* its VMM writes it anew at each start */
        static const uint8_t seed[VMM_SEED_BYTES];
        PUT(writer, fdt_property, "rng-seed", seed, sizeof(seed));
    }
    end(writer);
}

static void write_memory(struct writer *writer, const struct vmm_config *config)
{
    begin_at(writer, "memory", config->ram_gpa);
    TEXT(writer, "device_type", "memory");
    reg(writer, config->ram_gpa, config->ram_bytes);
    end(writer);
}

static void write_cpus(struct writer *writer, uint32_t num_vcpus)
{
    BEGIN(writer, "cpus");
    NUMBER(writer, "#address-cells", 1);
    NUMBER(writer, "#size-cells", 0);
    for (uint32_t i = 0; i < num_vcpus; i++) {
        begin_at(writer, "cpu", i);
        TEXT(writer, "device_type", "cpu");
        TEXT(writer, "compatible", "arm,armv8");
        NUMBER(writer, "reg", i);
        TEXT(writer, "enable-method", "psci");
        end(writer);
    }
    end(writer);
}

/* By SMC: an HVC of a guest ends in the system-call decoder of real seL4. */
static void write_psci(struct writer *writer)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";
    BEGIN(writer, "psci");
    TEXTS(writer, "compatible", compatible);
    TEXT(writer, "method", "smc");
    end(writer);
}

static void write_gic(struct writer *writer, uint64_t gicd_gpa, uint64_t gicc_gpa)
{
    begin_at(writer, "intc", gicd_gpa);
    TEXT(writer, "compatible", "arm,cortex-a15-gic");
    FLAG(writer, "interrupt-controller");
    NUMBER(writer, "#interrupt-cells", 3);
    NUMBER(writer, "#address-cells", 0);
    NUMBERS(writer, "reg", HIGH(gicd_gpa), LOW(gicd_gpa), 0, GUEST_GICD_BYTES, HIGH(gicc_gpa),
            LOW(gicc_gpa), 0, GUEST_GICC_BYTES);
    NUMBER(writer, "phandle", PHANDLE_GIC);
    end(writer);
}

/* Secure, physical, virtual and hypervisor timer; Linux at EL1 takes the virtual one. */
static void write_timer(struct writer *writer, uint32_t num_vcpus)
{
    uint32_t flags = ((1u << num_vcpus) - 1) << 8 | IRQ_LEVEL; /* bits 8 to 15: which cores */
    BEGIN(writer, "timer");
    TEXT(writer, "compatible", "arm,armv8-timer");
    NUMBERS(writer, "interrupts", GIC_PPI, 13, flags, GIC_PPI, 14, flags, GIC_PPI, 11, flags,
            GIC_PPI, 10, flags);
    FLAG(writer, "always-on");
    end(writer);
}

static void write_clock(struct writer *writer)
{
    BEGIN(writer, "apb-pclk");
    TEXT(writer, "compatible", "fixed-clock");
    NUMBER(writer, "#clock-cells", 0);
    NUMBER(writer, "clock-frequency", CLOCK_HZ);
    TEXT(writer, "clock-output-names", "clk24mhz");
    NUMBER(writer, "phandle", PHANDLE_CLOCK);
    end(writer);
}

static void device_interrupt(struct writer *writer, const struct vmm_device *device)
{
    if (device->intid != 0) {
        NUMBERS(writer, "interrupts", GIC_SPI, device->intid - GIC_FIRST_SPI, IRQ_LEVEL);
    }
}

/* Only "arm,pl011": earlycon finds it by that, and the amba driver, which would want a whole
 * PL011, binds to "arm,primecell" alone. */
static void write_pl011(struct writer *writer, const struct vmm_device *device)
{
    static const char names[] = "uartclk\0apb_pclk";
    begin_at(writer, "pl011", device->gpa);
    TEXT(writer, "compatible", "arm,pl011");
    reg(writer, device->gpa, device->size_bytes);
    device_interrupt(writer, device);
    NUMBERS(writer, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    TEXTS(writer, "clock-names", names);
    end(writer);
}

static void write_virtio(struct writer *writer, const struct vmm_device *device)
{
    begin_at(writer, "virtio_mmio", device->gpa);
    TEXT(writer, "compatible", "virtio,mmio");
    reg(writer, device->gpa, device->size_bytes);
    device_interrupt(writer, device);
    FLAG(writer, "dma-coherent");
    end(writer);
}

/* In the order that cloister/uio_blk.h has: rings, registers, data. */
static void write_served(struct writer *writer, const struct vmm_device *device,
                         const struct vmm_served_disk *served)
{
    begin_at(writer, UIO_BLK_NAME, served->rings_gpa);
    TEXT(writer, "compatible", "generic-uio");
    TEXT(writer, "linux,uio-name", UIO_BLK_NAME);
    NUMBERS(writer, "reg", HIGH(served->rings_gpa), LOW(served->rings_gpa), 0, UIO_BLK_RINGS_BYTES,
            HIGH(device->gpa), LOW(device->gpa), 0, LOW(device->size_bytes), HIGH(served->data_gpa),
            LOW(served->data_gpa), 0, LOW(served->data_bytes));
    device_interrupt(writer, device);
    end(writer);
}

static void write_devices(struct writer *writer, const struct vmm_config *config)
{
    const struct vmm_served_disk *served = config->served;
    for (uint32_t i = 0; i < config->num_devices; i++) {
        const struct vmm_device *device = &config->devices[i];
        if (device->type == VMM_DEVICE_PL011) {
            write_pl011(writer, device);
        } else if (device->type == VMM_DEVICE_SERVED_DISK) {
            write_served(writer, device, served++);
        } else {
            write_virtio(writer, device);
        }
    }
}

/* `reg` of several ranges. */
static void regs(struct writer *writer, const struct board_range *ranges, unsigned count)
{
    uint32_t cells[4 * BOARD_DEVICE_REGISTERS] = { 0 };
    for (unsigned i = 0; i < count; i++) {
        const uint32_t range[] = { HIGH(ranges[i].addr), LOW(ranges[i].addr), HIGH(ranges[i].bytes),
                                   LOW(ranges[i].bytes) };
        memcpy(&cells[4ul * i], range, sizeof(range));
    }
    numbers(writer, "reg", cells, 4ul * count);
}

/* The node as it stands in the board's tree, but for its place there. */
static void write_passed(struct writer *writer, const void *dtb, const struct board_device *device)
{
    static const char *const dropped[] = { "reg", "phandle", "linux,phandle", "interrupt-parent" };
    int property;
    BEGIN(writer, fdt_get_name(dtb, device->node, NULL));
    regs(writer, device->registers, device->num_registers);
    fdt_for_each_property_offset(property, dtb, device->node)
    {
        const char *name = NULL;
        int length = 0;
        const void *value = fdt_getprop_by_offset(dtb, property, &name, &length);
        bool kept = !board_refers(name);
        for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
            kept = kept && strcmp(name, dropped[i]) != 0;
        }
        if (kept) {
            PUT(writer, fdt_property, name, value, length);
        }
    }
    end(writer);
}

static void write_root(struct writer *writer, const struct vmm_config *config,
                       const struct passed *passed, uint64_t gicc_gpa, const char *bootargs)
{
    BEGIN(writer, "");
    TEXT(writer, "compatible", "cloister,cell");
    TEXT(writer, "model", "Cloister cell");
    NUMBER(writer, "#address-cells", 2);
    NUMBER(writer, "#size-cells", 2);
    NUMBER(writer, "interrupt-parent", PHANDLE_GIC);
    write_chosen(writer, config, bootargs);
    write_memory(writer, config);
    write_cpus(writer, config->num_vcpus);
    write_psci(writer);
    write_gic(writer, config->gicd_gpa, gicc_gpa);
    write_timer(writer, config->num_vcpus);
    write_clock(writer);
    write_devices(writer, config);
    for (size_t i = 0; i < passed->count; i++) {
        write_passed(writer, passed->dtb, &passed->devices[i]);
    }
    end(writer);
}

struct device_tree device_tree_make(struct arena *arena, const struct vmm_config *config,
                                    const struct passed *passed, uint64_t gicc_gpa,
                                    const char *bootargs)
{
    struct writer writer = { .fdt = arena_alloc(arena, DEVICE_TREE_MAX_BYTES) };
    keep(&writer, fdt_create(writer.fdt, DEVICE_TREE_MAX_BYTES));
    keep(&writer, fdt_finish_reservemap(writer.fdt));
    write_root(&writer, config, passed, gicc_gpa, bootargs);
    keep(&writer, fdt_finish(writer.fdt));
    /* Cannot fail: the buffer is far larger than any tree that the checked model gives. */
    assert(writer.error == 0);
    return (struct device_tree){ writer.fdt, fdt_totalsize(writer.fdt) };
}

uint32_t device_tree_seed_offset(const struct device_tree *tree)
{
    const char *seed =
        fdt_getprop(tree->bytes, fdt_path_offset(tree->bytes, "/chosen"), "rng-seed", NULL);
    return seed == NULL ? 0 : (uint32_t)(seed - (const char *)tree->bytes);
}
