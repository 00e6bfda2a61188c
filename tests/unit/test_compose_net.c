/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes of networks: ports, who may talk with whom, MAC addresses. */
#include "tests/unit/compose_rig.h"
#include "tests/unit/compose_xml.h"
#include "vmm/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cloister/port.h>
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

/* The switch and the VMM see the same port, the switch the guest's RAM, and each the other. */
static void check_port(const struct composed *system, const char *switch_name, unsigned index,
                       unsigned card)
{
    const struct switch_port *port = &lan.ports[index];
    char vmm_name[SDDF_NAME_BYTES + 8];
    (void)snprintf(vmm_name, sizeof(vmm_name), "%s_vmm", port->name);
    composed_record(system, vmm_name, "vmm_config", &config, sizeof(config));
    const struct vmm_net *net = &config.nets[card];
    int sw = xml_pd(system->xml, switch_name);
    int vmm = xml_pd(system->xml, vmm_name);
    const struct xml_map *mine = xml_map_at(system->xml, sw, false, port->port_vaddr);
    const struct xml_map *other = xml_map_at(system->xml, vmm, false, net->port_vaddr);
    assert_string_equal(mine->region, other->region);
    assert_true(xml_region(system->xml, mine->region)->size >= sizeof(struct port));
    assert_true(strcmp(mine->perms, "rw") == 0 && strcmp(other->perms, "rw") == 0);
    assert_string_equal(composed_region(system, sw, &port->memory, "rw")->region,
                        xml_map_at(system->xml, vmm, true, config.ram_gpa)->region);
    const struct xml_end *end = xml_peer(system->xml, vmm, net->channel);
    assert_int_equal(end->pd, sw);
    assert_int_equal(end->id, port->channel);
    assert_memory_equal(net->mac, port->mac, sizeof(net->mac));
    assert_int_equal(net->mac[0] & 1, 0);
    assert_int_equal(net->mtu, port->mtu);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_fit_together),
        cmocka_unit_test(allow_is_obeyed),
        cmocka_unit_test(derived_macs_are_stable),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
