/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose makes of the console: the keys that the operator is shown, and the way to the end.
 */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sddf/config.h>

static struct serial_virt_rx_config rx;

static struct composed compose_one(const char *console)
{
    static char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "system: s\n%sguests:\n  - {name: a, memory: 64M}\n  - {name: b, memory: 64M}\n",
                   console);
    struct composed system = composed_yaml(yaml, "out");
    composed_record(&system, "serial_virt_rx", "serial_virt_rx_config", &rx, sizeof(rx));
    return system;
}

/* A channel by which the virtualiser calls, and which the supervisor cannot take for a call. */
static void the_supervisor_switches_the_machine_off(void **state)
{
    (void)state;
    struct composed system = compose_one("");
    const struct xml_system *xml = system.xml;
    assert_true(rx.can_power_off);
    assert_string_equal(rx.leave, "Ctrl-a x leaves QEMU");
    unsigned found = 0;
    for (size_t i = 0; i < xml->num_ends; i += 2) {
        const struct xml_end *a = &xml->ends[i], *b = &xml->ends[i + 1];
        bool of_supervisor = a->pd == 0 || b->pd == 0;
        if (of_supervisor) {
            found++;
            assert_string_equal(xml->pds[a->pd].name, "serial_virt_rx");
            assert_int_equal(a->id, rx.supervisor_channel);
            assert_true(a->pp && !b->pp);
        }
    }
    assert_int_equal(found, 1);
    for (size_t i = 0; i < xml->num_pds; i++) {
        assert_int_equal(xml->pds[i].smc, i == 0);
    }
    free(system.xml);
}

/* Nobody may call firmware that is not there. */
static void a_board_without_firmware_stays_on(void **state)
{
    (void)state;
    rig_write_board_without_slots();
    struct composed system = compose_one("");
    assert_false(rx.can_power_off);
    assert_string_equal(rx.leave, "");
    assert_false(system.xml->pds[0].smc);
    size_t length;
    char *keys = rig_read("out/console.txt", &length);
    assert_non_null(strstr(keys, "before the machine is switched off"));
    free(keys);
    free(system.xml);
    rig_write_board(RIG_BOARD_RAM, true);
}

/* The keys are those of the YAML file, however it is written. */
static void the_keys_are_written_for_the_operator(void **state)
{
    static const struct {
        const char *console, *keys;
    } cases[] = {
        { "",
          "  Ctrl-\\ index Enter      moves the input to a guest: 0 a, 1 b\n"
          "  Ctrl-\\ ?                shows the counters\n"
          "  Ctrl-\\ !                starts the guest that has the input, if it is stopped\n" },
        { "console: {switch: at}\n",
          "  @ digit                 moves the input to a guest: 1 a, 2 b\n"
          "  @ ?                     shows the counters\n"
          "  @ !                     starts the guest that has the input, if it is stopped\n" },
        { "console:\n  switch: return-at\n",
          "  Return @ index          moves the input to a guest: 0 a, 1 b\n"
          "  Return @ ?              shows the counters\n"
          "  Return @ !              starts the guest that has the input, if it is stopped\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct composed system = compose_one(cases[i].console);
        size_t length;
        char *keys = rig_read("out/console.txt", &length);
        assert_int_equal(strncmp(keys, cases[i].keys, strlen(cases[i].keys)), 0);
        assert_non_null(strstr(keys, "\n  poweroff "));
        free(keys);
        free(system.xml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_supervisor_switches_the_machine_off),
        cmocka_unit_test(a_board_without_firmware_stays_on),
        cmocka_unit_test(the_keys_are_written_for_the_operator),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
