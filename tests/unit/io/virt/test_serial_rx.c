/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/virt/serial_rx_rig.h"

#define HELP_CTRL_BACKSLASH                                                                        \
    "input: guest0 (Ctrl-\\ then index, Enter: move it; Ctrl-\\ then ?: counters, or !: start a "  \
    "stopped guest)\r\n"

static void fill(uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        type((char[]){ (char)('a' + i % 26), '\0' });
    }
}

static void it_says_where_input_goes(void **state)
{
    (void)state;
    assert_string_equal(said(), HELP_CTRL_BACKSLASH);
    assert_int_equal(rig_signals[LOG_CHANNEL], 1);
    start(SERIAL_SWITCH_AT);
    assert_string_equal(said(), "input: guest0 (@ then number from 1: move it; @ then ?: counters, "
                                "or !: start a stopped guest)\r\n");
    start(SERIAL_SWITCH_RETURN_AT);
    assert_string_equal(said(), "input: guest0 (Return, @ then index: move it, or ?: counters, or "
                                "!: start a stopped guest)\r\n");
}

static void ctrl_backslash(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        start(SERIAL_SWITCH_CTRL_BACKSLASH);
        said();
        (slowly ? type_slowly : type)("ab\x1c\x1c"
                                      "c1\x1c"
                                      "2\rx@1\\@\x1c"
                                      "01\ny");
        assert_string_equal(reads(0), "ab\x1c"
                                      "c1");
        assert_string_equal(reads(2), "x@1\\@");
        assert_string_equal(reads(1), "y");
        assert_string_equal(said(), "input: guest2\r\ninput: guest1\r\n");
    }
    assert_int_equal(rig_signals[0], 5);
}

static void ctrl_backslash_wrong(void **state)
{
    (void)state;
    said();
    type("\x1c"
         "3\ra");
    assert_string_equal(said(), "input: no such guest, stays with guest0\r\n");
    type("\x1c"
         "99999999999999999999\rb\x1c"
         "4294967296\rc");
    assert_string_equal(said(), "input: no such guest, stays with guest0\r\n"
                                "input: no such guest, stays with guest0\r\n");
    type("\x1c\rd\x1cxe\x1c"
         "1\x1c"
         "f");
    assert_string_equal(reads(0), "abcdef");
    assert_string_equal(said(), HELP_CTRL_BACKSLASH HELP_CTRL_BACKSLASH HELP_CTRL_BACKSLASH);
}

static void at(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        start(SERIAL_SWITCH_AT);
        said();
        (slowly ? type_slowly : type)("a\x1c"
                                      "b@2c\r\\@d\\e\\\\@f@xg@@3h");
        assert_string_equal(reads(0), "a\x1c"
                                      "b");
        assert_string_equal(reads(1), "c\r@d\\e\\@f@xg@");
        assert_string_equal(reads(2), "h");
        type("@0@9i");
        assert_string_equal(reads(2), "i");
        assert_string_equal(said(), "input: guest1\r\ninput: guest2\r\n"
                                    "input: no such guest, stays with guest2\r\n"
                                    "input: no such guest, stays with guest2\r\n");
    }
}

static void return_at(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        start(SERIAL_SWITCH_RETURN_AT);
        said();
        (slowly ? type_slowly : type)("a@1b\r@1c\n@xd\r@@e\r@\r@2f");
        assert_string_equal(reads(0), "a@1b\r");
        assert_string_equal(reads(1), "c\n@xd\r@@e\r@\r");
        assert_string_equal(reads(2), "f");
        type("\r@7g\r@0@1h");
        assert_string_equal(reads(2), "\rg\r");
        assert_string_equal(reads(1), "h");
        assert_string_equal(said(), "input: guest1\r\ninput: guest2\r\n"
                                    "input: no such guest, stays with guest2\r\n"
                                    "input: guest0\r\ninput: guest1\r\n");
    }
    start(SERIAL_SWITCH_RETURN_AT);
    type("@1x"); /* the start counts as the start of a line */
    assert_string_equal(reads(1), "x");
}

