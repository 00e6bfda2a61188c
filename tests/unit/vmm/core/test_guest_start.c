/* SPDX-License-Identifier: BSD-2-Clause */
/* A stopped guest and the operator: what the console gets to know, and the start at its keys. */
#include "tests/unit/vmm/core/lifecycle_rig.h"

#define RX 7

static struct serial_queue rx_queue;
static uint8_t rx_data[16];

static void notify(unsigned channel)
{
    assert_int_equal(channel, RX);
    note("tell", rx_queue.guest_state);
}

/* Gives the guest a console with input. */
static struct serial_producer give_console(void)
{
    memset(&rx_queue, 0, sizeof(rx_queue));
    vm.devices.port.rx = serial_queue_consumer(&rx_queue, rx_data, sizeof(rx_data));
    vm.devices.port.rx_channel = RX;
    vm.devices.port.notify = notify;
    return serial_queue_producer(&rx_queue, rx_data, sizeof(rx_data));
}

#define RESTART_CALLS "devices0 load0 start0 "

/* The operator's keys, as the receive virtualiser passes them on, and the end of that event. */
static void press_start(struct serial_producer *console)
{
    guest_ask_start(console);
    lifecycle_console(&vm);
    lifecycle_continue(&vm);
    assert_false(guest_start_pending(console));
}

static void a_guest_that_is_off_is_started_again(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    start_guest();
    psci(0, 0x84000008, 0, 0);
    expect_calls("stop0 quiet0 stop1 quiet1 silent0 tell2 ");
    assert_int_equal(guest_state_of(&console), GUEST_OFF);
    expect_log("powered off\n");
    lifecycle_console(&vm); /* without a request */
    lifecycle_continue(&vm);
    expect_calls("");
    press_start(&console);
    expect_calls(RESTART_CALLS);
    expect_log("started again from the console\n");
    assert_int_equal(vm.state, VM_RUNNING);
    assert_int_equal(guest_state_of(&console), GUEST_RUNS);
}

/* As at its first start: a client of a driver VM may be started before its server. */
static void a_guest_that_is_started_again_waits_for_its_disk(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    start_guest();
    psci(0, 0x84000008, 0, 0);
    disk_ready = false;
    memset(calls, 0, sizeof(calls));
    press_start(&console);
    expect_calls("devices0 ");
    assert_int_equal(guest_state_of(&console), GUEST_WAITS);
    lifecycle_continue(&vm);
    expect_calls("");
    disk_ready = true;
    lifecycle_continue(&vm);
    expect_calls("load0 start0 ");
    assert_int_equal(guest_state_of(&console), GUEST_RUNS);
}

static void a_guest_that_has_crashed_is_started_again(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    start_guest();
    lifecycle_crash(&vm, 0, "a reason", 0, 0);
    assert_int_equal(guest_state_of(&console), GUEST_CRASHED);
    memset(calls, 0, sizeof(calls));
    devices_quiet = false; /* something outside still works on its memory */
    press_start(&console);
    expect_calls("devices0 ");
    assert_int_equal(vm.state, VM_RESETTING);
    devices_quiet = true;
    lifecycle_continue(&vm);
    expect_calls(RESTART_CALLS);
}

static void a_guest_that_runs_is_left_alone(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    disk_ready = false;
    lifecycle_wait(&vm);
    assert_int_equal(guest_state_of(&console), GUEST_WAITS);
    press_start(&console);
    expect_calls("");
    expect_log("starts when its disk is ready\n");
    start_guest();
    press_start(&console);
    expect_calls("");
    expect_log("is running\n");
    devices_quiet = false;
    psci(0, 0x84000009, 0, 0);
    memset(calls, 0, sizeof(calls));
    memset(logged, 0, sizeof(logged));
    press_start(&console);
    expect_calls("devices0 ");
    expect_log("is rebooting\n");
}

/* With a better image it would start; without a valid record it cannot. */
static void a_guest_that_cannot_start_says_why(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    lifecycle_init(&vm);
    assert_int_equal(guest_state_of(&console), GUEST_FAILED);
    memset(calls, 0, sizeof(calls));
    press_start(&console);
    expect_calls("");
    expect_log("cannot be started: its configuration record is wrong\n");
    vm.state = VM_STOPPED;
    images_good = false;
    press_start(&console);
    expect_calls("devices0 load0 tell4 ");
    expect_log("started again from the console\nnot started\n");
    assert_int_equal(guest_state_of(&console), GUEST_FAILED);
}

/* Input goes to the life that it was typed for: what the last one has not read is dropped. */
static void a_stopped_guest_keeps_no_input(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    start_guest();
    serial_queue_enqueue(&console, "ls", 2);
    lifecycle_console(&vm);
    assert_int_equal(serial_queue_fill(&console), 2);
    psci(0, 0x84000008, 0, 0);
    assert_int_equal(serial_queue_fill(&console), 0);
    serial_queue_enqueue(&console, "ls", 2);
    lifecycle_console(&vm);
    assert_int_equal(serial_queue_fill(&console), 0);
    guest_ask_start(&console);
    serial_queue_enqueue(&console, "root", 4);
    lifecycle_console(&vm);
    lifecycle_continue(&vm);
    assert_int_equal(serial_queue_fill(&console), 4);
    assert_int_equal(vm.state, VM_RUNNING);
}

/* A request that the VMM's last life has not answered is answered by the start of this one. */
static void a_new_vmm_owes_no_start(void **state)
{
    (void)state;
    struct serial_producer console = give_console();
    guest_ask_start(&console);
    lifecycle_init(&vm);
    lifecycle_wait(&vm);
    assert_int_equal(vm.state, VM_RUNNING);
    assert_false(guest_start_pending(&console));
    assert_int_equal(guest_state_of(&console), GUEST_RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_guest_that_is_off_is_started_again, setup),
        cmocka_unit_test_setup(a_guest_that_is_started_again_waits_for_its_disk, setup),
        cmocka_unit_test_setup(a_guest_that_has_crashed_is_started_again, setup),
        cmocka_unit_test_setup(a_guest_that_runs_is_left_alone, setup),
        cmocka_unit_test_setup(a_guest_that_cannot_start_says_why, setup),
        cmocka_unit_test_setup(a_stopped_guest_keeps_no_input, setup),
        cmocka_unit_test_setup(a_new_vmm_owes_no_start, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
