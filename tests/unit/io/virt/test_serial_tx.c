/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/virt/io_rig.h"

#include "io/virt/serial_tx/serial_tx_core.h"

#define CLIENTS        3u
#define CAPACITY       8192u
#define DRIVER_CHANNEL 9
#define SCREEN_BYTES   (4u << 20)
#define RED            "\x1b[31m"
#define GREEN          "\x1b[32m"
#define OFF            "\x1b[0m"

static struct serial_virt_tx_config config;
static struct tx_core core;
static struct rig_queue client_queues[CLIENTS], driver_queue;
static struct serial_producer clients[CLIENTS];
static struct serial_consumer driver;
static char screen[SCREEN_BYTES];
static size_t screen_length;

static void start(uint32_t driver_capacity)
{
    rig_reset();
    memset(&config, 0, sizeof(config));
    config.num_clients = CLIENTS;
    config.driver = rig_connect(&driver_queue, driver_capacity, DRIVER_CHANNEL);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        config.clients[i].conn = rig_connect(&client_queues[i], CAPACITY, i);
        config.clients[i].name[0] = (char)('a' + i);
        config.clients[i].colour[0] = '3';
        config.clients[i].colour[1] = (char)('1' + i);
        clients[i] = serial_queue_connect_producer(&config.clients[i].conn);
    }
    driver = serial_queue_connect_consumer(&config.driver);
    serial_tx_core_init(&core, &config, &rig_ops);
    screen_length = 0;
    screen[0] = '\0';
}

static int setup(void **state)
{
    (void)state;
    start(CAPACITY);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(&driver_queue);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        rig_free(&client_queues[i]);
    }
    return 0;
}

static void put(uint32_t client, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    assert_int_equal(serial_queue_enqueue(&clients[client], text, n), n);
}

static void say(uint32_t client, const char *text)
{
    put(client, text);
    serial_tx_core_run(&core);
}

/* The UART takes up to `count` bytes; true if the virtualiser was to be notified. */
static bool uart_takes(uint32_t count)
{
    screen_length += serial_queue_dequeue(&driver, screen + screen_length, count);
    screen[screen_length] = '\0';
    return serial_queue_must_signal(&driver);
}

/* What appeared on the screen since the last look. */
static const char *look(void)
{
    size_t before = screen_length;
    uart_takes(CAPACITY);
    return screen + before;
}

static void pass(uint64_t ns)
{
    if (rig_pass(ns)) {
        serial_tx_core_timeout(&core);
    }
}

static void each_client_has_its_colour(void **state)
{
    (void)state;
    say(0, "one\r\n");
    say(1, "two\r\n");
    assert_string_equal(look(), RED "one\r\n" OFF GREEN "two\r\n" OFF);
    assert_int_equal(rig_signals[DRIVER_CHANNEL], 2);
}

static void no_colour_adds_nothing(void **state)
{
    (void)state;
    config.clients[0].colour[0] = '\0';
    say(0, "plain\n");
    say(1, "green\n");
    assert_string_equal(look(), "plain\n" GREEN "green\n" OFF);
}

static void a_prompt_appears_at_once_and_echo_follows(void **state)
{
    (void)state;
    say(0, "login: ");
    assert_string_equal(look(), RED "login: ");
    say(0, "r");
    assert_string_equal(look(), "r");
    pass(1000 * MS);
    say(0, "oot\r\n");
    assert_string_equal(look(), "oot\r\n" OFF);
    pass(TX_POLL_NS);
    assert_int_equal(rig_timeout, 0); /* nobody else waited */
}

static uint32_t polls(uint32_t client)
{
    return client_queues[client].queue.consumer_polls;
}

static void output_that_goes_on_needs_no_notification(void **state)
{
    (void)state;
    assert_int_equal(polls(0), 0);
    say(0, "one\n");
    assert_string_equal(look(), RED "one\n" OFF); /* at once */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(polls(0) + polls(1) + polls(2), 3);
        put(1, "two\n");
        put(0, "three\n");
        pass(TX_POLL_NS);
        assert_string_equal(look(), GREEN "two\n" OFF RED "three\n" OFF);
    }
    assert_int_equal(rig_signals[DRIVER_CHANNEL], 4);
    pass(TX_POLL_NS);
    assert_int_equal(polls(0) + polls(1) + polls(2), 0);
    assert_int_equal(rig_timeout, 0);
    assert_int_equal(rig_signals[DRIVER_CHANNEL], 4);
}

