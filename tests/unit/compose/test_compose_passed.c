/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices of the board that a guest has to itself: what it is given, and what nobody is given. */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "vmm/core/vmm_config.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LARGE_PAGE 0x200000ul

static struct vmm_config config;

static void read_config(const struct composed *system, const char *vmm)
{
    composed_record(system, vmm, "vmm_config", &config, sizeof(config));
}

/* Registers appear in the guest where the board has them, and nowhere but in its VMM else. */
static void check_registers(const struct composed *system, const char *vmm, uint64_t addr)
{
    int pd = xml_pd(system->xml, vmm);
    const struct xml_map *map = xml_map_at(system->xml, pd, true, addr);
    assert_non_null(map);
    assert_string_equal(map->perms, "rw");
    assert_false(map->cached);
    assert_int_equal(xml_region(system->xml, map->region)->phys, addr);
    assert_int_equal(xml_region(system->xml, map->region)->size, 0x1000);
    for (size_t i = 0; i < system->xml->num_maps; i++) {
        const struct xml_map *other = &system->xml->maps[i];
        assert_true(other->pd == pd || strcmp(other->region, map->region) != 0);
    }
}

/* The VMM can stop the device. */
static void check_stop(const struct composed *system, const char *vmm, unsigned index,
                       uint64_t addr)
{
    uint64_t vaddr = config.passed_vaddr[index];
    uint64_t page = vaddr / 0x1000 * 0x1000;
    const struct xml_map *map = xml_map_at(system->xml, xml_pd(system->xml, vmm), false, page);
    assert_non_null(map);
    assert_true(index < config.num_passed && !map->cached && strcmp(map->perms, "rw") == 0);
    assert_int_equal(xml_region(system->xml, map->region)->phys + vaddr - page, addr);
}

static void check_irq(const struct composed *system, const char *vmm, unsigned index,
                      unsigned intid, bool is_edge)
{
    int pd = xml_pd(system->xml, vmm);
    assert_true(index < config.num_irqs);
    assert_int_equal(config.irqs[index].intid, intid);
    for (size_t i = 0; i < system->xml->num_irqs; i++) {
        const struct xml_irq *irq = &system->xml->irqs[i];
        if (irq->irq == intid) {
            assert_int_equal(irq->pd, pd);
            assert_int_equal(irq->id, config.irqs[index].channel);
            assert_int_equal(irq->is_edge, is_edge);
            return;
        }
    }
    fail_msg("nobody has interrupt %u", intid);
}

/* The guest's address of its RAM is the board's: the device is told by the guest. */
static void check_ram(const struct composed *system, const char *vmm)
{
    const struct xml_map *map =
        xml_map_at(system->xml, xml_pd(system->xml, vmm), true, config.ram_gpa);
    assert_int_equal(xml_region(system->xml, map->region)->phys, config.ram_gpa);
    assert_int_equal(config.ram_gpa % LARGE_PAGE, 0);
    assert_int_equal(config.kernel_gpa, config.ram_gpa);
    assert_true(config.dtb_gpa > config.ram_gpa && config.initrd_gpa > config.dtb_gpa);
    assert_true(config.initrd_gpa < config.ram_gpa + config.ram_bytes);
}

static char *text_of(const char *path)
{
    size_t length;
    return rig_read(path, &length);
}

static void expect_in_file(const char *path, const char *words)
{
    char *text = text_of(path);
    if (strstr(text, words) == NULL) {
        fail_msg("%s lacks '%s':\n%s", path, words, text);
    }
    free(text);
}

static const char one[] =
    "system: s\nguests:\n  - {name: a, memory: 64M, disk: true}\n"
    "  - {name: b, memory: 64M, disk: true, passthrough: [{node: /virtio_mmio@a001e00, qemu: net},"
    " /virtio_mmio@a001000, /rtc@9010000]}\n"
    "  - {name: c, memory: 64M, passthrough: [{node: /virtio_mmio@a000600, qemu: disk}]}\n"
    "  - {name: d, memory: 64M}\n";

