/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes of a guest that serves its disk: who shares what with whom, and who does not.
 */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "vmm/core/vmm_config.h"

#include <cloister/uio_blk.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char yaml[] = "system: s\nguests:\n"
                           "  - {name: a, memory: 64M, disk: true}\n"
                           "  - {name: s, memory: 64M, serves: disk, passthrough: [{node: "
                           "/virtio_mmio@a001e00, qemu: disk}]}\n"
                           "  - {name: b, memory: 64M}\n"
                           "  - {name: c, memory: 64M, disk: true, partition: 5, readonly: true}\n";

static struct vmm_config server;

/* How many protection domains and virtual machines have a region. */
static unsigned users_of(const struct composed *system, const char *region)
{
    unsigned users = 0;
    for (size_t i = 0; i < system->xml->num_maps; i++) {
        users += strcmp(system->xml->maps[i].region, region) == 0;
    }
    return users;
}

/* Returns the server's view of a region, which its guest has at `gpa` as well. */
static const struct xml_map *shared(const struct composed *system, uint64_t vaddr, uint64_t gpa,
                                    uint64_t bytes)
{
    int pd = xml_pd(system->xml, "s_vmm");
    const struct xml_map *map = xml_map_at(system->xml, pd, false, vaddr);
    const struct xml_map *guest = xml_map_at(system->xml, pd, true, gpa);
    assert_string_equal(map->region, guest->region);
    assert_string_equal(map->perms, "rw");
    assert_string_equal(guest->perms, "rw");
    assert_int_equal(xml_region(system->xml, map->region)->size, bytes);
    return map;
}

/* The guest's device tree tells what the record does. */
static void check_node(const void *tree, const struct vmm_device *device,
                       const struct vmm_served_disk *served)
{
    char path[48];
    int length;
    (void)snprintf(path, sizeof(path), "/uio_blk@%lx", (unsigned long)served->rings_gpa);
    int node = fdt_path_offset(tree, path);
    assert_true(node >= 0);
    assert_string_equal(fdt_getprop(tree, node, "compatible", NULL), "generic-uio");
    assert_string_equal(fdt_getprop(tree, node, "linux,uio-name", NULL), UIO_BLK_NAME);
    const fdt64_t *reg = fdt_getprop(tree, node, "reg", &length);
    const uint64_t expected[] = { served->rings_gpa, UIO_BLK_RINGS_BYTES, device->gpa, 0x1000,
                                  served->data_gpa,  served->data_bytes };
    assert_int_equal(length, sizeof(expected));
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(fdt64_ld(&reg[i]), expected[i]);
    }
    const fdt32_t *irq = fdt_getprop(tree, node, "interrupts", &length);
    assert_int_equal(fdt32_ld(&irq[1]), device->intid - 32);
    assert_int_equal(fdt32_ld(&irq[2]), 4);
}

static void check_link(const struct composed *system, unsigned n, const char *name,
                       unsigned partition, bool read_only)
{
    const struct vmm_served_disk *served = &server.served[n];
    struct sddf_blk_client_config record;
    struct vmm_config client;
    char vmm[SDDF_NAME_BYTES];
    (void)snprintf(vmm, sizeof(vmm), "%s_vmm", name);
    composed_record(system, vmm, "vmm_config", &client, sizeof(client));
    composed_record(system, vmm, "blk_client_config", &record, sizeof(record));
    int pd = xml_pd(system->xml, vmm);
    assert_string_equal(served->client, name);
    assert_int_equal(served->partition, partition);
    assert_int_equal(served->read_only, read_only);
    assert_int_equal(client.block.read_only, read_only);
    assert_true(client.awaits_disk);
    assert_false(client.block.guest_ram);
    assert_int_equal(client.block.bounce_offset, 0);
    /* The data region, of three: it is no guest's RAM, and the rings, of two. */
    const struct xml_map *data =
        shared(system, served->data_vaddr, served->data_gpa, served->data_bytes);
    assert_true(data->cached);
    assert_int_equal(users_of(system, data->region), 3);
    assert_string_equal(xml_map_at(system->xml, pd, false, client.block.bounce_vaddr)->region,
                        data->region);
    assert_int_equal(client.block.bounce_bytes, served->data_bytes);
    assert_int_equal(record.data.size_bytes, served->data_bytes);
    const struct xml_map *rings =
        shared(system, served->rings_vaddr, served->rings_gpa, UIO_BLK_RINGS_BYTES);
    assert_false(rings->cached);
    assert_int_equal(users_of(system, rings->region), 2);
    /* Queues and channel. */
    const struct xml_end *end = xml_peer(system->xml, pd, record.virt.channel);
    assert_int_equal(end->pd, xml_pd(system->xml, "s_vmm"));
    assert_int_equal(end->id, served->conn.channel);
    assert_string_equal(composed_region(system, pd, &record.virt.req, "rw")->region,
                        composed_region(system, end->pd, &served->conn.req, "rw")->region);
    assert_string_equal(composed_region(system, pd, &record.virt.resp, "rw")->region,
                        composed_region(system, end->pd, &served->conn.resp, "rw")->region);
}