/* One timeout serves both: the next look displaces a silence's deadline, and gives way to it. */
static void a_silence_is_timed_while_output_is_polled(void **state)
{
    (void)state;
    static const uint64_t slow = 7 * MS;
    say(0, "login: ");
    say(1, "one\n");
    uint64_t waited = 0;
    for (; waited + slow < TX_QUIET_NS; waited += slow) {
        pass(slow);
        assert_null(strstr(look(), "one"));
    }
    pass(TX_QUIET_NS - waited);
    assert_string_equal(look(), OFF "\r\n" GREEN "one\n" OFF);
}

/* The last look finds that an unfinished line, silent already, holds somebody up. */
static void a_silence_is_timed_from_the_end_of_polling(void **state)
{
    (void)state;
    say(0, "login: ");
    put(1, "one\n");
    pass(TX_POLL_NS);
    assert_string_equal(look(), RED "login: ");
    assert_int_equal(polls(1), 0);
    pass(TX_QUIET_NS);
    assert_string_equal(look(), OFF "\r\n" GREEN "one\n" OFF);
}

static void a_new_life_asks_for_notifications_again(void **state)
{
    (void)state;
    say(0, "one\n");
    put(1, "two\n");
    assert_int_equal(polls(1), 1);
    serial_tx_core_init(&core, &config, &rig_ops);
    assert_int_equal(polls(0) + polls(1) + polls(2), 0);
    serial_tx_core_run(&core);
    assert_string_equal(look(), RED "one\n" OFF GREEN "two\n" OFF);
}

static void lines_stay_whole(void **state)
{
    (void)state;
    say(0, "[ 0.1] fir");
    say(1, "[ 0.2] second\r\n");
    pass(TX_QUIET_NS - MS);
    assert_string_equal(look(), RED "[ 0.1] fir");
    say(0, "st, and ");
    pass(TX_QUIET_NS - MS);
    say(0, "more\r\n");
    assert_string_equal(look(), "st, and more\r\n" OFF GREEN "[ 0.2] second\r\n" OFF);
    /* The deadline that was set has no meaning any more. */
    say(0, "next");
    pass(5 * TX_QUIET_NS);
    assert_string_equal(look(), RED "next");
}

static void a_tail_waits_for_the_others(void **state)
{
    (void)state;
    put(0, "a1\na2\na3");
    put(1, "b1\nb2");
    put(2, "c1\n");
    serial_tx_core_run(&core);
    assert_string_equal(look(), RED "a1\na2\n" OFF GREEN "b1\n" OFF "\x1b[33mc1\n" OFF RED "a3");
    pass(TX_QUIET_NS);
    assert_string_equal(look(), OFF "\r\n" GREEN "b2");
}

static void silence_yields(void **state)
{
    (void)state;
    say(0, "login: ");
    say(1, "one\ntwo\n");
    pass(TX_QUIET_NS);
    assert_string_equal(look(), RED "login: " OFF "\r\n" GREEN "one\ntwo\n" OFF);
    /* The interrupted one goes on in a new line, in its colour. */
    say(0, "root");
    assert_string_equal(look(), RED "root");
}

static void an_early_timeout_waits_on(void **state)
{
    (void)state;
    say(0, "login: ");
    say(1, "one\n");
    rig_time += TX_QUIET_NS / 2;
    serial_tx_core_timeout(&core); /* an older one's notification crossed with the request */
    assert_string_equal(look(), RED "login: ");
    pass(TX_QUIET_NS / 2);
    assert_string_equal(look(), OFF "\r\n" GREEN "one\n" OFF);
}

static void a_dripping_line_holds_nobody_for_ever(void **state)
{
    (void)state;
    say(0, "x");
    say(1, "one\n");
    for (uint64_t waited = 0; waited <= TX_PATIENCE_NS; waited += TX_QUIET_NS / 2) {
        pass(TX_QUIET_NS / 2);
        say(0, "x");
    }
    look();
    assert_non_null(strstr(screen, OFF "\r\n" GREEN "one\n" OFF RED "x"));
}

