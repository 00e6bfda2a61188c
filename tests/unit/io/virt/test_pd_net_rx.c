/* SPDX-License-Identifier: BSD-2-Clause */
/* The network receive virtualiser's shell. */
#include "tests/unit/io/virt/pd_rig.h"

#define NET_EACH_LINE(vaddr, bytes, instruction)                                                   \
    pd_lines(instruction, (uintptr_t)(vaddr), (uint64_t)(bytes))
static void pd_lines(const char *instruction, uintptr_t vaddr, uint64_t bytes);
#include "io/virt/net_rx/net_rx_pd.c"

#include "tests/unit/io/virt/net_virt_rig.h"

#define DATA_IO 0x140000000ull

static struct rig_rings driver_rings, client_rings;
static uint8_t data[CAPACITY * NET_BUFFER_SIZE];
static uint64_t dropped_lines; /* bytes */

static void pd_lines(const char *instruction, uintptr_t vaddr, uint64_t bytes)
{
    assert_string_equal(instruction, "dc civac, %0");
    assert_in_range(vaddr, (uintptr_t)data, (uintptr_t)data + sizeof(data) - bytes);
    dropped_lines += bytes;
}

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".net_virt_rx_config is not filled in");
}

/* All buffers go to the driver; a frame's cache lines are dropped before its client hears of it. */
static void it_is_wired(void **state)
{
    static uint64_t page[2 * COUNTERS_GROUP];
    struct net_buff_desc desc;
    (void)state;
    config = (struct net_virt_rx_config){ .magic = PD_MAGIC(SDDF_NET), .num_clients = 1 };
    config.driver = rig_connect(&driver_rings, DRIVER_CHANNEL);
    config.data = (struct sddf_device_region){ { (uintptr_t)data, sizeof(data) }, DATA_IO };
    config.clients[0].conn = rig_connect(&client_rings, 1);
    config.clients[0].num_macs = 1;
    counters_page.vaddr = (uintptr_t)page;
    struct net_consumer free_ones = net_consumer(&config.driver.free, CAPACITY);
    struct net_producer arrived = net_producer(&config.driver.active, CAPACITY);
    struct net_consumer client = net_consumer(&config.clients[0].conn.active, CAPACITY);
    init();
    assert_int_equal(pd_notified[DRIVER_CHANNEL], 1);
    assert_true(net_dequeue(&free_ones, &desc));
    desc.len = 60;
    assert_true(net_enqueue(&arrived, &desc));
    notified(DRIVER_CHANNEL);
    assert_int_equal(pd_notified[1], 1);
    assert_true(net_dequeue(&client, &desc));
    assert_int_equal(desc.len, 60);
    assert_true(dropped_lines >= 60);
    assert_int_equal(page[COUNT_PD_NOTIFIED], 1);
    assert_int_equal(page[COUNT_PD_NOTIFIES], 2);
    assert_int_equal(page[COUNTERS_GROUP + COUNT_NET_FRAMES], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
    };
    (void)rig_ops;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
