/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes of counters: who counts where, and that nobody else can write there. */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cloister/counters.h>
#include <cmocka.h>

#define GROUP_BYTES (COUNTERS_GROUP * sizeof(uint64_t))

static const char yaml[] =
    "system: s\n"
    "networks: [{name: lan, uplink: true}, {name: other}]\n"
    "guests:\n"
    "  - {name: a, memory: 64M, disk: true, net: [{network: lan}], vsock: {cid: 3}}\n"
    "  - {name: b, memory: 64M, disk: true, partition: 1, vsock: {cid: 4},\n"
    "     net: [{network: other}, {network: lan}]}\n";

/* Each group that is to be there: in whose page, at which place of it. */
static const struct {
    const char *pd;
    unsigned place;
    enum counters_kind kind;
    const char *name;
} expected[] = {
    { "a_vmm", 0, COUNTERS_PD, "a_vmm" },
    { "a_vmm", 1, COUNTERS_GUEST, "a" },
    { "b_vmm", 0, COUNTERS_PD, "b_vmm" },
    { "b_vmm", 1, COUNTERS_GUEST, "b" },
    { "lan_switch", 0, COUNTERS_PD, "lan_switch" },
    { "lan_switch", 1, COUNTERS_PORT, "lan_switch: a" },
    { "lan_switch", 2, COUNTERS_PORT, "lan_switch: b" },
    { "lan_switch", 17, COUNTERS_PORT, "lan_switch: uplink" },
    { "other_switch", 0, COUNTERS_PD, "other_switch" },
    { "other_switch", 1, COUNTERS_PORT, "other_switch: b" },
    { "vsock_switch", 0, COUNTERS_PD, "vsock_switch" },
    { "vsock_switch", 1, COUNTERS_PORT, "vsock_switch: a" },
    { "vsock_switch", 2, COUNTERS_PORT, "vsock_switch: b" },
    { "blk_virt", 0, COUNTERS_PD, "blk_virt" },
    { "blk_virt", 1, COUNTERS_BLK, "blk_virt: a" },
    { "blk_virt", 2, COUNTERS_BLK, "blk_virt: b" },
    { "net_virt_rx", 0, COUNTERS_PD, "net_virt_rx" },
    { "net_virt_rx", 1, COUNTERS_NET, "net_virt_rx: lan" },
    { "net_virt_tx", 0, COUNTERS_PD, "net_virt_tx" },
    { "net_virt_tx", 1, COUNTERS_NET, "net_virt_tx: lan" },
};

static struct counters_config config;

/* The page that holds a group, as the reader has it mapped: read-only. */
static const struct xml_map *page_of(const struct composed *system, uint64_t vaddr)
{
    int reader = xml_pd(system->xml, "counters");
    for (size_t i = 0; i < system->xml->num_maps; i++) {
        const struct xml_map *map = &system->xml->maps[i];
        if (map->pd == reader && vaddr >= map->vaddr &&
            vaddr + GROUP_BYTES <= map->vaddr + xml_region(system->xml, map->region)->size) {
            return map;
        }
    }
    fail_msg("no page at %#lx", (unsigned long)vaddr);
    return NULL;
}

static unsigned count_maps(const struct composed *system, const char *region)
{
    unsigned n = 0;
    for (size_t i = 0; i < system->xml->num_maps; i++) {
        n += strcmp(system->xml->maps[i].region, region) == 0;
    }
    return n;
}

static void each_counts_in_a_page_of_its_own(void **state)
{
    (void)state;
    struct composed system = composed_yaml(yaml, "counters");
    composed_record(&system, "counters", "counters_config", &config, sizeof(config));
    assert_int_equal(config.magic, COUNTERS_CONFIG_MAGIC);
    assert_int_equal(config.num_groups, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < config.num_groups; i++) {
        struct counters_page record;
        int pd = xml_pd(system.xml, expected[i].pd);
        const struct xml_map *read = page_of(&system, config.groups[i].vaddr);
        composed_record(&system, expected[i].pd, "counters_page", &record, sizeof(record));
        const struct xml_map *written = xml_map_at(system.xml, pd, false, record.vaddr);
        assert_int_equal(config.groups[i].kind, expected[i].kind);
        assert_string_equal(config.groups[i].name, expected[i].name);
        assert_string_equal(read->region, written->region);
        assert_string_equal(read->perms, "r");
        assert_string_equal(written->perms, "rw");
        assert_int_equal(config.groups[i].vaddr - read->vaddr, expected[i].place * GROUP_BYTES);
        assert_int_equal(count_maps(&system, read->region), 2);
    }
    free(system.xml);
}

/* Who asks for the table is the receive virtualiser, where the keys are. */
static void the_keys_reach_it(void **state)
{
    static struct serial_virt_rx_config rx;
    (void)state;
    struct composed system = composed_yaml(yaml, "counters");
    composed_record(&system, "counters", "counters_config", &config, sizeof(config));
    composed_record(&system, "serial_virt_rx", "serial_virt_rx_config", &rx, sizeof(rx));
    const struct xml_end *end =
        xml_peer(system.xml, xml_pd(system.xml, "serial_virt_rx"), rx.counters_channel);
    assert_int_equal(end->pd, xml_pd(system.xml, "counters"));
    assert_int_equal(end->id, config.ask_channel);
    free(system.xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_counts_in_a_page_of_its_own),
        cmocka_unit_test(the_keys_reach_it),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
