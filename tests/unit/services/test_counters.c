/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what is counted: what is in it, and how it gets through a line that is narrow. */
#include "tests/unit/io/virt/io_rig.h"

#include "services/counters/counters_core.h"

#include <stdio.h>

#define CAPACITY 256u /* about three rows */
#define CHANNEL  3

static struct counters_config config;
static struct counters_core core;
static struct rig_queue queue;
static struct serial_consumer line;
static uint64_t pages[2][2 * COUNTERS_GROUP];
static char printed[8192];

static bool extra(uint32_t n, struct counters_extra *row)
{
    static const char *const texts[] = { "entries", "switches" };
    strcpy(row->name, "kernel");
    row->text = texts[n % 2];
    row->count = n % 2 == 0 ? 100 + n : 0;
    return n < 4;
}

static const struct counters_ops ops = { .notify = rig_notify };
static const struct counters_ops ops_extra = { .notify = rig_notify, .extra = extra };

static void add(enum counters_kind kind, const char *name, const uint64_t *counts)
{
    struct counters_group *group = &config.groups[config.num_groups++];
    group->vaddr = (uintptr_t)counts;
    group->kind = (uint8_t)kind;
    strcpy(group->name, name);
}

static int setup(void **state)
{
    (void)state;
    rig_reset();
    memset(&config, 0, sizeof(config));
    memset(pages, 0, sizeof(pages));
    config.tx = rig_connect(&queue, CAPACITY, CHANNEL);
    line = serial_queue_connect_consumer(&config.tx);
    add(COUNTERS_PD, "guest0_vmm", pages[0]);
    add(COUNTERS_GUEST, "guest0", pages[0] + COUNTERS_GROUP);
    add(COUNTERS_PD, "lan_switch", pages[1]);
    add(COUNTERS_PORT, "lan_switch: guest0", pages[1] + COUNTERS_GROUP);
    assert_true(counters_core_init(&core, &config, &ops));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(&queue);
    return 0;
}

/* Everything that comes, the virtualiser taking what it finds and signalling when it is asked to.
 */
static const char *ask(void)
{
    size_t length = 0;
    uint32_t taken;
    counters_core_ask(&core);
    while ((taken = serial_queue_dequeue(&line, printed + length, 100)) > 0) {
        length += taken;
        assert_true(length < sizeof(printed) - 100);
        if (serial_queue_must_signal(&line)) {
            counters_core_run(&core);
        }
    }
    printed[length] = '\0';
    assert_false(core.busy);
    assert_true(rig_signals[CHANNEL] > 0);
    return printed;
}

#define TITLE "      in all          new  counters\r\n"
#define END   "counters: end\r\n"

static void only_what_has_moved(void **state)
{
    (void)state;
    assert_string_equal(ask(), TITLE END);
    pages[0][COUNT_PD_NOTIFIED] = 7;
    pages[0][COUNTERS_GROUP + COUNT_GUEST_COPIED] = UINT64_MAX;
    pages[1][COUNTERS_GROUP + COUNT_PORT_DROP_SHARE] = 123456789012;
    assert_string_equal(ask(), TITLE
                        "           7            7  guest0_vmm: notifications received\r\n"
                        "18446744073709551615 18446744073709551615  guest0: bytes copied by the "
                        "VMM\r\n"
                        "123456789012 123456789012  lan_switch: guest0: dropped: receiver has no "
                        "room for more of it\r\n" END);
    pages[0][COUNT_PD_NOTIFIED] = 10;
    assert_non_null(strstr(ask(), "          10            3  guest0_vmm: notifications received"));
    assert_non_null(strstr(printed, "123456789012            0  lan_switch: guest0: dropped"));
}

/* More than the line holds: in parts, with nothing lost, and each row in the line whole. */
static void a_narrow_line(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT_GUEST_ALL; i++) {
        pages[0][COUNTERS_GROUP + i] = 1000 + i;
    }
    const char *text = ask();
    for (uint32_t i = 0; i < COUNT_GUEST_ALL; i++) {
        char row[40];
        (void)snprintf(row, sizeof(row), "        %u         %u  guest0: ", 1000 + i, 1000 + i);
        text = strstr(text, row);
        assert_non_null(text);
    }
    assert_non_null(strstr(text, "\r\n" END));
}

/* Nobody reads the line: asking again does not begin anew. */
static void it_waits_for_room(void **state)
{
    char text[CAPACITY + 1];
    (void)state;
    for (uint32_t i = 0; i < COUNT_GUEST_ALL; i++) {
        pages[0][COUNTERS_GROUP + i] = 1;
    }
    for (int i = 0; i < 10; i++) {
        counters_core_ask(&core);
    }
    assert_true(core.busy);
    text[serial_queue_dequeue(&line, text, CAPACITY)] = '\0';
    assert_memory_equal(text, TITLE, sizeof(TITLE) - 1);
    assert_null(strstr(text + sizeof(TITLE) - 1, "in all"));
    assert_true(serial_queue_must_signal(&line));
}

static void what_the_kernel_counts(void **state)
{
    (void)state;
    assert_true(counters_core_init(&core, &config, &ops_extra));
    assert_string_equal(ask(), TITLE "         100               kernel: entries\r\n"
                                     "         102               kernel: entries\r\n" END);
}

static void wrong_records(void **state)
{
    (void)state;
    config.groups[1].kind = COUNTERS_NET + 1;
    assert_false(counters_core_init(&core, &config, &ops));
    config.groups[1].kind = COUNTERS_NET;
    config.num_groups = COUNTERS_MAX_GROUPS + 1;
    assert_false(counters_core_init(&core, &config, &ops));
    config.num_groups = 4;
    assert_true(counters_core_init(&core, &config, &ops));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_has_moved),    TEST(a_narrow_line), TEST(it_waits_for_room),
        TEST(what_the_kernel_counts), TEST(wrong_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
