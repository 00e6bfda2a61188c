/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes of disks: who has which partition, and what lies where. */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "vmm/core/vmm_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sddf/blk_queue.h>

#define LARGE_PAGE 0x200000ul

static struct blk_virt_config virt;

static uint64_t phys_of(const struct composed *system, const struct xml_map *map)
{
    return xml_region(system->xml, map->region)->phys;
}

/* Client and server see the same queues, which are large enough, and each other. */
static void check_connection(const struct composed *system, const char *client_name,
                             const struct sddf_blk_connection *client, const char *server_name,
                             const struct sddf_blk_connection *server)
{
    int a = xml_pd(system->xml, client_name);
    int b = xml_pd(system->xml, server_name);
    const struct sddf_region *mine[] = { &client->storage_info, &client->req, &client->resp };
    const struct sddf_region *other[] = { &server->storage_info, &server->req, &server->resp };
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(composed_region(system, a, mine[i], "rw")->region,
                            composed_region(system, b, other[i], "rw")->region);
    }
    assert_int_equal(client->num_buffers, server->num_buffers);
    assert_true(client->req.size_bytes >=
                sizeof(struct blk_req_queue) + client->num_buffers * sizeof(struct blk_req));
    assert_true(client->resp.size_bytes >=
                sizeof(struct blk_resp_queue) + client->num_buffers * sizeof(struct blk_resp));
    const struct xml_end *end = xml_peer(system->xml, a, client->channel);
    assert_int_equal(end->pd, b);
    assert_int_equal(end->id, server->channel);
}

/* A device region of a record: mapped rw, and where it says. */
static void check_dma(const struct composed *system, const char *pd,
                      const struct sddf_device_region *dma)
{
    const struct xml_map *map =
        composed_region(system, xml_pd(system->xml, pd), &dma->region, "rw");
    assert_int_equal(phys_of(system, map), dma->io_addr);
    assert_true(map->cached);
}

static void check_driver(const struct composed *system)
{
    struct sddf_device_resources resources;
    struct sddf_blk_driver_config driver;
    composed_record(system, "blk_driver", "device_resources", &resources, sizeof(resources));
    composed_record(system, "blk_driver", "blk_driver_config", &driver, sizeof(driver));
    composed_record(system, "blk_virt", "blk_virt_config", &virt, sizeof(virt));
    assert_true(sddf_magic_ok(&driver.magic, SDDF_BLOCK) && sddf_magic_ok(&virt.magic, SDDF_BLOCK));
    int pd = xml_pd(system->xml, "blk_driver");
    const struct xml_map *slot = composed_region(system, pd, &resources.regions[0].region, "rw");
    assert_int_equal(resources.regions[0].io_addr, 0xa003e00);
    assert_int_equal(phys_of(system, slot), 0xa003000);
    assert_false(slot->cached);
    check_dma(system, "blk_driver", &resources.regions[1]);
    check_dma(system, "blk_virt", &virt.data);
    check_connection(system, "blk_virt", &virt.driver, "blk_driver", &driver.virt);
    for (size_t i = 0; i < system->xml->num_irqs; i++) {
        const struct xml_irq *irq = &system->xml->irqs[i];
        if (irq->pd == pd) {
            assert_int_equal(irq->irq, 48 + 31);
            assert_int_equal(irq->id, resources.irqs[0].channel);
            assert_true(irq->is_edge);
        }
    }
}

/* RAM and bounce area are one stretch of the board's RAM, which the virtualiser knows. */
static void check_client(const struct composed *system, unsigned index, struct vmm_config *config)
{
    const struct blk_virt_client *client = &virt.clients[index];
    struct sddf_blk_client_config record;
    char vmm[SDDF_NAME_BYTES + 8];
    (void)snprintf(vmm, sizeof(vmm), "%s_vmm", client->name);
    int pd = xml_pd(system->xml, vmm);
    composed_record(system, vmm, "blk_client_config", &record, sizeof(record));
    composed_record(system, vmm, "vmm_config", config, sizeof(*config));
    check_connection(system, vmm, &record.virt, "blk_virt", &client->conn);
    const struct xml_map *ram = xml_map_at(system->xml, pd, false, config->ram_vaddr);
    const struct xml_map *bounce = xml_map_at(system->xml, pd, false, config->block.bounce_vaddr);
    assert_int_equal(phys_of(system, ram), client->data.io_addr);
    assert_int_equal(phys_of(system, ram) % LARGE_PAGE, 0);
    assert_int_equal(phys_of(system, bounce), client->data.io_addr + config->ram_bytes);
    assert_int_equal(config->block.bounce_offset, config->ram_bytes);
    assert_int_equal(client->data.region.size_bytes,
                     config->ram_bytes + config->block.bounce_bytes);
    assert_int_equal(record.data.size_bytes, client->data.region.size_bytes);
    assert_true(config->block.guest_ram && client->guest_ram);
    /* The bounce area is the VMM's alone. */
    for (size_t i = 0; i < system->xml->num_maps; i++) {
        const struct xml_map *map = &system->xml->maps[i];
        assert_true(map == bounce || strcmp(map->region, bounce->region) != 0);
    }
}

