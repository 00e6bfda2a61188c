/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/board.h"

#include "compose/device_tree.h"

#include <libfdt.h>
#include <string.h>

#define GIC_REG_GICV       3 /* entries of `reg`: GICD, GICC, GICH, GICV */
#define TIMER_IRQ_PHYSICAL 1 /* entries of `interrupts`: secure, physical, virtual, hypervisor */
#define IRQ_CELLS          3
#define IRQ_FLAGS_EDGE     3 /* rising 1, falling 2 */

/* UARTs that there is a driver for. */
static const struct {
    const char *compatible;
    const char *program;
} uarts[] = { { "arm,pl011", "serial_driver_pl011.elf" } };

static const char *const gics[] = { "arm,cortex-a15-gic", "arm,gic-400" };

bool board_is_gic(const void *dtb, int node)
{
    for (size_t i = 0; i < sizeof(gics) / sizeof(gics[0]); i++) {
        if (fdt_node_check_compatible(dtb, node, gics[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool board_is_enabled(const void *dtb, int node)
{
    const char *status = fdt_getprop(dtb, node, "status", NULL);
    return status == NULL || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

static uint64_t cells(const fdt32_t *cell, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value = value << 32 | fdt32_to_cpu(cell[i]);
    }
    return value;
}

bool board_reg(const void *dtb, int node, int index, struct board_range *range)
{
    int parent = fdt_parent_offset(dtb, node);
    int address_cells = fdt_address_cells(dtb, parent);
    int size_cells = fdt_size_cells(dtb, parent);
    int length;
    const fdt32_t *prop = fdt_getprop(dtb, node, "reg", &length);
    if (prop == NULL || address_cells < 1 || address_cells > 2 || size_cells < 1 ||
        size_cells > 2) {
        return false;
    }
    int entry = address_cells + size_cells;
    if (length / (int)sizeof(fdt32_t) < entry * (index + 1)) {
        return false;
    }
    range->addr = cells(prop + (ptrdiff_t)entry * index, address_cells);
    range->bytes = cells(prop + (ptrdiff_t)entry * index + address_cells, size_cells);
    return true;
}

bool board_interrupt(const void *dtb, int node, int index, struct board_irq *irq)
{
    int length;
    const fdt32_t *prop = fdt_getprop(dtb, node, "interrupts", &length);
    if (prop == NULL || length / (int)sizeof(fdt32_t) < IRQ_CELLS * (index + 1)) {
        return false;
    }
    const fdt32_t *cell = prop + (ptrdiff_t)IRQ_CELLS * index;
    uint32_t base = fdt32_to_cpu(cell[0]) == GIC_SPI ? GIC_FIRST_SPI : GIC_FIRST_PPI;
    irq->intid = base + fdt32_to_cpu(cell[1]);
    irq->is_edge = (fdt32_to_cpu(cell[2]) & IRQ_FLAGS_EDGE) != 0;
    return true;
}

static const char *uart_program(const void *dtb, int node)
{
    for (size_t i = 0; i < sizeof(uarts) / sizeof(uarts[0]); i++) {
        if (fdt_node_check_compatible(dtb, node, uarts[i].compatible) == 0) {
            return uarts[i].program;
        }
    }
    return NULL;
}

/* The node that /chosen names for the console, or a negative number. */
static int stdout_node(const void *dtb)
{
    int chosen = fdt_path_offset(dtb, "/chosen");
    int length = 0;
    const char *path = chosen < 0 ? NULL : fdt_getprop(dtb, chosen, "stdout-path", &length);
    if (path == NULL || length < 1) {
        return -FDT_ERR_NOTFOUND;
    }
    const char *options = memchr(path, ':', (size_t)length); /* "serial0:115200n8" */
    size_t end = options == NULL ? strnlen(path, (size_t)length) : (size_t)(options - path);
    return fdt_path_offset_namelen(dtb, path, (int)end);
}

static int first_uart(const void *dtb)
{
    int node = -1;
    for (node = fdt_next_node(dtb, -1, NULL); node >= 0; node = fdt_next_node(dtb, node, NULL)) {
        if (board_is_enabled(dtb, node) && uart_program(dtb, node) != NULL) {
            return node;
        }
    }
    return node;
}

/* Each reads a part of the board, and returns what is wrong with it or NULL. */

static const char *read_uart(const void *dtb, struct board *board)
{
    int node = stdout_node(dtb);
    if (node < 0 || uart_program(dtb, node) == NULL) {
        node = first_uart(dtb);
    }
    if (node < 0 || !board_reg(dtb, node, 0, &board->uart) ||
        !board_interrupt(dtb, node, 0, &board->uart_irq)) {
        return "the board has no UART that there is a driver for; 'arm,pl011' is known";
    }
    board->uart_program = uart_program(dtb, node);
    return NULL;
}

static const char *read_gic(const void *dtb, struct board *board)
{
    int node = -1;
    for (size_t i = 0; i < sizeof(gics) / sizeof(gics[0]) && node < 0; i++) {
        node = fdt_node_offset_by_compatible(dtb, -1, gics[i]);
    }
    return node >= 0 && board_reg(dtb, node, GIC_REG_GICV, &board->gicv)
               ? NULL
               : "the board has no GICv2 with a virtual CPU interface; on QEMU's virt give "
                 "-machine virtualization=on,gic-version=2";
}

static const char *read_timer(const void *dtb, struct board *board)
{
    int node = fdt_node_offset_by_compatible(dtb, -1, "arm,armv8-timer");
    return node >= 0 && board_interrupt(dtb, node, TIMER_IRQ_PHYSICAL, &board->timer)
               ? NULL
               : "the board has no generic timer; 'arm,armv8-timer' with its four interrupts is "
                 "expected";
}

static const char *read_ram(const void *dtb, struct board *board)
{
    int node = fdt_node_offset_by_prop_value(dtb, -1, "device_type", "memory", sizeof("memory"));
    while (node >= 0) {
        struct board_range range;
        for (int i = 0; board_is_enabled(dtb, node) && board_reg(dtb, node, i, &range); i++) {
            if (board->ram_bytes == 0) {
                board->ram_paddr = range.addr;
            }
            board->ram_bytes += range.bytes;
        }
        node = fdt_node_offset_by_prop_value(dtb, node, "device_type", "memory", sizeof("memory"));
    }
    return board->ram_bytes != 0
               ? NULL
               : "the board has no RAM; a node with device_type 'memory' is expected";
}

/* A slot's number is its place among the others; a board need not have any. */
static const char *read_slots(const void *dtb, struct board *board)
{
    for (int node = fdt_node_offset_by_compatible(dtb, -1, "virtio,mmio"); node >= 0;
         node = fdt_node_offset_by_compatible(dtb, node, "virtio,mmio")) {
        struct board_slot slot;
        if (!board_reg(dtb, node, 0, &slot.registers) ||
            !board_interrupt(dtb, node, 0, &slot.irq) || slot.registers.bytes == 0) {
            return "a virtio,mmio node has no `reg` or no `interrupts`";
        }
        slot.is_coherent = fdt_getprop(dtb, node, "dma-coherent", NULL) != NULL;
        board->slots[board_slot(&slot.registers)] = slot;
    }
    return NULL;
}

/* PSCI by SMC can switch the board off. It need not be there: nothing is wrong without it. */
static const char *read_firmware(const void *dtb, struct board *board)
{
    static const char *const psci[] = { "arm,psci-1.0", "arm,psci-0.2" };
    for (size_t i = 0; i < sizeof(psci) / sizeof(psci[0]); i++) {
        int node = fdt_node_offset_by_compatible(dtb, -1, psci[i]);
        board->can_power_off |= node >= 0 && fdt_stringlist_search(dtb, node, "method", "smc") == 0;
    }
    board->is_qemu = fdt_node_check_compatible(dtb, 0, "linux,dummy-virt") == 0;
    return NULL;
}

bool board_read(struct diag *diag, const char *path, const void *dtb, size_t bytes,
                struct board *board)
{
    static const char *(*const parts[])(const void *dtb, struct board *board) = {
        read_uart, read_gic, read_timer, read_ram, read_slots, read_firmware
    };
    unsigned errors = diag->errors;
    memset(board, 0, sizeof(*board));
    board->dtb = dtb;
    if (bytes < sizeof(struct fdt_header) || fdt_check_full(dtb, bytes) != 0) {
        diag_error(
            diag, mark_file(path),
            "this is not a device tree; give a .dtb file, as dtc or QEMU's dumpdtb write it");
        return false;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *fault = parts[i](dtb, board);
        if (fault != NULL) {
            diag_error(diag, mark_file(path), "%s", fault);
        }
    }
    return diag->errors == errors;
}
