/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch's shell. */
#include "tests/unit/io/virt/pd_rig.h"

#include "io/virt/switch/switch_pd.c"

static struct port port;
static uint8_t memory[4096];

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".switch_config is not filled in");
}

/* A port that its VMM opens is answered; the timer is asked again at its notification. */
static void it_is_wired(void **state)
{
    (void)state;
    config = (struct switch_config){
        .magic = SWITCH_CONFIG_MAGIC, .kind = SWITCH_NET, .num_ports = 1, .timer_channel = PD_TIMER
    };
    config.ports[0] = (struct switch_port){ .port_vaddr = (uintptr_t)&port,
                                            .memory = { (uintptr_t)memory, sizeof(memory) },
                                            .mtu = 1500,
                                            .channel = 3 };
    init();
    assert_int_equal(pd_notified[3], 0);
    port_want_next(&port.control);
    notified(3);
    assert_int_equal(pd_notified[3], 1);
    assert_int_equal(port.control.answered, port.control.wanted);
    pd_timeout = 0;
    notified(PD_TIMER);
    assert_true(pd_timeout > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(it_is_wired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
