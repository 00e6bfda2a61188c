/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io_rig.h"

#include "io/virt/serial_rx/rx_core.h"

#define CLIENTS         3u
#define CAPACITY        64u
#define DRIVER_CAPACITY 1024u
#define DRIVER_CHANNEL  9
#define LOG_CHANNEL     10
#define ASK_CHANNEL     11

static struct serial_virt_rx_config config;
static struct rx_core core;
static struct rig_queue client_queues[CLIENTS], driver_queue, log_queue;
static struct serial_producer driver;
static struct serial_consumer clients[CLIENTS], log_end;

static void start(enum serial_switch convention)
{
    rig_reset();
    config.switch_keys = (uint8_t)convention;
    memset(&driver_queue.queue, 0, sizeof(driver_queue.queue));
    memset(&log_queue.queue, 0, sizeof(log_queue.queue));
    driver = serial_queue_connect_producer(&config.driver);
    log_end = serial_queue_connect_consumer(&config.log);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        memset(&client_queues[i].queue, 0, sizeof(client_queues[i].queue));
        clients[i] = serial_queue_connect_consumer(&config.clients[i].conn);
    }
    rx_core_init(&core, &config, &rig_ops);
    rx_core_run(&core);
}

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    config.num_clients = CLIENTS;
    config.driver = rig_connect(&driver_queue, DRIVER_CAPACITY, DRIVER_CHANNEL);
    config.counters_channel = ASK_CHANNEL;
    config.log = rig_connect(&log_queue, 1024, LOG_CHANNEL);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        config.clients[i].conn = rig_connect(&client_queues[i], CAPACITY, i);
        strcpy(config.clients[i].name, "guest0");
        config.clients[i].name[5] = (char)('0' + i);
    }
    start(SERIAL_SWITCH_CTRL_BACKSLASH);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(&driver_queue);
    rig_free(&log_queue);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        rig_free(&client_queues[i]);
    }
    return 0;
}

/* The operator types `text`, all in one batch. */
static void type(const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    assert_int_equal(serial_queue_enqueue(&driver, text, n), n);
    rx_core_run(&core);
}

/* The same with each key in a batch of its own. */
static void type_slowly(const char *text)
{
    for (; *text != '\0'; text++) {
        type((char[]){ *text, '\0' });
    }
}

/* What a client reads, at most `count` bytes of it. */
static const char *reads_some(uint32_t client, uint32_t count)
{
    static char text[2048];
    uint32_t n = serial_queue_dequeue(&clients[client], text, count);
    text[n] = '\0';
    if (n > 0 && serial_queue_must_signal(&clients[client])) {
        rx_core_run(&core);
    }
    return text;
}

static const char *reads(uint32_t client)
{
    return reads_some(client, CAPACITY);
}

static const char *said(void)
{
    static char text[2048];
    text[serial_queue_dequeue(&log_end, text, sizeof(text) - 1)] = '\0';
    return text;
}

static void pass(uint64_t ns)
{
    if (rig_pass(ns)) {
        rx_core_timeout(&core);
    }
}

static void fill(uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        type((char[]){ (char)('a' + i % 26), '\0' });
    }
}

static void it_says_where_input_goes(void **state)
{
    (void)state;
    assert_string_equal(
        said(), "input: guest0 (Ctrl-\\ then index, Enter: move it; Ctrl-\\ then ?: counters)\r\n");
    assert_int_equal(rig_signals[LOG_CHANNEL], 1);
    start(SERIAL_SWITCH_AT);
    assert_string_equal(said(),
                        "input: guest0 (@ then number from 1: move it; @ then ?: counters)\r\n");
    start(SERIAL_SWITCH_RETURN_AT);
    assert_string_equal(said(),
                        "input: guest0 (Return, @ then index: move it, or ?: counters)\r\n");
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
    assert_string_equal(
        said(), "input: guest0 (Ctrl-\\ then index, Enter: move it; Ctrl-\\ then ?: counters)\r\n"
                "input: guest0 (Ctrl-\\ then index, Enter: move it; Ctrl-\\ then ?: counters)\r\n"
                "input: guest0 (Ctrl-\\ then index, Enter: move it; Ctrl-\\ then ?: counters)\r\n");
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
        rx_core_run(&core);
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
    rx_core_timeout(&core);
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
    rx_core_init(&core, &config, &rig_ops);
    type("a\x1c"
         "0\rb");
    assert_string_equal(reads(1), "ab");
    config.num_clients = 0;
    rx_core_init(&core, &config, &rig_ops);
    type("nobody\x1c"
         "0\r\x1c\r");
    assert_int_equal(serial_queue_free(&driver), DRIVER_CAPACITY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
