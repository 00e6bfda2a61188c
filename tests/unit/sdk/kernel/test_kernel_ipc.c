/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications, protected calls, faults, interrupts, and what is left of them when a thread stops.
 */
#include "tests/unit/sdk/kernel/kernel_rig.h"

#include "sdk/kernel/core/fault.h"

#include <string.h>

#define T(index)  thread_at(index)
#define BOTH      (IMAGE_MAY_NOTIFY | IMAGE_MAY_CALL)
#define CANCELLED RIG_MSG(LABEL_CANCELLED, 0)

/* PD 0 is a server of the highest priority, 1 to 3 are its clients, each by its own number. PD 4 is
 * the parent of 0 and 1, under these ids. */
static void boot_server(void)
{
    rig_pd(0, "server", 200);
    for (uint8_t i = 1; i <= 3; i++) {
        rig_pd(i, "client", (uint8_t)(150 - i));
        rig_channel(0, i, IMAGE_MAY_NOTIFY, i, (uint8_t)(10 + i), BOTH);
    }
    rig_pd(4, "parent", 250);
    rig_child(4, 0, 0);
    rig_child(4, 1, 1);
    rig_channel(4, 30, IMAGE_MAY_NOTIFY, 0, 31, IMAGE_MAY_NOTIFY);
    assert_ptr_equal(rig_boot(5, 0), T(4));
    assert_ptr_equal(rig_call(T(4), SYSCALL_RECV, 0), T(0));
}

static void notifications_accumulate(void **state)
{
    (void)state;
    boot_server();
    assert_ptr_equal(rig_call(T(0), SYSCALL_NOTIFY, 3), T(0));
    assert_ptr_equal(rig_call(T(0), SYSCALL_NOTIFY, 1), T(0));
    assert_ptr_equal(rig_call(T(0), SYSCALL_NOTIFY, 1), T(0));
    assert_int_equal(T(1)->notifications, 1ul << 11);
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(1));
    assert_ptr_equal(rig_call(T(1), SYSCALL_RECV, 0), T(1)); /* does not wait */
    assert_int_equal(RIG_BADGE(T(1)), BADGE_NOTIFICATION);
    assert_int_equal(RIG_INFO(T(1)), 1ul << 11);
    assert_int_equal(T(1)->notifications, 0);
    assert_ptr_equal(rig_call(T(1), SYSCALL_RECV, 0), T(2));
}

static void a_notification_wakes_and_preempts(void **state)
{
    (void)state;
    boot_server();
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(1));
    assert_ptr_equal(rig_call(T(1), SYSCALL_NOTIFY, 11), T(0));
    assert_int_equal(RIG_BADGE(T(0)), BADGE_NOTIFICATION);
    assert_int_equal(RIG_INFO(T(0)), 1ul << 1);
    assert_int_equal(T(1)->frame->x[0], SYS_OK);
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(1));
}

static void a_call_carries_words_both_ways(void **state)
{
    (void)state;
    boot_server();
    rig_call(T(0), SYSCALL_RECV, 0);
    for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
        T(1)->ipc_words[i] = 1000 + i;
    }
    T(0)->ipc_words[3] = 55;
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 11, RIG_MSG(77, 3)), T(0));
    assert_int_equal(T(1)->state, THREAD_CALLING);
    assert_int_equal(RIG_BADGE(T(0)), 1);
    assert_int_equal(RIG_INFO(T(0)), RIG_MSG(77, 3));
    assert_int_equal(T(0)->ipc_words[2], 1002);
    assert_int_equal(T(0)->ipc_words[3], 55); /* three words, no more */
    T(0)->ipc_words[0] = 9;
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, RIG_MSG(78, 1)), T(1));
    assert_int_equal(RIG_BADGE(T(1)), SYS_OK);
    assert_int_equal(RIG_INFO(T(1)), RIG_MSG(78, 1));
    assert_int_equal(T(1)->ipc_words[0], 9);
    assert_int_equal(T(1)->ipc_words[1], 1001);
}

/* A length of more than 64 words is 64. */
static void a_length_is_made_legal(void **state)
{
    (void)state;
    boot_server();
    rig_call(T(0), SYSCALL_RECV, 0);
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 11, RIG_MSG(1, 127)), T(0));
    assert_int_equal(RIG_INFO(T(0)), RIG_MSG(1, 64));
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, RIG_MSG(2, 65)), T(1));
    assert_int_equal(RIG_INFO(T(1)), RIG_MSG(2, 64));
}

