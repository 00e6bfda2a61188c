/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor: who is started again, where, how often, and what is said of it. */
#include "tests/unit/io/virt/pd_rig.h"

#include "services/supervisor/supervisor_pd.c"

enum { GOOD, CARD, SWITCH, UNKNOWN, NUM_CHILDREN };

static unsigned starts[NUM_CHILDREN], stops[NUM_CHILDREN];
static uint64_t ring[2][4];
static bool refuses;
static uint64_t now_s;

uint64_t clock_seconds(void)
{
    return now_s;
}

/* Each child begins at a pc of its own; of one the registers cannot be read. */
seL4_Error seL4_TCB_ReadRegisters(seL4_CPtr tcb, seL4_Bool suspend_source, seL4_Uint8 arch_flags,
                                  seL4_Word count, seL4_UserContext *regs)
{
    seL4_Word child = tcb - BASE_TCB_CAP;
    assert_true(child < NUM_CHILDREN && !suspend_source && arch_flags == 0 && count == 2);
    regs->pc = 0x200000 + child * 0x1000;
    regs->sp = 0x300000 + child * 0x1000;
    return child == UNKNOWN ? seL4_InvalidArgument : seL4_NoError;
}

seL4_Error seL4_TCB_WriteRegisters(seL4_CPtr tcb, seL4_Bool resume_target, seL4_Uint8 arch_flags,
                                   seL4_Word count, seL4_UserContext *regs)
{
    seL4_Word child = tcb - BASE_TCB_CAP;
    assert_true(child < NUM_CHILDREN && resume_target && arch_flags == 0 && count == 2);
    assert_int_equal(regs->pc, 0x200000 + child * 0x1000);
    assert_int_equal(regs->sp, 0x300000 + child * 0x1000);
    starts[child]++;
    return refuses ? seL4_InvalidArgument : seL4_NoError;
}

/* Rings are cleared between the stop of all and the first start. */
void microkit_pd_stop(microkit_child child)
{
    assert_true(child == CARD || child == SWITCH);
    assert_true(ring[0][0] != 0 && ring[1][3] != 0);
    stops[child]++;
}

static seL4_Word firmware_call; /* the last function that the firmware was asked for */

void microkit_arm_smc_call(seL4_ARM_SMCContext *args, seL4_ARM_SMCContext *response)
{
    firmware_call = args->x0;
    *response = (seL4_ARM_SMCContext){ .x0 = UINT64_MAX };
}

static int setup(void **state)
{
    (void)state;
    config = (struct supervisor_config){ .magic = SUPERVISOR_CONFIG_MAGIC,
                                         .num_children = NUM_CHILDREN,
                                         .children = { [GOOD] = { .name = "good" },
                                                       [CARD] = { "card", .of_card = 1 },
                                                       [SWITCH] = { "switch", .of_card = 1 },
                                                       [UNKNOWN] = { .name = "unknown" } },
                                         .num_rings = 2,
                                         .rings = { { (uintptr_t)ring[0], sizeof(ring[0]) },
                                                    { (uintptr_t)ring[1], sizeof(ring[1]) } } };
    memset(ring, 0xff, sizeof(ring));
    memset(stops, 0, sizeof(stops));
    memset(children, 0, sizeof(children));
    memset(starts, 0, sizeof(starts));
    refuses = false;
    now_s = 1000;
    pd_reset();
    init();
    return 0;
}

/* A child writes to where nothing is; what is said of it. */
static const char *crash(microkit_child child)
{
    microkit_msginfo reply;
    pd_said[0] = '\0';
    microkit_mr_set(0, 0x200134);
    microkit_mr_set(1, 0x10);
    microkit_mr_set(2, 0);
    microkit_mr_set(3, 0x92000046);
    assert_false(fault(child, microkit_msginfo_new(6, 4), &reply));
    return pd_said;
}

static void without_a_record(void **state)
{
    (void)state;
    config.magic = 0;
    pd_without_record(".supervisor_config is not filled in");
    config.magic = SUPERVISOR_CONFIG_MAGIC;
    config.num_children = SUPERVISOR_CHILDREN + 1;
    pd_without_record(".supervisor_config is not filled in");
    config.num_children = 1;
    config.num_rings = SUPERVISOR_RINGS + 1;
    pd_without_record(".supervisor_config is not filled in");
}

static void a_child_has_eight_lives_in_a_minute(void **state)
{
    (void)state;
    assert_string_equal(crash(GOOD), "supervisor: good has crashed: write of 0x10 at pc 0x200134; "
                                     "started again (life 2)\n");
    for (unsigned life = 3; life <= 8; life++) {
        now_s += 9;
        assert_non_null(strstr(crash(GOOD), "started again"));
    }
    assert_non_null(strstr(crash(GOOD), "it stays stopped"));
    assert_int_equal(starts[GOOD], 7);
}

static void one_that_crashes_now_and_then_goes_on(void **state)
{
    (void)state;
    for (unsigned life = 2; life <= 100; life++) {
        assert_non_null(strstr(crash(GOOD), "started again"));
        now_s += 10;
    }
    assert_int_equal(starts[GOOD], 99);
}

/* The lives are each one's own: who has used them up stays stopped when another is started. */
static void the_cards_pds_begin_together(void **state)
{
    static const uint64_t empty[2][4];
    (void)state;
    for (unsigned life = 2; life <= 8; life++) {
        memset(ring, 0xff, sizeof(ring));
        assert_non_null(strstr(crash(CARD), "started again"));
        assert_memory_equal(ring, empty, sizeof(ring));
        assert_int_equal(starts[CARD], life - 1);
        assert_int_equal(starts[SWITCH], life - 1);
        assert_int_equal(stops[CARD], life - 1);
    }
    assert_int_equal(starts[GOOD] + stops[GOOD], 0);
    assert_non_null(strstr(crash(CARD), "it stays stopped"));
    assert_int_equal(starts[SWITCH], 7);
    memset(ring, 0xff, sizeof(ring));
    assert_non_null(strstr(crash(SWITCH), "started again (life 2)"));
    assert_int_equal(starts[CARD], 7);
    assert_int_equal(starts[SWITCH], 8);
}

static void some_stay_stopped(void **state)
{
    (void)state;
    assert_non_null(strstr(crash(UNKNOWN), "it stays stopped")); /* where would it begin? */
    refuses = true;
    assert_non_null(strstr(crash(GOOD), "it stays stopped"));
    assert_int_equal(starts[UNKNOWN], 0);
    assert_string_equal(crash(NUM_CHILDREN), ""); /* nobody */
    notified(1);
    assert_string_equal(pd_said, "");
}

/* A notification, as of a PD that has been restarted, switches nothing off. */
static void only_a_call_switches_the_machine_off(void **state)
{
    (void)state;
    firmware_call = 0;
    notified(1);
    (void)protected(1, microkit_msginfo_new(0, 0));
    assert_int_equal(firmware_call, 0);
    (void)protected(1, microkit_msginfo_new(POWER_OFF, 0));
    assert_int_equal(firmware_call, 0x84000008);
    assert_non_null(strstr(pd_said, "the firmware has refused"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_record, setup),
        cmocka_unit_test_setup(a_child_has_eight_lives_in_a_minute, setup),
        cmocka_unit_test_setup(one_that_crashes_now_and_then_goes_on, setup),
        cmocka_unit_test_setup(the_cards_pds_begin_together, setup),
        cmocka_unit_test_setup(some_stay_stopped, setup),
        cmocka_unit_test_setup(only_a_call_switches_the_machine_off, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