/* The guest sees nothing of it, and the input stays where it is. */
static void the_counters_are_asked_for(void **state)
{
    static const char *const keys[] = {
        [SERIAL_SWITCH_CTRL_BACKSLASH] = "ab\x1c?c?",
        [SERIAL_SWITCH_AT] = "ab@?c?",
        [SERIAL_SWITCH_RETURN_AT] = "ab\r@?c?",
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        start((enum serial_switch)i);
        (void)said();
        type_slowly(keys[i]);
        assert_int_equal(rig_signals[ASK_CHANNEL], 1);
        assert_string_equal(reads(0), i == SERIAL_SWITCH_RETURN_AT ? "ab\rc?" : "abc?");
        assert_string_equal(said(), "");
    }
    start(SERIAL_SWITCH_CTRL_BACKSLASH);
    type("\x1c"
         "1?"); /* an index, and then no Enter */
    assert_int_equal(rig_signals[ASK_CHANNEL], 0);
}

static void a_paste_is_lossless_while_the_guest_reads(void **state)
{
    (void)state;
    static char pasted[5000], got[5001];
    size_t sent = 0, length = 0;
    srand(7);
    for (size_t i = 0; i < sizeof(pasted); i++) {
        pasted[i] = (char)('!' + rand() % 90);
    }
    while (length < sizeof(pasted)) {
        uint32_t n = (uint32_t)rand() % 100;
        n = sizeof(pasted) - sent < n ? (uint32_t)(sizeof(pasted) - sent) : n;
        sent += serial_queue_enqueue(&driver, pasted + sent, n);
        serial_rx_core_run(&core);
        const char *part = reads_some(0, 1 + (uint32_t)rand() % 40);
        strcpy(got + length, part);
        length += strlen(part);
        pass(1900 * MS); /* slow, but never without progress for two seconds */
        assert_int_equal(core.clients[0].dropped, 0);
    }
    assert_memory_equal(got, pasted, sizeof(pasted));
}

static void the_driver_is_told_of_room(void **state)
{
    (void)state;
    fill(CAPACITY + DRIVER_CAPACITY);
    assert_int_equal(serial_queue_free(&driver), 0);
    rig_signals[DRIVER_CHANNEL] = 0;
    serial_queue_request_signal(&driver);
    reads(0);
    assert_int_equal(rig_signals[DRIVER_CHANNEL], 1);
    assert_int_equal(serial_queue_free(&driver), CAPACITY);
}

/* C4: a guest that never reads costs its own input, and nobody else's. */
static void a_guest_that_does_not_read_loses_its_input(void **state)
{
    (void)state;
    said();
    fill(CAPACITY + 10);
    pass(1999 * MS);
    assert_int_equal(core.clients[0].dropped, 0);
    pass(1 * MS);
    assert_int_equal(core.clients[0].dropped, 10);
    fill(100); /* from now on at once */
    assert_int_equal(core.clients[0].dropped, 110);
    assert_string_equal(said(), "input: guest0 does not read, its input is dropped\r\n");
    type("\x1c"
         "1\rhello\x1c"
         "0\r");
    assert_string_equal(reads(1), "hello");
    assert_string_equal(said(),
                        "input: guest1\r\ninput: guest0 (which has not taken 110 bytes)\r\n");
    /* What it had been given is still there, and it is served again once it reads. */
    assert_int_equal(strlen(reads(0)), CAPACITY);
    type("again");
    assert_string_equal(reads(0), "again");
    assert_int_equal(core.clients[0].dropped, 110);
}

static void the_switch_works_while_a_guest_is_stuck(void **state)
{
    (void)state;
    said();
    fill(CAPACITY + 10);
    pass(1000 * MS);
    type("\x1c"
         "1\rhello");
    assert_string_equal(reads(1), "");
    pass(1000 * MS);
    assert_string_equal(reads(1), "hello");
    assert_int_equal(core.clients[0].dropped, 10);
    assert_string_equal(said(), "input: guest0 does not read, its input is dropped\r\n"
                                "input: guest1\r\n");
    assert_int_equal(strlen(reads(0)), CAPACITY);
}

