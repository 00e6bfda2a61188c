/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a board's device tree, or a good one with any of its properties changed: it is read,
 * or what is wrong is told; every device that it offers for passthrough goes into a guest's tree,
 * which is a good one.
 */
#include "compose/board.h"
#include "compose/device_tree.h"
#include "tests/fuzz/input.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define TREE_BYTES 4096

/* Nodes at the root, each with what is read of it. */
static const struct {
    const char *name, *compatible;
    uint32_t reg[8], interrupts[6];
} nodes[] = {
    { "pl011@9000000", "arm,pl011", { 0, 0x9000000, 0, 0x1000 }, { 0, 1, 4 } },
    { "intc@8000000", "arm,gic-400", { 0, 0x8000000, 0, 0x10000 }, { 0 } },
    { "timer", "arm,armv8-timer", { 0 }, { 1, 13, 0x104, 1, 14, 0x104 } },
    { "virtio@a000000", "virtio,mmio", { 0, 0xa000000, 0, 0x200 }, { 0, 16, 1 } },
    { "rtc@9010000", "arm,pl031", { 0, 0x9010000, 0, 0x1000 }, { 0, 2, 4 } },
    { "memory@40000000", "ram", { 0, 0x40000000, 0, 0x40000000 }, { 0 } },
    { "bus", "simple-bus", { 0 }, { 0 } },
    { "chosen", "none", { 0 }, { 0 } },
};

static const char *const properties[] = {
    "reg",
    "interrupts",
    "compatible",
    "status",
    "#address-cells",
    "#size-cells",
    "ranges",
    "phandle",
    "interrupt-parent",
    "stdout-path",
    "device_type",
    "clocks",
    "x",
    "dma-handle",
    "pinctrl-0",
    "interrupt-controller",
};
#define NUM_PROPERTIES (sizeof(properties) / sizeof(properties[0]))

static void put_cells(void *fdt, int node, const char *name, const uint32_t *cells, size_t count)
{
    fdt32_t value[16];
    for (size_t i = 0; i < count; i++) {
        value[i] = cpu_to_fdt32(cells[i]);
    }
    if (cells[1] != 0) {
        (void)fdt_setprop(fdt, node, name, value, (int)(count * sizeof(value[0])));
    }
}

/* A small board as QEMU's virt describes it. */
static void good_tree(void *fdt)
{
    static const uint32_t gic[] = { 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000,
                                    0, 0x8030000, 0, 0x10000, 0, 0x8040000, 0, 0x10000 };
    (void)fdt_create_empty_tree(fdt, TREE_BYTES);
    (void)fdt_setprop_u32(fdt, 0, "#address-cells", 2);
    (void)fdt_setprop_u32(fdt, 0, "#size-cells", 2);
    (void)fdt_setprop_u32(fdt, 0, "interrupt-parent", 1);
    for (size_t i = sizeof(nodes) / sizeof(nodes[0]); i-- > 0;) {
        int node = fdt_add_subnode(fdt, 0, nodes[i].name);
        (void)fdt_setprop_string(fdt, node, "compatible", nodes[i].compatible);
        put_cells(fdt, node, "reg", nodes[i].reg, 4);
        put_cells(fdt, node, "interrupts", nodes[i].interrupts, i == 2 ? 6 : 3);
    }
    int intc = fdt_path_offset(fdt, "/intc@8000000");
    (void)fdt_setprop_u32(fdt, intc, "phandle", 1);
    put_cells(fdt, intc, "reg", gic, 16);
    (void)fdt_setprop_string(fdt, fdt_path_offset(fdt, "/memory@40000000"), "device_type",
                             "memory");
    (void)fdt_setprop_string(fdt, fdt_path_offset(fdt, "/chosen"), "stdout-path", "/pl011@9000000");
}

/* Changes a property of a node, of any length, or takes it away; or puts a node below it. */
static void change(struct input *in, void *fdt)
{
    uint8_t what = (uint8_t)take(in, 1), length = (uint8_t)take(in, 1);
    const char *name = properties[what % NUM_PROPERTIES];
    int node = 0;
    for (uint8_t n = (uint8_t)take(in, 1) % 16; n > 0 && node >= 0; n--) {
        node = fdt_next_node(fdt, node, NULL);
    }
    length = length < in->left ? length : (uint8_t)in->left;
    if (what < 0xc0) {
        (void)fdt_setprop(fdt, node, name, in->at, length);
    } else if (what < 0xe0) {
        (void)fdt_delprop(fdt, node, name);
    } else {
        (void)fdt_add_subnode(fdt, node, name);
    }
    in->at += length;
    in->left -= length;
}

static void make_guest_tree(struct arena *arena, const void *dtb, const char *path)
{
    struct vmm_config config = { .ram_gpa = 0x40000000, .ram_bytes = 0x10000000, .num_vcpus = 1 };
    struct board_device device;
    struct passed passed = { dtb, &device, 1 };
    if (board_find_device(dtb, path, &device) != NULL) {
        abort(); /* it was found a moment ago */
    }
    struct device_tree tree = device_tree_make(arena, &config, &passed, 0x08010000, "");
    if (fdt_check_full(tree.bytes, tree.size_bytes) != 0) {
        abort();
    }
}

static void read_board(const void *dtb, size_t bytes)
{
    struct arena arena = { 0 };
    char *told = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&told, &length);
    struct diag diag = { .arena = &arena, .out = out, .file = "fuzz.yaml" };
    struct board board;
    bool good = board_read(&diag, "board.dtb", dtb, bytes, &board);
    if (good) {
        for (const char *const *p = board_device_paths(&arena, dtb); *p != NULL; p++) {
            make_guest_tree(&arena, dtb, *p);
        }
    }
    (void)fclose(out);
    if (good != (length == 0)) {
        abort();
    }
    free(told);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fdt64_t tree[TREE_BYTES / 8];
    struct input in = { data, size };
    bool is_raw = take(&in, 1) & 1;
    const void *from = is_raw ? in.at : (const uint8_t *)tree;
    if (!is_raw) {
        good_tree(tree);
        while (in.left > 0) {
            change(&in, tree);
        }
        (void)fdt_pack(tree);
    }
    size_t bytes = is_raw ? in.left : fdt_totalsize(tree);
    void *dtb = malloc(bytes > 0 ? bytes : 1); /* aligned, and its end is known to ASan */
    memcpy(dtb, from, bytes);
    read_board(dtb, bytes);
    free(dtb);
    return 0;
}