static void devices_belong_to_guests(void **state)
{
    (void)state;
    struct composed system = composed_yaml(one, "passed");
    read_config(&system, "b_vmm");
    assert_int_equal(config.num_irqs, 3);
    check_registers(&system, "b_vmm", 0xa001000); /* one page for two slots */
    check_registers(&system, "b_vmm", 0x9010000);
    assert_int_equal(config.num_passed, 2);
    check_stop(&system, "b_vmm", 0, 0xa001e00);
    check_stop(&system, "b_vmm", 1, 0xa001000);
    check_irq(&system, "b_vmm", 0, 63, true);
    check_irq(&system, "b_vmm", 1, 56, true);
    check_irq(&system, "b_vmm", 2, 34, false);
    check_ram(&system, "b_vmm");
    read_config(&system, "c_vmm");
    check_registers(&system, "c_vmm", 0xa000000);
    check_irq(&system, "c_vmm", 0, 51, true);
    check_ram(&system, "c_vmm");
    assert_true(config.ram_gpa != 0x40000000);
    read_config(&system, "d_vmm");
    assert_int_equal(config.num_irqs, 0);
    assert_int_equal(config.ram_gpa, 0x40000000);
    expect_in_file("passed/system.devices", "disk\nslot 15 net\nslot 3 disk\n");
    expect_in_file("passed/notes.txt",
                   "b: has the board's device /virtio_mmio@a001e00 to itself. There is no IOMMU");
    expect_in_file("passed/notes.txt", "reads and writes all memory of the board");
    expect_in_file("passed/notes.txt", "b: its node /rtc@9010000 is without 'clocks'");
    free(system.xml);
}

/* A guest's emulated devices keep away from the interrupts that the board's devices have. */
static void emulated_devices_make_room(void **state)
{
    (void)state;
    struct composed system = composed_yaml(
        "system: s\nnetworks: [{name: n}]\nguests:\n  - {name: a, memory: 64M, net: [{network: n}],"
        " passthrough: [/virtio_mmio@a000200]}\n",
        "room");
    read_config(&system, "a_vmm");
    assert_int_equal(config.irqs[0].intid, 49);
    assert_int_equal(config.devices[1].intid, 48);
    assert_int_equal(config.devices[2].intid, 50);
    free(system.xml);
}

static const void *property(const void *dtb, int node, const char *name, int bytes)
{
    int length;
    const void *value = fdt_getprop(dtb, node, name, &length);
    assert_non_null(value);
    assert_int_equal(length, bytes);
    return value;
}

/* The node is the board's but for what points out of it. */
static void the_tree_has_the_node(void **state)
{
    (void)state;
    struct composed system = composed_yaml(one, "tree");
    char *dtb = text_of("tree/b.dtb");
    int node = fdt_path_offset(dtb, "/virtio_mmio@a001e00");
    assert_true(node >= 0);
    assert_int_equal(fdt_node_check_compatible(dtb, node, "virtio,mmio"), 0);
    const fdt32_t *cells = property(dtb, node, "reg", 16);
    assert_true(fdt32_to_cpu(cells[1]) == 0xa001e00 && fdt32_to_cpu(cells[3]) == 0x200);
    cells = property(dtb, node, "interrupts", 12);
    assert_true(fdt32_to_cpu(cells[1]) == 31 && fdt32_to_cpu(cells[2]) == 1);
    node = fdt_path_offset(dtb, "/rtc@9010000");
    assert_int_equal(fdt_node_check_compatible(dtb, node, "arm,pl031"), 0);
    assert_null(fdt_getprop(dtb, node, "clocks", NULL));
    assert_null(fdt_getprop(dtb, node, "phandle", NULL));
    assert_true(fdt_path_offset(dtb, "/virtio_mmio@a000600") < 0);
    assert_true(fdt_path_offset(dtb, "/two@9020000") < 0);
    free(dtb);
    free(system.xml);
}

#define GUEST(rest)  "system: s\nguests:\n  - {name: a, memory: 64M, " rest "}\n"
#define PASSED(path) GUEST("passthrough: [" path "]")

