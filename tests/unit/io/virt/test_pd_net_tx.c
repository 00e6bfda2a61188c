/* SPDX-License-Identifier: BSD-2-Clause */
/* The network transmit virtualiser's shell. */
#include "tests/unit/io/virt/pd_rig.h"

#define NET_EACH_LINE(vaddr, bytes, instruction)                                                   \
    pd_lines(instruction, (uintptr_t)(vaddr), (uint64_t)(bytes))
static void pd_lines(const char *instruction, uintptr_t vaddr, uint64_t bytes);
#include "io/virt/net_tx/net_tx_pd.c"

#include "tests/unit/io/virt/net_virt_rig.h"

#define CLIENT_IO 0x140000000ull

static struct rig_rings driver_rings, client_rings;
static uint8_t data[CAPACITY * NET_BUFFER_SIZE];
static uint64_t cleaned_lines; /* bytes */

static void pd_lines(const char *instruction, uintptr_t vaddr, uint64_t bytes)
{
    assert_string_equal(instruction, "dc cvac, %0");
    assert_in_range(vaddr, (uintptr_t)data, (uintptr_t)data + sizeof(data) - bytes);
    cleaned_lines += bytes;
}

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".net_virt_tx_config is not filled in");
}

/* A client's frame is written back to memory, and goes to the driver with its physical address. */
static void it_is_wired(void **state)
{
    static uint64_t page[2 * COUNTERS_GROUP];
    struct net_buff_desc desc = { 2 * NET_BUFFER_SIZE, 60, 0 };
    (void)state;
    config = (struct net_virt_tx_config){ .magic = PD_MAGIC(SDDF_NET), .num_clients = 1 };
    config.driver = rig_connect(&driver_rings, DRIVER_CHANNEL);
    config.clients[0].conn = rig_connect(&client_rings, 1);
    config.clients[0].data =
        (struct sddf_device_region){ { (uintptr_t)data, sizeof(data) }, CLIENT_IO };
    counters_page.vaddr = (uintptr_t)page;
    struct net_consumer driver = net_consumer(&config.driver.active, CAPACITY);
    struct net_producer done = net_producer(&config.driver.free, CAPACITY);
    struct net_producer client = net_producer(&config.clients[0].conn.active, CAPACITY);
    init();
    assert_true(net_enqueue(&client, &desc));
    notified(1);
    assert_int_equal(pd_notified[DRIVER_CHANNEL], 1);
    assert_true(net_dequeue(&driver, &desc));
    assert_int_equal(desc.io_or_offset, CLIENT_IO + 2 * NET_BUFFER_SIZE);
    assert_true(cleaned_lines >= 60);
    pd_notified[1] = 0;
    assert_true(net_enqueue(&done, &desc));
    notified(DRIVER_CHANNEL);
    assert_int_equal(pd_notified[1], 1);
    assert_int_equal(page[COUNT_PD_NOTIFIED], 2);
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