/* What has a place of its own has it alone, in RAM, outside of the image. */
static void check_places(const struct xml_system *xml, uint64_t ram_bytes)
{
    for (size_t i = 0; i < xml->num_regions; i++) {
        const struct xml_region *a = &xml->regions[i];
        if (a->phys < RIG_RAM_PADDR) {
            continue;
        }
        assert_true(a->phys + a->size <= RIG_RAM_PADDR + ram_bytes);
        assert_true(a->phys + a->size <= 0x70000000 || a->phys >= 0x70800000);
        for (size_t j = 0; j < i; j++) {
            const struct xml_region *b = &xml->regions[j];
            assert_true(b->phys == 0 || a->phys >= b->phys + b->size ||
                        b->phys >= a->phys + a->size);
        }
    }
}

static bool has_block(const struct vmm_config *config)
{
    for (uint32_t i = 0; i < config->num_devices; i++) {
        if (config->devices[i].type == VMM_DEVICE_VIRTIO_BLOCK) {
            return true;
        }
    }
    return false;
}

static void disks_fit_together(void **state)
{
    static const char yaml[] =
        "system: disks\nguests:\n"
        "  - {name: a, memory: 256M, disk: true}\n"
        "  - {name: b, memory: 64M}\n"
        "  - {name: c, memory: 512M, disk: true, partition: 0, readonly: true}\n"
        "  - {name: a-name-as-long-as-they-may-be-1, memory: 96M, disk: true, console: false}\n";
    (void)state;
    rig_write_board(2ul << 30, true);
    struct composed system = composed_yaml(yaml, "disks");
    struct vmm_config config;
    check_driver(&system);
    assert_int_equal(virt.num_clients, 3);
    static const unsigned partitions[] = { 1, 0, 2 };
    for (unsigned i = 0; i < 3; i++) {
        check_client(&system, i, &config);
        assert_true(has_block(&config));
        assert_int_equal(virt.clients[i].partition, partitions[i]);
        assert_int_equal(virt.clients[i].read_only, i == 1);
        assert_int_equal(config.block.read_only, i == 1);
    }
    assert_memory_equal(config.block.id, "a-name-as-long-as-th", VMM_BLOCK_ID_BYTES);
    composed_record(&system, "b_vmm", "vmm_config", &config, sizeof(config));
    assert_false(has_block(&config));
    check_places(system.xml, 2ul << 30);
    free(system.xml);
    rig_write_board(RIG_BOARD_RAM, true);
}

static void expect_partitions(const char *yaml, const char *option, unsigned first, unsigned second)
{
    rig_partition = option;
    struct composed system = composed_yaml(yaml, "partitions");
    rig_partition = NULL;
    composed_record(&system, "blk_virt", "blk_virt_config", &virt, sizeof(virt));
    assert_int_equal(virt.clients[0].partition, first);
    assert_int_equal(virt.clients[1].partition, second);
    free(system.xml);
}

static void partitions_are_given_in_order(void **state)
{
    static const char two[] = "system: s\nguests:\n  - {name: a, memory: 64M, disk: true}\n"
                              "  - {name: b, memory: 64M, disk: true}\n";
    static const char shared[] =
        "system: s\nguests:\n  - {name: a, memory: 64M, disk: true, partition: 3, readonly: true}\n"
        "  - {name: b, memory: 64M, disk: true, partition: 3, readonly: true}\n";
    (void)state;
    expect_partitions(two, NULL, 0, 1);
    expect_partitions(two, "1", 1, 0);
    expect_partitions(two, "5", 5, 0);
    expect_partitions(shared, NULL, 3, 3);
}

/* The person learns what reaches memory, and make which devices the board needs. */
static void report_names_who_reaches_memory(void **state)
{
    (void)state;
    struct composed system = composed_yaml("system: s\nguests:\n"
                                           "  - {name: a, memory: 64M, disk: true}\n",
                                           "notes");
    size_t length;
    char *notes = rig_read("notes/notes.txt", &length);
    assert_non_null(strstr(notes, "a: the board's disk reads and writes its RAM (partition 0)"));
    free(notes);
    char *devices = rig_read("notes/system.devices", &length);
    assert_string_equal(devices, "disk\n");
    free(devices);
    free(system.xml);
    system = composed_yaml("system: s\nguests:\n  - {name: a, memory: 64M}\n", "notes");
    devices = rig_read("notes/system.devices", &length);
    assert_string_equal(devices, "");
    free(devices);
    free(system.xml);
}

static void expect_count(const char *yaml, const char *expected)
{
    size_t length;
    struct composed system = composed_yaml(yaml, "count");
    char *count = rig_read("count/system.partitions", &length);
    assert_string_equal(count, expected);
    free(count);
    free(system.xml);
}

/* Make makes a disk with as many partitions. */
static void partitions_are_counted(void **state)
{
    (void)state;
    expect_count("system: s\nguests: [{name: a, memory: 64M}]\n", "0\n");
    expect_count("system: s\nguests: [{name: a, count: 3, memory: 64M, disk: true}]\n", "3\n");
    expect_count("system: s\nguests: [{name: a, memory: 64M, disk: true, partition: 6},\n"
                 "  {name: b, memory: 64M, disk: true}]\n",
                 "7\n");
    expect_count("system: s\nguests: [{name: a, memory: 64M, disk: true}, {name: b, memory: 64M, "
                 "disk: true},\n  {name: c, memory: 64M, serves: disk, passthrough: [{node: "
                 "/virtio_mmio@a003e00, qemu: disk}]}]\n",
                 "2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disks_fit_together),
        cmocka_unit_test(partitions_are_given_in_order),
        cmocka_unit_test(report_names_who_reaches_memory),
        cmocka_unit_test(partitions_are_counted),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
