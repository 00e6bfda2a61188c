/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/compose/compose_rig.h"

#include "compose/compose.h"

#include <ftw.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include <cmocka.h>

#define PHANDLE_GIC 0x8002

const char *rig_partition;
uint64_t rig_most_ram;

static char folder[] = "/tmp/compose-test-XXXXXX";

void rig_write(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

void *rig_read(const char *name, size_t *length)
{
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    bytes[*length] = '\0';
    (void)fclose(file);
    return bytes;
}

static void reg(void *fdt, const uint64_t *values, size_t count)
{
    fdt64_t cells[8];
    for (size_t i = 0; i < count; i++) {
        cells[i] = cpu_to_fdt64(values[i]);
    }
    assert_int_equal(fdt_property(fdt, "reg", cells, (int)(count * sizeof(cells[0]))), 0);
}

static void interrupts(void *fdt, const uint32_t *values, size_t count)
{
    fdt32_t cells[12];
    for (size_t i = 0; i < count; i++) {
        cells[i] = cpu_to_fdt32(values[i]);
    }
    assert_int_equal(fdt_property(fdt, "interrupts", cells, (int)(count * sizeof(cells[0]))), 0);
}

static void virtio_slots(void *fdt, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "virtio_mmio@%x", 0xa000000 + i * 0x200);
        fdt_begin_node(fdt, name);
        fdt_property_string(fdt, "compatible", "virtio,mmio");
        reg(fdt, (uint64_t[]){ 0xa000000 + i * 0x200, 0x200 }, 2);
        interrupts(fdt, (uint32_t[]){ 0, 16 + i, 1 }, 3);
        fdt_end_node(fdt);
    }
}

static void device(void *fdt, const char *name, uint64_t addr, uint32_t irq_kind, uint32_t irq)
{
    fdt_begin_node(fdt, name);
    reg(fdt, (uint64_t[]){ addr, 0x1000 }, 2);
    interrupts(fdt, (uint32_t[]){ irq_kind, irq, 4 }, 3);
}

/* Devices that a guest can be given, and others that it can not. */
static void more_devices(void *fdt)
{
    device(fdt, "rtc@9010000", 0x9010000, 0, 2);
    fdt_property_string(fdt, "compatible", "arm,pl031");
    fdt_property_u32(fdt, "clocks", 0x8000);
    fdt_property_u32(fdt, "phandle", 0x8003);
    fdt_end_node(fdt);
    device(fdt, "two@9020000", 0x9020000, 0, 3);
    fdt_end_node(fdt);
    device(fdt, "shares@9030000", 0x9030000, 0, 2);
    fdt_end_node(fdt);
    device(fdt, "private@9040000", 0x9040000, 1, 4);
    fdt_end_node(fdt);
    device(fdt, "over@b000000", 0xb000000, 0, 4);
    fdt_end_node(fdt);
    device(fdt, "secure@9070000", 0x9070000, 0, 7);
    fdt_property_string(fdt, "status", "disabled");
    fdt_end_node(fdt);
    device(fdt, "parent@9050000", 0x9050000, 0, 5);
    fdt_begin_node(fdt, "child");
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "bus");
    fdt_property_u32(fdt, "#address-cells", 2);
    fdt_property_u32(fdt, "#size-cells", 2);
    fdt_property_u64(fdt, "ranges", 0);
    device(fdt, "moved@9060000", 0x9060000, 0, 6);
    fdt_end_node(fdt);
    fdt_end_node(fdt);
}

