/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes of networks: ports, who may talk with whom, MAC addresses. */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "vmm/core/vmm_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cloister/port.h>
#include <cloister/supervisor_config.h>
#include <cloister/switch_config.h>
#include <cmocka.h>

#define UPLINK (1u << SWITCH_PORTS)

static struct switch_config lan;
static struct vmm_config config;

static void read_switch(const struct composed *system, const char *pd)
{
    composed_record(system, pd, "switch_config", &lan, sizeof(lan));
    assert_int_equal(lan.magic, SWITCH_CONFIG_MAGIC);
    assert_int_equal(lan.kind, SWITCH_NET);
}

/* Port `index` of a switch: reads its VMM's record, and checks what the VMM has of the port. */
static void check_half(const struct composed *system, const char *switch_name, unsigned index,
                       bool is_card, unsigned card)
{
    const struct switch_port *port = &lan.ports[index];
    char vmm_name[SDDF_NAME_BYTES + 8];
    (void)snprintf(vmm_name, sizeof(vmm_name), "%s_vmm", port->name);
    composed_record(system, vmm_name, "vmm_config", &config, sizeof(config));
    uint64_t vaddr = is_card ? config.nets[card].port_vaddr : config.vsock.port_vaddr;
    uint8_t channel = is_card ? config.nets[card].channel : config.vsock.channel;
    int sw = xml_pd(system->xml, switch_name);
    int vmm = xml_pd(system->xml, vmm_name);
    const struct xml_map *mine = xml_map_at(system->xml, sw, false, port->port_vaddr);
    const struct xml_map *other = xml_map_at(system->xml, vmm, false, vaddr);
    assert_string_equal(mine->region, other->region);
    assert_true(xml_region(system->xml, mine->region)->size >= sizeof(struct port));
    assert_true(strcmp(mine->perms, "rw") == 0 && strcmp(other->perms, "rw") == 0);
    assert_string_equal(composed_region(system, sw, &port->memory, "rw")->region,
                        xml_map_at(system->xml, vmm, true, config.ram_gpa)->region);
    const struct xml_end *end = xml_peer(system->xml, vmm, channel);
    assert_int_equal(end->pd, sw);
    assert_int_equal(end->id, port->channel);
}

static void check_port(const struct composed *system, const char *switch_name, unsigned index,
                       unsigned card)
{
    const struct switch_port *port = &lan.ports[index];
    check_half(system, switch_name, index, true, card);
    assert_memory_equal(config.nets[card].mac, port->mac, sizeof(port->mac));
    assert_int_equal(port->mac[0] & 1, 0);
    assert_int_equal(config.nets[card].mtu, port->mtu);
}

static unsigned count_devices(enum vmm_device_type type)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < config.num_devices; i++) {
        count += config.devices[i].type == type;
    }
    return count;
}

static void networks_fit_together(void **state)
{
    static const uint8_t mac[] = { 0x52, 0x54, 1, 0, 0, 0xfd };
    (void)state;
    struct composed system = composed_yaml(
        "system: nets\nnetworks:\n  - name: lan\n  - {name: dmz, mtu: 9000}\n"
        "guests:\n"
        "  - {name: a, memory: 64M, net: [{network: lan, mac: \"52:54:01:00:00:FD\"}]}\n"
        "  - {name: b, memory: 64M}\n"
        "  - {name: c, memory: 64M, net: [{network: dmz}, {network: lan}]}\n"
        "  - {name: d, memory: 64M, disk: true, net: [{network: dmz, bridge: true}]}\n",
        "nets");
    read_switch(&system, "lan_switch");
    assert_int_equal(lan.num_ports, 2);
    check_port(&system, "lan_switch", 0, 0);
    assert_memory_equal(lan.ports[0].mac, mac, sizeof(mac));
    assert_int_equal(count_devices(VMM_DEVICE_VIRTIO_NET), 1);
    check_port(&system, "lan_switch", 1, 1);
    assert_int_equal(count_devices(VMM_DEVICE_VIRTIO_NET), 2);
    assert_true(lan.ports[0].allow == 2 && lan.ports[1].allow == 1);
    assert_true(lan.ports[0].fixed);
    assert_int_equal(lan.ports[1].mtu, 1500);
    assert_int_equal(lan.timer_channel, SWITCH_NO_CHANNEL);
    uint8_t derived[6];
    memcpy(derived, lan.ports[1].mac, sizeof(derived));
    assert_int_equal(derived[0], 2);

    read_switch(&system, "dmz_switch");
    check_port(&system, "dmz_switch", 0, 0);
    check_port(&system, "dmz_switch", 1, 0);
    assert_memory_not_equal(lan.ports[0].mac, derived, sizeof(derived));
    assert_false(lan.ports[1].fixed);
    assert_int_equal(lan.ports[0].mtu, 9000);
    const struct xml_end *timer =
        xml_peer(system.xml, xml_pd(system.xml, "dmz_switch"), lan.timer_channel);
    assert_int_equal(timer->pd, xml_pd(system.xml, "timer_driver"));
    composed_record(&system, "b_vmm", "vmm_config", &config, sizeof(config));
    assert_int_equal(count_devices(VMM_DEVICE_VIRTIO_NET), 0);
    free(system.xml);
}

