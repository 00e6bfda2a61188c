/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor: who is started again, where, how often, and what is said of it. */
#include "tests/unit/pd_rig.h"

#include "io/supervisor/supervisor.c"

enum { GOOD, STAYS, UNKNOWN, NUM_CHILDREN };

static unsigned starts[NUM_CHILDREN];
static bool refuses;

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

static int setup(void **state)
{
    (void)state;
    config = (struct supervisor_config){ .magic = SUPERVISOR_CONFIG_MAGIC,
                                         .num_children = NUM_CHILDREN,
                                         .children = { [GOOD] = { .name = "good" },
                                                       [STAYS] = { .name = "disk", .stays = 1 },
                                                       [UNKNOWN] = { .name = "unknown" } } };
    memset(children, 0, sizeof(children));
    memset(starts, 0, sizeof(starts));
    refuses = false;
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
}

static void a_child_has_eight_lives(void **state)
{
    (void)state;
    assert_string_equal(crash(GOOD), "supervisor: good has crashed: write of 0x10 at pc 0x200134; "
                                     "started again (life 2)\n");
    for (unsigned life = 3; life <= 8; life++)
        assert_non_null(strstr(crash(GOOD), "started again"));
    assert_non_null(strstr(crash(GOOD), "it stays stopped"));
    assert_int_equal(starts[GOOD], 7);
}

static void some_stay_stopped(void **state)
{
    (void)state;
    assert_non_null(strstr(crash(STAYS), "disk has crashed"));
    assert_non_null(strstr(pd_said, "it stays stopped"));
    assert_non_null(strstr(crash(UNKNOWN), "it stays stopped")); /* where would it begin? */
    refuses = true;
    assert_non_null(strstr(crash(GOOD), "it stays stopped"));
    assert_int_equal(starts[STAYS] + starts[UNKNOWN], 0);
    assert_string_equal(crash(NUM_CHILDREN), ""); /* nobody */
    notified(1);
    assert_string_equal(pd_said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_record, setup),
        cmocka_unit_test_setup(a_child_has_eight_lives, setup),
        cmocka_unit_test_setup(some_stay_stopped, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