/* The server is busy: callers queue, and a notification comes before them. */
static void callers_queue(void **state)
{
    (void)state;
    rig_pd(0, "server", 100);
    for (uint8_t i = 1; i <= 3; i++) {
        rig_pd(i, "client", (uint8_t)(150 - i));
        rig_channel(0, i, 0, i, 7, BOTH);
    }
    struct thread *next = rig_boot(4, 0);
    assert_ptr_equal(next, T(1));
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 7, RIG_MSG(1, 0)), T(2));
    assert_ptr_equal(rig_call(T(2), SYSCALL_CALL, 7, RIG_MSG(2, 0)), T(3));
    assert_ptr_equal(rig_call(T(3), SYSCALL_NOTIFY, 7), T(3));
    assert_ptr_equal(rig_call(T(3), SYSCALL_CALL, 7, RIG_MSG(3, 0)), T(0));
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(0));
    assert_int_equal(RIG_BADGE(T(0)), BADGE_NOTIFICATION);
    assert_int_equal(RIG_INFO(T(0)), 1ul << 3);
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(0));
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(RIG_BADGE(T(0)), i);
        assert_int_equal(RIG_INFO(T(0)), RIG_MSG(i, 0));
        assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, RIG_MSG(10 + i, 0)), T(i));
        assert_int_equal(RIG_INFO(T(i)), RIG_MSG(10 + i, 0));
        rig_call(T(i), SYSCALL_RECV, 0);
    }
    assert_int_equal(T(0)->state, THREAD_RECEIVING);
}

/* A server that receives again without a reply has forgotten its caller, which waits for ever. */
static void a_caller_without_a_reply_waits(void **state)
{
    (void)state;
    boot_server();
    rig_call(T(0), SYSCALL_RECV, 0);
    rig_call(T(1), SYSCALL_CALL, 11, RIG_MSG(1, 0));
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(2));
    assert_int_equal(T(1)->state, THREAD_CALLING);
    assert_null(T(1)->awaiting);
    rig_call(T(2), SYSCALL_NOTIFY, 12);
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, RIG_MSG(5, 0)),
                     T(2)); /* without a caller */
    assert_int_equal(T(1)->state, THREAD_CALLING);
}

/* Its caller is answered with LABEL_CANCELLED. */
static void stopping_the_server(void **state)
{
    (void)state;
    boot_server();
    rig_call(T(0), SYSCALL_RECV, 0);
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 11, RIG_MSG(1, 0)), T(0));
    assert_ptr_equal(rig_fault(T(0), FAULT_USER_EXCEPTION, 3), T(4));
    assert_int_equal(RIG_BADGE(T(4)), BADGE_FAULT | 0);
    assert_int_equal(RIG_INFO(T(4)), RIG_MSG(FAULT_USER_EXCEPTION, 1));
    rig_call(T(4), SYSCALL_PD_STOP, 0);
    assert_int_equal(T(0)->state, THREAD_STOPPED);
    assert_int_equal(T(1)->state, THREAD_READY);
    assert_int_equal(RIG_BADGE(T(1)), SYS_OK);
    assert_int_equal(RIG_INFO(T(1)), CANCELLED);
    /* What comes for a stopped PD waits until it is started again. */
    assert_ptr_equal(rig_call(T(4), SYSCALL_RECV, 0), T(1));
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 11, RIG_MSG(2, 0)), T(2));
    assert_ptr_equal(rig_call(T(2), SYSCALL_NOTIFY, 12), T(2));
    assert_int_equal(T(0)->state, THREAD_STOPPED);
    assert_int_equal(T(0)->notifications, 1ul << 2);
}

/* A reply to a caller that has been stopped goes nowhere; the server is on its own budget again. */
static void stopping_a_caller(void **state)
{
    (void)state;
    boot_server();
    rig_call(T(0), SYSCALL_RECV, 0);
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 11, RIG_MSG(1, 0)), T(0));
    assert_ptr_equal(rig_call(T(0), SYSCALL_NOTIFY, 31), T(4));
    assert_ptr_equal(rig_call(T(4), SYSCALL_PD_STOP, 1), T(4));
    assert_null(T(0)->replying_to);
    assert_ptr_equal(rig_call(T(4), SYSCALL_RECV, 0), T(0));
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, RIG_MSG(9, 0)), T(2));
    assert_int_equal(T(1)->state, THREAD_STOPPED);
}