static const struct {
    const char *yaml;
    const char *told; /* without "system.yaml:3:" */
} wrong[] = {
    { PASSED("virtio_mmio@a001e00"),
      "42: error: 'virtio_mmio@a001e00' is no node of the board's device tree (did you mean "
      "'/virtio_mmio@a001e00'?)" },
    { PASSED("/virtio_mmio@a001e0"),
      "42: error: '/virtio_mmio@a001e0' is no node of the board's device tree (did you mean "
      "'/virtio_mmio@a001e00'?)" },
    { PASSED("/chosen"), "42: error: '/chosen' has no registers that the CPU sees" },
    { PASSED("/bus/moved@9060000"),
      "42: error: '/bus/moved@9060000' has no registers that the CPU sees" },
    { PASSED("/memory@40000000"),
      "42: error: '/memory@40000000' has no `interrupts` that are SPIs" },
    { PASSED("/private@9040000"),
      "42: error: '/private@9040000' has no `interrupts` that are SPIs" },
    { PASSED("/intc@8000000"), "42: error: '/intc@8000000' is an interrupt controller" },
    { PASSED("/secure@9070000"), "42: error: '/secure@9070000' is not there for us" },
    { PASSED("/parent@9050000"), "42: error: '/parent@9050000' has nodes below it" },
    { PASSED("{node: /rtc@9010000, qemu: net}"),
      "49: error: '/rtc@9010000' is no virtio-mmio slot, where QEMU could put anything; remove "
      "'qemu'" },
    { PASSED("{node: /rtc@9010000, qemu: usb}"),
      "69: error: 'qemu' is 'usb'; it must be one of nothing, net, disk" },
    { PASSED("{qemu: net}"), "42: error: a passed-through device has no 'node'; add `node:`" },
    { PASSED("[a]"),
      "42: error: a passed-through device must be a map of `key: value` lines, this is a list" },
    { GUEST("passthrough: /rtc@9010000"), "41: error: 'passthrough' is a single value" },
    /* What somebody has already. */
    { PASSED("/pl011@9000000"),
      "42: error: '/pl011@9000000' lies in the pages 0x9000000 to 0x9000fff, where serial_driver "
      "has a device; pages are passed through whole, so choose a device with pages of its own" },
    { GUEST("disk: true, passthrough: [/virtio_mmio@a003000]"),
      "54: error: '/virtio_mmio@a003000' lies in the pages 0xa003000 to 0xa003fff, where "
      "blk_driver has a device" },
    { "system: s\nnetworks: [{name: n, uplink: true}]\nguests: [{name: a, memory: 64M,\n"
      "  passthrough: [/virtio_mmio@a002e00]}]\n",
      "lies in the pages 0xa002000 to 0xa002fff, where net_driver has a device" },
    { "system: s\nguests: [{name: b, memory: 64M, passthrough: [/virtio_mmio@a001000]},\n"
      "  {name: a, memory: 64M, passthrough: [/virtio_mmio@a001200]}]\n",
      "40: error: '/virtio_mmio@a001200' lies in the pages 0xa001000 to 0xa001fff, where b has a "
      "device" },
    { PASSED("{node: /over@b000000, qemu: net}"),
      "49: error: '/over@b000000' is no virtio-mmio slot" },
    { PASSED("/over@b000000"),
      "42: error: '/over@b000000' lies at 0xb000000, where every guest has an emulated device" },
    { "system: s\nguests: [{name: b, memory: 600M, passthrough: [/virtio_mmio@a001000]},\n"
      "  {name: a, memory: 300M, passthrough: [/virtio_mmio@a000200]}]\n",
      "system.yaml:3:21: error: the board's RAM (1G) has no place for the 300M of a; beside the "
      "image and "
      "what is placed before it, 421M are free, in one piece 252M at most; give the guests less, "
      "or" },
    { PASSED("/rtc@9010000, /shares@9030000"),
      "56: error: '/shares@9030000' interrupts by number 34, as a device of a_vmm does; choose a "
      "device with an interrupt of its own" },
    { PASSED("/rtc@9010000, /rtc@9010000"),
      "56: error: '/rtc@9010000' interrupts by number 34, as a device of a_vmm does" },
};

static void mistakes_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        bool good;
        char *told = rig_compose(wrong[i].yaml, strlen(wrong[i].yaml), "wrong", &good);
        assert_false(good);
        if (strstr(told, wrong[i].told) == NULL) {
            fail_msg("told:\n%swanted:\n%s", told, wrong[i].told);
        }
        free(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_belong_to_guests),
        cmocka_unit_test(emulated_devices_make_room),
        cmocka_unit_test(the_tree_has_the_node),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