static void served_disks_fit_together(void **state)
{
    (void)state;
    struct composed system = composed_yaml(yaml, "served");
    size_t length;
    composed_record(&system, "s_vmm", "vmm_config", &server, sizeof(server));
    assert_int_equal(xml_pd(system.xml, "blk_virt"), -1);
    assert_int_equal(xml_pd(system.xml, "blk_driver"), -1);
    check_link(&system, 0, "a", 0, false);
    check_link(&system, 1, "c", 5, true);
    assert_int_equal(server.served[2].rings_vaddr, 0);
    void *tree = rig_read("served/s.dtb", &length);
    unsigned n = 0;
    for (uint32_t i = 0; i < server.num_devices; i++) {
        if (server.devices[i].type == VMM_DEVICE_SERVED_DISK) {
            check_node(tree, &server.devices[i], &server.served[n++]);
        }
    }
    assert_int_equal(n, 2);
    free(tree);
    const struct xml_end *timer =
        xml_peer(system.xml, xml_pd(system.xml, "s_vmm"), server.timer_channel);
    assert_int_equal(timer->pd, xml_pd(system.xml, "timer_driver"));
    char *devices = rig_read("served/system.devices", &length);
    assert_memory_equal(devices, "slot 15 disk\n", length);
    free(devices);
    free(system.xml);
}

/* As many clients as a server can have; one more is refused (test_compose_errors). */
static void eight_clients(void **state)
{
    (void)state;
    char name[SDDF_NAME_BYTES];
    struct composed system =
        composed_yaml("system: s\nguests:\n"
                      "  - {name: a, count: 8, memory: 64M, disk: true}\n"
                      "  - {name: s, memory: 64M, serves: disk, passthrough: [{node: "
                      "/virtio_mmio@a001e00, qemu: disk}]}\n",
                      "eight");
    composed_record(&system, "s_vmm", "vmm_config", &server, sizeof(server));
    for (unsigned i = 0; i < VMM_MAX_SERVED; i++) {
        (void)snprintf(name, sizeof(name), "a%u", i);
        check_link(&system, i, name, i, false);
    }
    free(system.xml);
}

/* A guest without a disk, and one whose disk is the board's, await nothing. */
static void others_await_nothing(void **state)
{
    (void)state;
    struct vmm_config config;
    struct composed system = composed_yaml(yaml, "served");
    composed_record(&system, "b_vmm", "vmm_config", &config, sizeof(config));
    assert_false(config.awaits_disk);
    free(system.xml);
    system =
        composed_yaml("system: n\nguests:\n  - {name: a, memory: 64M, disk: true}\n", "native");
    composed_record(&system, "a_vmm", "vmm_config", &config, sizeof(config));
    assert_false(config.awaits_disk);
    assert_true(config.block.guest_ram);
    free(system.xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(served_disks_fit_together),
        cmocka_unit_test(eight_clients),
        cmocka_unit_test(others_await_nothing),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
