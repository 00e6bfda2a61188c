/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests that are stopped: what becomes of their input, the keys that start them, and the end. */
#include "tests/unit/io/virt/serial_rx_rig.h"

#include <cloister/guest_state.h>

#define START "\x1c!"

/* A guest's VMM publishes a state; one that stops is followed by a notification. */
static void becomes(uint32_t client, enum guest_state state)
{
    guest_publish_state(&clients[client], state);
    guest_start_handled(&clients[client]);
    if (guest_is_stopped(state)) {
        serial_rx_core_run(&core);
    }
}

static void all_become(enum guest_state state)
{
    for (uint32_t i = 0; i < CLIENTS; i++) {
        becomes(i, state);
    }
}

static void input_for_a_stopped_guest_is_dropped_and_said_so(void **state)
{
    static const struct {
        enum guest_state state;
        const char *text;
    } cases[] = {
        { GUEST_OFF, "input: guest0 has powered off; Ctrl-\\ then ! starts it again\r\n" },
        { GUEST_CRASHED, "input: guest0 has crashed; Ctrl-\\ then ! starts it again\r\n" },
        { GUEST_FAILED, "input: guest0 is not started; Ctrl-\\ then ! starts it again\r\n" },
        { (enum guest_state)77,
          "input: guest0 is not started; Ctrl-\\ then ! starts it again\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SERIAL_SWITCH_CTRL_BACKSLASH);
        (void)said();
        becomes(0, cases[i].state);
        assert_string_equal(said(), "");
        type("ls\rls\r");
        assert_string_equal(said(), cases[i].text);
        assert_string_equal(reads(0), "");
        assert_int_equal(rig_signals[0], 0);
    }
}

/* A paste costs one message, and waits for nothing. */
static void it_is_not_said_for_each_byte(void **state)
{
    (void)state;
    (void)said();
    becomes(0, GUEST_OFF);
    type_slowly("a long line that is typed for it");
    assert_int_equal(serial_queue_free(&driver), DRIVER_CAPACITY);
    assert_string_equal(said(),
                        "input: guest0 has powered off; Ctrl-\\ then ! starts it again\r\n");
    pass(1999 * MS);
    type("x");
    assert_string_equal(said(), "");
    pass(1 * MS);
    type("x");
    assert_string_equal(said(),
                        "input: guest0 has powered off; Ctrl-\\ then ! starts it again\r\n");
}

static void moving_to_a_stopped_guest_says_so(void **state)
{
    (void)state;
    (void)said();
    becomes(1, GUEST_CRASHED);
    type("\x1c"
         "1\rlost");
    assert_string_equal(said(), "input: guest1 has crashed; Ctrl-\\ then ! starts it again\r\n");
    type("\x1c"
         "0\rfine");
    assert_string_equal(said(), "input: guest0\r\n");
    assert_string_equal(reads(0), "fine");
    assert_int_equal(core.clients[1].dropped, 0);
}

static void the_keys_request_a_start(void **state)
{
    static const char *const keys[] = {
        [SERIAL_SWITCH_CTRL_BACKSLASH] = "ab\x1c!c!",
        [SERIAL_SWITCH_AT] = "ab@!c!",
        [SERIAL_SWITCH_RETURN_AT] = "ab\r@!c!",
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        start((enum serial_switch)i);
        (void)said();
        type_slowly(keys[i]);
        assert_true(guest_start_asked(&clients[0]));
        assert_false(guest_start_asked(&clients[1]));
        assert_string_equal(reads(0), i == SERIAL_SWITCH_RETURN_AT ? "ab\rc!" : "abc!");
        assert_string_equal(said(), ""); /* the VMM reports what comes of it */
    }
    start(SERIAL_SWITCH_CTRL_BACKSLASH);
    type("\x1c"
         "1!"); /* an index, and then no Enter */
    assert_false(guest_start_asked(&clients[1]) || guest_start_asked(&clients[0]));
}

/* What is typed behind the keys is the started guest's, even before its VMM has run. */
static void input_behind_a_start_is_kept(void **state)
{
    (void)state;
    becomes(0, GUEST_OFF);
    (void)said();
    type("lost" START "root\r");
    assert_int_equal(rig_signals[0], 1);
    assert_string_equal(said(),
                        "input: guest0 has powered off; Ctrl-\\ then ! starts it again\r\n");
    becomes(0, GUEST_RUNS);
    assert_string_equal(reads(0), "root\r");
    becomes(0, GUEST_OFF);
    type(START);
    becomes(0, GUEST_FAILED); /* it could not be started */
    type("x");
    assert_string_equal(said(), "input: guest0 is not started; Ctrl-\\ then ! starts it again\r\n");
}

static void a_vmm_that_does_not_answer_is_named(void **state)
{
    (void)state;
    (void)said();
    type(START);
    assert_string_equal(said(), "");
    type(START);
    assert_string_equal(said(), "input: the VMM of guest0 does not answer\r\n");
    guest_start_handled(&clients[0]);
    type(START);
    assert_string_equal(said(), "");
}

/* A restart of the virtualiser requests nothing again. */
static void a_new_life_requests_nothing(void **state)
{
    (void)state;
    type(START);
    becomes(0, GUEST_RUNS);
    serial_rx_core_init(&core, &config, &rig_ops);
    assert_false(guest_start_asked(&clients[0]));
    type(START);
    assert_true(guest_start_asked(&clients[0]));
}

static void after_the_last_guest_it_says_how_to_go_on(void **state)
{
    (void)state;
    strcpy(config.leave, "Ctrl-a x leaves QEMU");
    becomes(1, GUEST_OFF);
    becomes(2, GUEST_OFF);
    (void)said();
    pass(1000 * MS);
    assert_string_equal(said(), "");
    becomes(0, GUEST_CRASHED);
    assert_string_equal(said(), ""); /* the guest's own lines come first */
    pass(300 * MS);
    assert_string_equal(said(),
                        "all guests are stopped; Ctrl-\\ then ! starts guest0 again; Ctrl-a "
                        "x leaves QEMU\r\n");
    pass(60000 * MS);
    assert_string_equal(said(), "");
    assert_false(powered_off);
    config.leave[0] = '\0';
}

/* A guest that reboots, or starts in that time, is not the last. */
static void a_guest_that_goes_on_is_not_the_last(void **state)
{
    (void)state;
    (void)said();
    all_become(GUEST_OFF);
    becomes(1, GUEST_RUNS);
    pass(300 * MS);
    assert_string_equal(said(), "");
    becomes(1, GUEST_OFF);
    becomes(1, GUEST_WAITS); /* for a disk */
    pass(300 * MS);
    assert_string_equal(said(), "");
}

static void the_machine_follows_its_guests(void **state)
{
    (void)state;
    config.can_power_off = true;
    (void)said();
    all_become(GUEST_OFF);
    pass(300 * MS);
    assert_string_equal(said(),
                        "all guests are stopped; Ctrl-\\ then ! starts guest0 again; without "
                        "input the machine goes off in 10 s\r\n");
    pass(9000 * MS);
    type("x"); /* puts it off */
    pass(9999 * MS);
    assert_false(powered_off);
    pass(1 * MS);
    assert_true(powered_off);
    config.can_power_off = false;
}

static void a_start_keeps_the_machine_on(void **state)
{
    (void)state;
    config.can_power_off = true;
    all_become(GUEST_OFF);
    pass(300 * MS);
    type(START);
    pass(60000 * MS);
    becomes(0, GUEST_RUNS);
    pass(60000 * MS);
    assert_false(powered_off);
    (void)said();
    becomes(0, GUEST_CRASHED); /* for somebody to look at */
    pass(300 * MS);
    assert_non_null(strstr(said(), "all guests are stopped"));
    pass(60000 * MS);
    assert_false(powered_off);
    config.can_power_off = false;
}

/* Without guests, or with one whose state is unknown, the machine stays on. */
static void a_guest_of_unknown_state_keeps_the_machine_on(void **state)
{
    (void)state;
    config.can_power_off = true;
    all_become(GUEST_OFF);
    config.clients[2].conn.queue.vaddr = 0;
    for (int i = 0; i < 2; i++) {
        serial_rx_core_init(&core, &config, &rig_ops);
        (void)said();
        serial_rx_core_run(&core);
        pass(300 * MS);
        pass(60000 * MS);
        assert_string_equal(said(), "");
        assert_false(powered_off);
        config.num_clients = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(input_for_a_stopped_guest_is_dropped_and_said_so),
        TEST(it_is_not_said_for_each_byte),
        TEST(moving_to_a_stopped_guest_says_so),
        TEST(the_keys_request_a_start),
        TEST(input_behind_a_start_is_kept),
        TEST(a_vmm_that_does_not_answer_is_named),
        TEST(a_new_life_requests_nothing),
        TEST(after_the_last_guest_it_says_how_to_go_on),
        TEST(a_guest_that_goes_on_is_not_the_last),
        TEST(the_machine_follows_its_guests),
        TEST(a_start_keeps_the_machine_on),
        TEST(a_guest_of_unknown_state_keeps_the_machine_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
