/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell of who prints what is counted. */
#include "tests/unit/io/virt/io_rig.h"

#include "tests/unit/io/virt/pd_rig.h"

#include "services/counters/counters_pd.c"

#define ASK  2
#define VIRT 3

static struct rig_queue queue;

/* The kernel counts one thread. */
bool microkit_thread_counts(seL4_Word index, char name[MICROKIT_PD_NAME_LENGTH],
                            seL4_Word counts[MICROKIT_THREAD_COUNTS])
{
    strcpy(name, "thread");
    counts[0] = 4321;
    counts[1] = counts[2] = 0;
    return index == 0;
}

static void without_a_record(void **state)
{
    (void)state;
    pd_without_record(".counters_config is not filled in");
    config.magic = COUNTERS_CONFIG_MAGIC;
    config.num_groups = COUNTERS_MAX_GROUPS + 1;
    pd_without_record(".counters_config is not filled in");
}

/* It prints when it is asked, and goes on when the virtualiser has room. */
static void it_is_wired(void **state)
{
    static uint64_t page[COUNTERS_GROUP] = { [COUNT_PD_NOTIFIED] = 41, [COUNT_PD_NOTIFIES] = 42 };
    char text[512] = "";
    uint32_t taken = 0;
    (void)state;
    config = (struct counters_config){ .magic = COUNTERS_CONFIG_MAGIC,
                                       .tx = rig_connect(&queue, 128, VIRT),
                                       .ask_channel = ASK,
                                       .num_groups = 1 };
    config.groups[0] = (struct counters_group){ (uintptr_t)page, COUNTERS_PD, "driver" };
    struct serial_consumer line = serial_queue_connect_consumer(&config.tx);
    pd_reset();
    init();
    assert_int_equal(pd_restarts, 1);
    notified(VIRT);
    assert_int_equal(pd_notified[VIRT], 0); /* nobody has asked */
    notified(ASK);
    assert_true(pd_notified[VIRT] > 0);
    for (unsigned i = 0; i < 8; i++) {
        taken += serial_queue_dequeue(&line, text + taken, sizeof(text) - 1 - taken);
        notified(VIRT);
    }
    assert_non_null(strstr(text, "41"));
    assert_non_null(strstr(text, "42"));
    assert_non_null(strstr(text, "4321"));
    rig_free(&queue);
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