/* Groups of `allow`: two may talk if one group has both. */
static void allow_is_obeyed(void **state)
{
    (void)state;
    struct composed system = composed_yaml(
        "system: nets\nnetworks:\n  - {name: lan, uplink: true, allow: [[b, uplink], [a, b], [c, "
        "d]]}\nguests:\n"
        "  - {name: a, memory: 64M, net: [{network: lan}]}\n"
        "  - {name: b, memory: 64M, net: [{network: lan}]}\n"
        "  - {name: c, memory: 64M, net: [{network: lan}]}\n"
        "  - {name: d, memory: 64M, net: [{network: lan}]}\n",
        "allow");
    read_switch(&system, "lan_switch");
    static const uint32_t allow[] = { 1u << 1, 1u << 0 | UPLINK, 1u << 3, 1u << 2 };
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(lan.ports[i].allow, allow[i]);
    }
    free(system.xml);
}

/* Derived addresses are the same in every run, and differ even where the hash does not. */
static void derived_macs_are_stable(void **state)
{
    static const char yaml[] = "system: s\nnetworks: [{name: n}]\nguests:\n"
                               "  - {name: a, memory: 64M, net: [{network: n}]}\n";
    (void)state;
    struct composed system = composed_yaml(yaml, "macs");
    read_switch(&system, "n_switch");
    uint8_t *mac = lan.ports[0].mac;
    char taken[300];
    uint8_t first[6];
    memcpy(first, mac, sizeof(first));
    free(system.xml);
    (void)snprintf(taken, sizeof(taken),
                   "%s  - {name: b, memory: 64M, net: [{network: n, mac: "
                   "\"%02x:%02x:%02x:%02x:%02x:%02x\"}]}\n",
                   yaml, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    system = composed_yaml(taken, "macs");
    read_switch(&system, "n_switch");
    assert_memory_equal(lan.ports[1].mac, first, sizeof(first));
    assert_memory_not_equal(lan.ports[0].mac, first, sizeof(first));
    assert_int_equal(lan.ports[0].mac[5], (uint8_t)(first[5] + 1));
    free(system.xml);
}

/* Sockets have a switch of their own, which knows guests by CID. */
static void sockets_fit_together(void **state)
{
    (void)state;
    struct composed system = composed_yaml("system: s\nvsock: {allow: [[a, b], [b, c]]}\nguests:\n"
                                           "  - {name: a, memory: 64M, vsock: {cid: 3}}\n"
                                           "  - {name: none, memory: 64M}\n"
                                           "  - {name: b, memory: 64M, vsock: {cid: 4000000000}}\n"
                                           "  - {name: c, memory: 64M, vsock: {cid: 5}}\n",
                                           "sockets");
    static const uint64_t cids[] = { 3, 4000000000, 5 };
    static const uint32_t allow[] = { 1u << 1, 1u << 0 | 1u << 2, 1u << 1 };
    composed_record(&system, "vsock_switch", "switch_config", &lan, sizeof(lan));
    assert_int_equal(lan.kind, SWITCH_VSOCK);
    assert_int_equal(lan.num_ports, 3);
    assert_false(lan.has_uplink);
    const struct sddf_region held = { lan.held_vaddr, 3 * SWITCH_HELD_BYTES };
    (void)composed_region(&system, xml_pd(system.xml, "vsock_switch"), &held, "rw");
    const struct xml_end *timer =
        xml_peer(system.xml, xml_pd(system.xml, "vsock_switch"), lan.timer_channel);
    assert_int_equal(timer->pd, xml_pd(system.xml, "timer_driver"));
    for (unsigned i = 0; i < 3; i++) {
        check_half(&system, "vsock_switch", i, false, 0);
        assert_true(lan.ports[i].cid == cids[i] && config.vsock.cid == cids[i]);
        assert_int_equal(lan.ports[i].allow, allow[i]);
        assert_int_equal(config.vsock.num_peers, i == 1 ? 2 : 1);
        assert_int_equal(count_devices(VMM_DEVICE_VIRTIO_VSOCK), 1);
    }
    free(system.xml);
}

/* The card's driver, its virtualisers, and the switch as their client. */
/* The supervisor starts the card's PDs together, and has the rings between them and nothing else.
 */
static void check_card(const struct composed *system, unsigned networks)
{
    static struct supervisor_config supervisor;
    unsigned of_card = 0;
    composed_record(system, "supervisor", "supervisor_config", &supervisor, sizeof(supervisor));
    for (unsigned i = 0; i < supervisor.num_children; i++) {
        of_card += supervisor.children[i].of_card;
    }
    assert_int_equal(of_card, 3 + networks);
    assert_int_equal(supervisor.num_rings, 4 + 4 * networks);
    for (unsigned i = 0; i < supervisor.num_rings; i++) {
        const struct xml_map *map = composed_region(system, 0, &supervisor.rings[i], "rw");
        unsigned sharers = 0;
        for (size_t j = 0; j < system->xml->num_maps; j++) {
            const struct xml_map *other = &system->xml->maps[j];
            bool same = strcmp(other->region, map->region) == 0 && other->pd != 0;
            assert_true(!same || supervisor.children[other->pd - 1].of_card);
            sharers += same;
        }
        assert_int_equal(sharers, 2);
    }
}

static void uplink_fits_together(void **state)
{
    static struct net_virt_rx_config rx;
    static struct net_virt_tx_config tx;
    (void)state;
    struct composed system =
        composed_yaml("system: s\nnetworks: [{name: lan, uplink: true}, {name: in}]\nguests:\n"
                      "  - {name: a, memory: 64M, net: [{network: lan}, {network: in}]}\n"
                      "  - {name: b, memory: 64M, net: [{network: lan}]}\n",
                      "uplink");
    check_card(&system, 1);
    composed_record(&system, "net_virt_rx", "net_virt_rx_config", &rx, sizeof(rx));
    composed_record(&system, "net_virt_tx", "net_virt_tx_config", &tx, sizeof(tx));
    read_switch(&system, "lan_switch");
    assert_true(lan.has_uplink && lan.uplink.allow == 3 && lan.uplink.mtu == 1500);
    assert_int_equal(lan.ports[0].allow, 2 | UPLINK);
    int sw = xml_pd(system.xml, "lan_switch");
    const struct xml_map *frames = composed_region(&system, sw, &lan.uplink.rx_data, "r");
    assert_int_equal(xml_region(system.xml, frames->region)->phys, rx.data.io_addr);
    const struct xml_map *own = composed_region(&system, sw, &lan.uplink.tx_data, "rw");
    assert_int_equal(xml_region(system.xml, own->region)->phys, tx.clients[0].data.io_addr);
    const struct xml_map *checked = composed_region(&system, xml_pd(system.xml, "net_virt_tx"),
                                                    &tx.clients[0].data.region, "r");
    assert_string_equal(checked->region, own->region);
    unsigned budgets = 0; /* of what a storm from outside keeps busy */
    static const char *const busy[] = { "net_driver", "net_virt_rx", "lan_switch" };
    for (unsigned i = 0; i < 3; i++) {
        const struct xml_pd *pd = &system.xml->pds[xml_pd(system.xml, busy[i])];
        assert_true(pd->pd_budget > 0 && pd->pd_period == 4000);
        budgets += pd->pd_budget;
    }
    assert_true(budgets <= 3000);
    assert_int_equal(system.xml->pds[xml_pd(system.xml, "in_switch")].pd_budget, 0);
    assert_true(rx.num_clients == 1 && tx.num_clients == 1 && rx.clients[0].num_macs == 2);
    assert_memory_equal(rx.clients[0].macs[1].bytes, lan.ports[1].mac, 6);
    const struct xml_end *end = xml_peer(system.xml, sw, lan.uplink.rx.channel);
    assert_int_equal(end->pd, xml_pd(system.xml, "net_virt_rx"));
    assert_int_equal(end->id, rx.clients[0].conn.channel);
    end = xml_peer(system.xml, sw, lan.uplink.tx.channel);
    assert_int_equal(end->id, tx.clients[0].conn.channel);
    read_switch(&system, "in_switch");
    assert_false(lan.has_uplink);
    assert_int_equal(lan.ports[0].allow, 0);
    free(system.xml);
}

/* `count` makes guests that are equal but for their names, and what is derived from them. */
static void several_at_once(void **state)
{
    (void)state;
    struct composed system =
        composed_yaml("system: s\nnetworks: [{name: lan, allow: [[vm0, vm2]]}]\nguests:\n"
                      "  - {name: first, memory: 64M, net: [{network: lan}]}\n"
                      "  - {name: vm, count: 3, memory: 96M, disk: true, net: [{network: lan}]}\n",
                      "count");
    read_switch(&system, "lan_switch");
    assert_int_equal(lan.num_ports, 4);
    static const char *const names[] = { "first", "vm0", "vm1", "vm2" };
    static const uint32_t allow[] = { 0, 1u << 3, 0, 1u << 1 };
    for (unsigned i = 0; i < 4; i++) {
        check_port(&system, "lan_switch", i, 0);
        assert_string_equal(lan.ports[i].name, names[i]);
        assert_int_equal(lan.ports[i].allow, allow[i]);
        assert_int_equal(config.ram_bytes >> 20, i == 0 ? 64 : 96);
        for (unsigned other = 0; other < i; other++) {
            assert_memory_not_equal(lan.ports[i].mac, lan.ports[other].mac, 6);
        }
    }
    free(system.xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_fit_together),   cmocka_unit_test(allow_is_obeyed),
        cmocka_unit_test(derived_macs_are_stable), cmocka_unit_test(several_at_once),
        cmocka_unit_test(sockets_fit_together),    cmocka_unit_test(uplink_fits_together),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