static void a_guest_cannot_hold_the_input_by_reading_slowly(void **state)
{
    (void)state;
    fill(CAPACITY + 100);
    type_slowly("\x1c"
                "1\rhello");
    for (int i = 0; i < 3; i++) {
        reads_some(0, 1);
        pass(900 * MS);
    }
    assert_string_equal(reads(1), "hello");
    assert_in_range(core.clients[0].dropped, 90, 100);
}

static void a_guest_in_time_loses_nothing_to_a_switch(void **state)
{
    (void)state;
    fill(CAPACITY + 10);
    type("\x1c"
         "1\rhello");
    assert_int_equal(strlen(reads(0)), CAPACITY);
    assert_int_equal(strlen(reads(0)), 10);
    assert_string_equal(reads(1), "hello");
    pass(5000 * MS);
    assert_int_equal(core.clients[0].dropped, 0);
}

static void an_old_timeout_drops_nothing(void **state)
{
    (void)state;
    fill(CAPACITY + 30);
    rig_time += 2000 * MS; /* it comes, but is handled behind the guest's progress */
    reads_some(0, 5);
    serial_rx_core_timeout(&core);
    assert_int_equal(core.clients[0].dropped, 0);
    pass(2000 * MS);
    assert_int_equal(core.clients[0].dropped, 25);
}

/* S7: the other side of a client's queue. */
static void a_lying_guest_is_as_one_that_does_not_read(void **state)
{
    (void)state;
    static const uint32_t lies[] = { CAPACITY + 1, 0x80000000, UINT32_MAX - CAPACITY };
    for (size_t i = 0; i < 3; i++) {
        client_queues[0].queue.head = core.clients[0].queue.tail + lies[i];
        client_queues[0].queue.tail = lies[i];
        type("lost");
        pass(2000 * MS);
        type("\x1c"
             "1\rfine\x1c"
             "0\r");
        assert_string_equal(reads(1), "fine");
    }
    assert_int_equal(core.clients[0].dropped, 12);
}

static void a_full_log_loses_whole_lines_only(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        type("\x1c"
             "1\r\x1c"
             "0\r");
    }
    const char *text = said();
    size_t length = strlen(text);
    assert_in_range(length, 900, 1024);
    assert_string_equal(text + length - 2, "\r\n");
    type("still works");
    assert_string_equal(reads(0), "still works");
}

static void clients_without_input_are_passed_over(void **state)
{
    (void)state;
    config.clients[0].conn.queue.vaddr = 0;
    serial_rx_core_init(&core, &config, &rig_ops);
    type("a\x1c"
         "0\rb");
    assert_string_equal(reads(1), "ab");
    config.num_clients = 0;
    serial_rx_core_init(&core, &config, &rig_ops);
    type("nobody\x1c"
         "0\r\x1c\r");
    assert_int_equal(serial_queue_free(&driver), DRIVER_CAPACITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_where_input_goes),
        TEST(ctrl_backslash),
        TEST(ctrl_backslash_wrong),
        TEST(at),
        TEST(return_at),
        TEST(the_counters_are_asked_for),
        TEST(a_paste_is_lossless_while_the_guest_reads),
        TEST(the_driver_is_told_of_room),
        TEST(a_guest_that_does_not_read_loses_its_input),
        TEST(the_switch_works_while_a_guest_is_stuck),
        TEST(a_guest_cannot_hold_the_input_by_reading_slowly),
        TEST(a_guest_in_time_loses_nothing_to_a_switch),
        TEST(an_old_timeout_drops_nothing),
        TEST(a_lying_guest_is_as_one_that_does_not_read),
        TEST(a_full_log_loses_whole_lines_only),
        TEST(clients_without_input_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