/* One that notifies where it need not puts no timeout off. */
static void a_dripping_line_that_notifies_neither(void **state)
{
    (void)state;
    say(0, "x");
    say(1, "one\n");
    for (uint64_t waited = 0; waited <= TX_PATIENCE_NS + 2 * TX_POLL_NS; waited += MS) {
        pass(MS);
        say(0, "x");
    }
    look();
    assert_non_null(strstr(screen, OFF "\r\n" GREEN "one\n" OFF RED "x"));
}

static void a_flood_without_line_end_yields(void **state)
{
    (void)state;
    static char text[CAPACITY];
    memset(text, 'x', sizeof(text) - 1);
    uart_takes(1);
    put(0, text);
    put(1, "one\n");
    put(2, "two\n");
    serial_tx_core_run(&core);
    while (uart_takes(100)) {
        serial_tx_core_run(&core);
    }
    look();
    const char *one = strstr(screen, GREEN "one\n" OFF "\x1b[33mtwo\n" OFF RED "xx");
    assert_non_null(one);
    assert_in_range(one - screen, TX_LINE_BYTES, TX_LINE_BYTES + TX_CHUNK_BYTES + 32);
}

static void a_flood_of_lines_gives_turns(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        put(0, "flood flood flood\n");
    }
    put(1, "one\n");
    serial_tx_core_run(&core);
    look();
    assert_in_range(strstr(screen, "one\n") - screen, 1, TX_CHUNK_BYTES + 32);
}

static void a_full_driver_queue_holds_everything(void **state)
{
    (void)state;
    teardown(NULL);
    start(64);
    static char expected[CAPACITY + 16];
    strcpy(expected, RED);
    for (int i = 0; i < 100; i++) {
        put(0, "line after line after line\n");
        strcat(expected, "line after line after line\n");
    }
    serial_tx_core_run(&core);
    assert_int_equal(driver_queue.queue.producer_signalled, 0);
    assert_int_equal(rig_signals[DRIVER_CHANNEL], 1);
    /* One byte at a time: each signal is asked for and comes. */
    while (serial_queue_length(&driver) > 0) {
        if (uart_takes(1)) {
            serial_tx_core_run(&core);
        }
    }
    /* A turn may have ended in between with the line: take the frames out. */
    size_t to = 0;
    for (size_t at = 0; at < screen_length;) {
        if (screen[at] == '\x1b') {
            at += (size_t)(strchr(screen + at, 'm') - (screen + at)) + 1;
        } else {
            screen[to++] = screen[at++];
        }
    }
    screen[to] = '\0';
    assert_string_equal(screen, expected + strlen(RED));
}

static void clients_are_told_of_room(void **state)
{
    (void)state;
    static char text[CAPACITY + 1];
    memset(text, '\n', CAPACITY);
    serial_queue_cancel_signal(&clients[1]);
    say(1, text);
    assert_int_equal(rig_signals[1], 0);
    look();
    serial_queue_request_signal(&clients[1]);
    serial_tx_core_run(&core);
    assert_int_equal(rig_signals[1], 1);
}

/* C8: nothing in the output is a command, and nothing is changed. */
static void output_is_not_interpreted(void **state)
{
    (void)state;
    static const char text[] = "\x1c"
                               "1\r@2\\@\x1b[0m\x1b[35mxyz\x1b]0;t\a\b\b\x7f\xff\xc3\xa4\x11\x13";
    say(0, text);
    assert_memory_equal(look(), RED, 5);
    assert_string_equal(screen + 5, text);
    assert_int_equal(serial_queue_enqueue(&clients[0], "\0\0\n", 3), 3);
    serial_tx_core_run(&core);
    assert_memory_equal(look(), "\0\0\n" OFF, 7);
}