/* Of QEMU, and its firmware. */
static void firmware(void *fdt)
{
    static const char psci[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";
    fdt_begin_node(fdt, "psci");
    fdt_property(fdt, "compatible", psci, sizeof(psci));
    fdt_property_string(fdt, "method", "smc");
    fdt_end_node(fdt);
}

/* What QEMU's virt says of itself, as far as it matters; without slots it is another board. */
static void write_board(uint64_t ram_bytes, bool with_gicv, unsigned slots)
{
    static char fdt[8192];
    static const char pl011[] = "arm,pl011\0arm,primecell";
    static const char timer[] = "arm,armv8-timer\0arm,armv7-timer";
    fdt_create(fdt, sizeof(fdt));
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    fdt_property_u32(fdt, "#address-cells", 2);
    fdt_property_u32(fdt, "#size-cells", 2);
    fdt_property_u32(fdt, "interrupt-parent", PHANDLE_GIC);
    fdt_property_string(fdt, "compatible", slots > 0 ? "linux,dummy-virt" : "other,board");
    fdt_begin_node(fdt, "memory@40000000");
    fdt_property_string(fdt, "device_type", "memory");
    reg(fdt, (uint64_t[]){ 0x40000000, ram_bytes }, 2);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "pl011@9000000");
    fdt_property(fdt, "compatible", pl011, sizeof(pl011));
    reg(fdt, (uint64_t[]){ RIG_UART_ADDR, 0x1000 }, 2);
    interrupts(fdt, (uint32_t[]){ 0, 1, 4 }, 3);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "intc@8000000");
    fdt_property_string(fdt, "compatible", "arm,cortex-a15-gic");
    fdt_property(fdt, "interrupt-controller", NULL, 0);
    fdt_property_u32(fdt, "phandle", PHANDLE_GIC);
    reg(fdt,
        (uint64_t[]){ 0x08000000, 0x10000, 0x08010000, 0x10000, 0x08030000, 0x10000, RIG_GICV_ADDR,
                      0x10000 },
        with_gicv ? 8 : 4);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "timer");
    fdt_property(fdt, "compatible", timer, sizeof(timer));
    interrupts(fdt, (uint32_t[]){ 1, 13, 0x104, 1, 14, 0x104, 1, 11, 0x104, 1, 10, 0x104 }, 12);
    fdt_end_node(fdt);
    virtio_slots(fdt, slots);
    if (slots > 0) {
        firmware(fdt);
    }
    more_devices(fdt);
    fdt_begin_node(fdt, "chosen");
    fdt_property_string(fdt, "stdout-path", "/pl011@9000000");
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    assert_int_equal(fdt_finish(fdt), 0);
    rig_write("board.dtb", fdt, fdt_totalsize(fdt));
}

void rig_write_board(uint64_t ram_bytes, bool with_gicv)
{
    write_board(ram_bytes, with_gicv, 32);
}

void rig_write_board_without_slots(void)
{
    write_board(RIG_BOARD_RAM, true, 0);
}

static size_t cpio_entry(uint8_t *to, const char *name, uint32_t mode, uint32_t bytes)
{
    size_t length = strlen(name) + 1;
    int header = sprintf((char *)to, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                         1u, mode, 0u, 0u, 1u, 0u, bytes, 0u, 0u, 0u, 0u, (unsigned)length, 0u);
    memcpy(to + header, name, length);
    size_t data = ((size_t)header + length + 3) / 4 * 4;
    memset(to + (size_t)header + length, 0, data - (size_t)header - length);
    memset(to + data, 0, bytes);
    return (data + bytes + 3) / 4 * 4;
}

size_t rig_cpio(uint8_t *to, uint32_t bytes)
{
    size_t length = cpio_entry(to, "file", 0100644, bytes);
    return length + cpio_entry(to + length, "TRAILER!!!", 0, 0);
}

size_t rig_gzip(uint8_t *to, size_t room, const uint8_t *from, size_t length)
{
    z_stream z = {
        .next_in = from, .avail_in = (unsigned)length, .next_out = to, .avail_out = (unsigned)room
    };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    return room - z.avail_out;
}

static void write_images(void)
{
    static uint64_t kernel[RIG_KERNEL_BYTES / 8];
    static uint8_t cpio[RIG_UNPACKED + 1024], initrd[RIG_INITRD_BYTES];
    kernel[2] = RIG_IMAGE_SIZE;
    kernel[7] = 0x644d5241;
    rig_write("Image", kernel, sizeof(kernel));
    (void)rig_gzip(initrd, sizeof(initrd), cpio, rig_cpio(cpio, RIG_UNPACKED));
    rig_write("initrd", initrd, sizeof(initrd));
    rig_write("empty", "", 0);
    rig_write("gzipped", "\x1f\x8b\x08", 3);
    rig_write("vmlinux",
              "\x7f"
              "ELF\x02",
              5);
}

int rig_setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        return -1;
    }
    rig_write_board(RIG_BOARD_RAM, true);
    write_images();
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int rig_teardown(void **state)
{
    (void)state;
    if (chdir("/") != 0) {
        return -1;
    }
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *run(const struct compose_options *options, bool *good)
{
    char *told = NULL;
    size_t length = 0;
    FILE *err = open_memstream(&told, &length);
    assert_non_null(err);
    *good = compose(options, err);
    assert_int_equal(fclose(err), 0);
    return told;
}

char *rig_compose(const void *yaml, size_t length, const char *out, bool *good)
{
    rig_write("system.yaml", yaml, length);
    struct compose_options options = { .system_path = "system.yaml",
                                       .board_path = "board.dtb",
                                       .out_folder = out,
                                       .defaults = { .kernel = "Image",
                                                     .initrd = "initrd",
                                                     .partition = rig_partition,
                                                     .most_ram_bytes = rig_most_ram } };
    return run(&options, good);
}

char *rig_compose_bare(const char *yaml, const char *out, bool *good)
{
    rig_write("system.yaml", yaml, strlen(yaml));
    struct compose_options options = { .system_path = "system.yaml",
                                       .board_path = "board.dtb",
                                       .out_folder = out };
    return run(&options, good);
}