/* A caller that waits in a queue is stopped: the others behind it keep their places. */
static void stopping_a_queued_caller(void **state)
{
    (void)state;
    rig_pd(0, "server", 100);
    rig_pd(4, "parent", 110);
    for (uint8_t i = 1; i <= 3; i++) {
        rig_pd(i, "client", (uint8_t)(150 - i));
        rig_channel(0, i, 0, i, 7, BOTH);
        rig_child(4, i, i);
    }
    rig_boot(5, 0);
    rig_call(T(1), SYSCALL_CALL, 7, 0);
    rig_call(T(2), SYSCALL_CALL, 7, 0);
    assert_ptr_equal(rig_call(T(3), SYSCALL_CALL, 7, 0), T(4));
    rig_call(T(4), SYSCALL_PD_STOP, 2);
    assert_ptr_equal(rig_call(T(4), SYSCALL_RECV, 0), T(0));
    rig_call(T(0), SYSCALL_RECV, 0);
    assert_int_equal(RIG_BADGE(T(0)), 1);
    rig_call(T(0), SYSCALL_REPLY_RECV, 0, 0);
    rig_call(T(1), SYSCALL_RECV, 0);
    assert_int_equal(RIG_BADGE(T(0)), 3);
    assert_ptr_equal(T(0)->replying_to, T(3));
    assert_null(T(0)->senders_head);
    assert_null(T(0)->senders_tail);
}

/* Label 0 resumes a child that has faulted, any other leaves it stopped. */
static void a_parent_answers_a_fault(void **state)
{
    (void)state;
    for (unsigned label = 0; label < 2; label++) {
        rig_setup(state);
        boot_server();
        rig_fault(T(0), FAULT_VM, 1);
        struct thread *next = rig_call(T(4), SYSCALL_REPLY_RECV, 0, RIG_MSG(label, 0));
        assert_ptr_equal(next, T(label));
        assert_int_equal(T(0)->state, label == 0 ? THREAD_READY : THREAD_FAULTED);
        assert_null(T(0)->awaiting);
        assert_null(T(4)->replying_to);
    }
}

static void a_fault_without_a_parent_is_reported(void **state)
{
    (void)state;
    boot_server();
    rig_call(T(0), SYSCALL_RECV, 0);
    rig_call(T(1), SYSCALL_RECV, 0);
    assert_ptr_equal(rig_fault(T(2), FAULT_USER_EXCEPTION, 3), T(3));
    assert_int_equal(T(2)->state, THREAD_FAULTED);
    assert_non_null(strstr(hardware.console, "client has stopped"));
    assert_ptr_equal(rig_run(1000000), T(3));
}

/* An interrupt is disabled until its PD acknowledges it. */
static void interrupts_reach_their_pds(void **state)
{
    (void)state;
    rig_pd(0, "driver", 200);
    rig_pd(1, "other", 100);
    rig_irqs[0] = (struct image_irq){ .intid = 48, .thread = 0, .channel = 5, .edge = 1 };
    rig_irqs[1] = (struct image_irq){ .intid = 49, .thread = 0, .channel = 6 };
    rig_boot(2, 2);
    assert_true(hardware.enabled[48] && hardware.enabled[49]);
    assert_true(hardware.edge[48] && !hardware.edge[49]);
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(1));
    assert_ptr_equal(rig_interrupt(48), T(0));
    assert_int_equal(RIG_INFO(T(0)), 1ul << 5);
    assert_int_equal(hardware.active, 0);
    assert_false(hardware.enabled[48]);
    assert_ptr_equal(rig_interrupt(48), T(0)); /* stays pending */
    assert_int_equal(T(0)->notifications, 0);
    rig_call(T(0), SYSCALL_IRQ_ACK, 5);
    assert_true(hardware.enabled[48]);
    assert_ptr_equal(rig_interrupt(49), T(0));
    assert_int_equal(T(0)->notifications, 1ul << 5); /* the one that was pending came first */
}

/* An interrupt that no PD handles, and one that is no longer pending. */
static void interrupts_without_a_pd(void **state)
{
    (void)state;
    rig_pd(0, "pd", 100);
    rig_boot(1, 0);
    hardware.enabled[60] = true;
    assert_ptr_equal(rig_interrupt(60), T(0));
    assert_int_equal(hardware.active, 0);
    assert_ptr_equal(rig_interrupt(61), T(0)); /* not enabled: none is pending */
    assert_int_equal(T(0)->notifications, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(notifications_accumulate, rig_setup),
        cmocka_unit_test_setup(a_notification_wakes_and_preempts, rig_setup),
        cmocka_unit_test_setup(a_call_carries_words_both_ways, rig_setup),
        cmocka_unit_test_setup(a_length_is_made_legal, rig_setup),
        cmocka_unit_test_setup(callers_queue, rig_setup),
        cmocka_unit_test_setup(a_caller_without_a_reply_waits, rig_setup),
        cmocka_unit_test_setup(stopping_the_server, rig_setup),
        cmocka_unit_test_setup(stopping_a_caller, rig_setup),
        cmocka_unit_test_setup(stopping_a_queued_caller, rig_setup),
        cmocka_unit_test_setup(a_parent_answers_a_fault, rig_setup),
        cmocka_unit_test_setup(a_fault_without_a_parent_is_reported, rig_setup),
        cmocka_unit_test_setup(interrupts_reach_their_pds, rig_setup),
        cmocka_unit_test_setup(interrupts_without_a_pd, rig_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