/* S7: indices that make no sense hurt their owner only. */
static void a_lying_client_is_ignored(void **state)
{
    (void)state;
    static const uint32_t lies[] = { CAPACITY + 1, 0x7fffffff, 0x80000000, UINT32_MAX };
    say(0, "half");
    for (size_t i = 0; i < 4; i++) {
        client_queues[0].queue.tail = core.clients[0].queue.head + lies[i];
        client_queues[0].queue.head = lies[i];
        client_queues[0].queue.producer_signalled = lies[i];
        say(1, "fine\n");
        pass(TX_QUIET_NS);
    }
    assert_string_equal(look(), RED "half" OFF "\r\n" GREEN "fine\n" OFF GREEN "fine\n" OFF GREEN
                                    "fine\n" OFF GREEN "fine\n" OFF);
    assert_string_equal(rig_log, "serial tx: ignoring the broken queue of a\n");
    /* Once its index is right again, so is it. */
    client_queues[0].queue.tail = core.clients[0].queue.head;
    clients[0] = serial_queue_producer(&client_queues[0].queue, client_queues[0].data, CAPACITY);
    say(0, "back\n");
    assert_string_equal(look(), RED "back\n" OFF);
}

/* Splits the screen by colour; what stands outside of colours may only be line breaks. */
static void check_streams(char *const expected[], const size_t lengths[])
{
    size_t seen[CLIENTS] = { 0 };
    for (size_t at = 0; at < screen_length;) {
        if (screen[at] != '\x1b') {
            assert_memory_equal(screen + at, "\r\n", 2);
            at += 2;
            continue;
        }
        uint32_t client = (uint32_t)(screen[at + 3] - '1');
        assert_true(client < CLIENTS);
        for (at += 5; at < screen_length && screen[at] != '\x1b'; at++) {
            assert_int_equal(screen[at], expected[client][seen[client]]);
            seen[client]++;
        }
        if (at < screen_length) {
            assert_memory_equal(screen + at, OFF, 4);
            at += 4;
        }
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(seen[i], lengths[i]);
    }
}

/* Everything at once, at random: each client's bytes come out exactly and in order. */
static void nothing_is_lost(void **state)
{
    (void)state;
    enum { BYTES = 200000 };
    char *text[CLIENTS];
    size_t lengths[CLIENTS], sent[CLIENTS] = { 0 };
    srand(4711);
    teardown(NULL);
    start(256);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        text[i] = test_malloc(BYTES);
        lengths[i] = BYTES;
        for (size_t k = 0; k < BYTES; k++) {
            text[i][k] = rand() % 30 == 0 && i != 2 ? '\n' : (char)('a' + rand() % 26);
        }
    }
    bool more = true;
    while (more || serial_queue_length(&driver) > 0) {
        more = false;
        for (uint32_t i = 0; i < CLIENTS; i++) {
            uint32_t left = (uint32_t)(lengths[i] - sent[i]);
            uint32_t n = (uint32_t)rand() % 700;
            sent[i] += serial_queue_enqueue(&clients[i], text[i] + sent[i], n < left ? n : left);
            serial_queue_request_signal(&clients[i]);
            more |= sent[i] < lengths[i] || serial_queue_fill(&clients[i]) > 0;
        }
        serial_tx_core_run(&core);
        uart_takes((uint32_t)rand() % 600);
        pass((uint64_t)rand() % (TX_QUIET_NS / 2));
    }
    check_streams(text, lengths);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        test_free(text[i]);
    }
}

static void no_clients_at_all(void **state)
{
    (void)state;
    config.num_clients = 0;
    serial_tx_core_init(&core, &config, &rig_ops);
    serial_tx_core_run(&core);
    serial_tx_core_timeout(&core);
    assert_string_equal(look(), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_client_has_its_colour),
        TEST(no_colour_adds_nothing),
        TEST(a_prompt_appears_at_once_and_echo_follows),
        TEST(output_that_goes_on_needs_no_notification),
        TEST(a_silence_is_timed_while_output_is_polled),
        TEST(a_silence_is_timed_from_the_end_of_polling),
        TEST(a_new_life_asks_for_notifications_again),
        TEST(lines_stay_whole),
        TEST(a_tail_waits_for_the_others),
        TEST(silence_yields),
        TEST(an_early_timeout_waits_on),
        TEST(a_dripping_line_holds_nobody_for_ever),
        TEST(a_dripping_line_that_notifies_neither),
        TEST(a_flood_without_line_end_yields),
        TEST(a_flood_of_lines_gives_turns),
        TEST(a_full_driver_queue_holds_everything),
        TEST(clients_are_told_of_room),
        TEST(output_is_not_interpreted),
        TEST(a_lying_client_is_ignored),
        TEST(nothing_is_lost),
        TEST(no_clients_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
