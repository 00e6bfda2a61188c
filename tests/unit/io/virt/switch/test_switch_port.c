/* SPDX-License-Identifier: BSD-2-Clause */
/* A VMM that lies on its port (S7, and D and Q as they look there), opening and closing. */
#include "tests/unit/io/virt/switch/switch_rig.h"

static uint8_t frame[FRAME_MAX];
static struct arrival arrival;

static int setup(void **state)
{
    (void)state;
    rig_configure();
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        vmm_open(i, PORT_RECV_MERGE);
        vmm_post_many(i, 64, 2048);
    }
    signals[10] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    expect_memory_untouched();
    rig_destroy();
    return 0;
}

/* The others still have their network. */
static void expect_others_work(void)
{
    for (uint32_t i = 1; i < VMMS; i++) {
        uint32_t to = i % 3 + 1;
        vmm_send(i, NULL, frame, make_frame(frame, to, i, 200));
        expect_frame(to, frame, 200);
        vmm_post(to, 0, 2048);
    }
}

static void reopen(uint32_t features)
{
    vmm_close(0);
    vmm_open(0, features);
    signals[10] = 0;
}

/* Port 0 is found broken, said once; opened anew, it works. */
static void expect_broken(void)
{
    struct port_control *control = &vmms[0].port.control;
    run();
    assert_int_equal(control->broken, 1);
    assert_int_equal(signals[10], 1);
    assert_int_equal(control->answered, control->wanted);
    run();
    assert_int_equal(signals[10], 1);
    expect_others_work();
    make_frame(frame, 0, 1, 100);
    vmm_send(1, NULL, frame, 100);
    reopen(PORT_RECV_MERGE);
    vmm_post_many(0, 64, 2048);
    vmm_send(0, NULL, frame, make_frame(frame, 1, 0, 100));
    expect_frame(1, frame, 100);
    vmm_post(1, 0, 2048);
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
    expect_frame(0, frame, 100);
    assert_non_null(strstr(said, "switch: the port of guest0 is closed: "));
    assert_null(strstr(strstr(said, "said once") + 1, "said once"));
}

/* A switch that begins anew finds ports open whose chains it does not know: they are lost. */
static void a_new_switch_opens_nothing_by_itself(void **state)
{
    (void)state;
    vmm_post(1, 0, 2048);
    vmm_send(0, NULL, frame, make_frame(frame, 2, 0, 100));
    vmms[3].port.control.wanted++; /* to be closed, when the switch crashes */
    memset(signals, 0, sizeof(signals));
    rig_start();
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(vmms[i].port.control.broken, PORT_LOST);
        assert_int_equal(vmms[i].port.control.answered, vmms[i].port.control.wanted);
        assert_int_equal(signals[10 + i], 1);
    }
    assert_int_equal(vmms[3].port.control.answered, vmms[3].port.control.wanted);
    vmms[3].port.control.wanted++;
    for (uint32_t i = 0; i < VMMS; i++) {
        vmm_close(i);
        vmm_open(i, ALL);
        vmm_post(i, 0, 2048);
        assert_int_equal(vmms[i].port.control.broken, 0);
    }
    expect_others_work();
}

static void put_raw(struct port_end *end, uint64_t offset, uint32_t length, uint16_t flags)
{
    struct port_entry entry = { .offset = offset, .length = length, .flags = flags };
    port_put(end, &entry);
    port_publish(end);
}

/* D7 to D9: each end of a stretch, and sums that wrap. */
static const struct {
    uint64_t offset;
    uint32_t length;
} bad_stretches[] = {
    { RAM_BYTES, 1 },         { RAM_BYTES - 1, 2 },    { RAM_BYTES + 1, 0 },
    { 0, RAM_BYTES + 1 },     { 0, UINT32_MAX },       { UINT64_MAX, 1 },
    { UINT64_MAX, 2 },        { UINT64_MAX - 13, 14 }, { 0x8000000000000000, 64 },
    { 0ull - RAM_BYTES, 64 },
};
#define BAD_STRETCHES (sizeof(bad_stretches) / sizeof(bad_stretches[0]))

static void stretches_outside_of_memory(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BAD_STRETCHES; i++) {
        put_raw(&vmms[0].send, bad_stretches[i].offset, bad_stretches[i].length, 0);
        expect_broken();
        put_raw(&vmms[0].send, 0, 64, PORT_MORE); /* as the second of a chain */
        put_raw(&vmms[0].send, bad_stretches[i].offset, bad_stretches[i].length, 0);
        expect_broken();
    }
}

static void chains_to_receive_in_outside_of_memory(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2 * BAD_STRETCHES; i++) {
        reopen(PORT_RECV_MERGE);
        if (i % 2) {
            put_raw(&vmms[0].recv, RECV_AREA, 64, PORT_MORE);
        }
        put_raw(&vmms[0].recv, bad_stretches[i / 2].offset, bad_stretches[i / 2].length, 0);
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
        expect_broken();
    }
}

static void the_last_byte_is_memory(void **state)
{
    (void)state;
    reopen(0);
    vmm_post_chain(0, &(struct stretch){ RAM_BYTES - 112, 112 }, 1);
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
    expect_frame(0, frame, 100);
    put_raw(&vmms[0].send, RAM_BYTES - 100, 100, PORT_MORE);
    put_raw(&vmms[0].send, RAM_BYTES, 0, 0);
    run();
    assert_int_equal(vmms[0].port.control.broken, 0);
    assert_int_equal(port_fill(&vmms[0].send_done), 1);
}

/* D1 to D4: chains without an end. */
static void chains_that_do_not_end(void **state)
{
    (void)state;
    put_raw(&vmms[0].send, 0, 64, PORT_MORE);
    expect_broken();
    for (uint32_t i = 0; i <= PORT_CHAIN_ENTRIES; i++) {
        put_raw(&vmms[0].send, 0, 1, i < PORT_CHAIN_ENTRIES ? PORT_MORE : 0);
    }
    expect_broken();
    for (uint32_t i = 0; i < PORT_ENTRIES; i++) {
        put_raw(&vmms[0].send, 0, 1, PORT_MORE);
    }
    expect_broken();
    reopen(PORT_RECV_MERGE);
    put_raw(&vmms[0].recv, RECV_AREA, 64, PORT_MORE);
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
    expect_broken();
    reopen(PORT_RECV_MERGE);
    for (uint32_t i = 0; i <= PORT_CHAIN_ENTRIES; i++) {
        put_raw(&vmms[0].recv, RECV_AREA, 1, i < PORT_CHAIN_ENTRIES ? PORT_MORE : 0);
    }
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 400));
    expect_broken();
}

static void a_chain_shorter_than_a_header(void **state)
{
    (void)state;
    for (uint32_t bytes = 0; bytes < HEADER; bytes += HEADER - 1) {
        reopen(PORT_RECV_MERGE);
        vmm_post(0, 0, bytes);
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
        expect_broken();
        reopen(PORT_RECV_MERGE);
        vmm_post(0, 0, HEADER);
        vmm_post(0, 0, bytes);
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
        expect_broken();
    }
}

/* The longest chains that are right. */
static void long_chains(void **state)
{
    (void)state;
    struct stretch stretches[PORT_CHAIN_ENTRIES];
    reopen(0);
    for (uint32_t i = 0; i < PORT_CHAIN_ENTRIES; i++) {
        stretches[i] = (struct stretch){ RECV_AREA + 3 * i, 2 };
    }
    vmm_post_chain(0, stretches, PORT_CHAIN_ENTRIES);
    make_frame(frame, 0, 1, PORT_CHAIN_ENTRIES);
    vmm_put(1, NULL, frame, PORT_CHAIN_ENTRIES, 1);
    port_publish(&vmms[1].send);
    run();
    assert_int_equal(vmm_reap(1), 1);
    expect_frame(0, frame, PORT_CHAIN_ENTRIES);
    vmm_post_chain(0, stretches, PORT_CHAIN_ENTRIES);
    make_frame(frame, 0, 1, 500);
    vmm_send(1, NULL, frame, 500);
    expect_frame(0, frame, 500);
}

/* Q1, Q2: indices without sense. */
static void indices_that_lie(void **state)
{
    (void)state;
    static const uint32_t lies[] = { PORT_ENTRIES + 1, 0x80000000, UINT32_MAX };
    for (uint32_t i = 0; i < 3; i++) {
        vmms[0].port.send.tail += lies[i];
        expect_broken();
        vmms[0].port.recv.tail += lies[i] - 63;
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
        expect_broken();
        vmms[0].port.send_done.head += lies[i] == UINT32_MAX ? 1 : lies[i];
        put_raw(&vmms[0].send, 0, 64, 0);
        expect_broken();
        vmms[0].port.recv_done.head += lies[i] == UINT32_MAX ? 1 : lies[i];
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
        expect_broken();
    }
}

/* Q7: what the VMM writes over the switch's own indices means nothing. */
static void own_indices_are_private(void **state)
{
    (void)state;
    vmms[0].port.send.head = 12345;
    vmms[0].port.recv.head = 77;
    vmms[0].port.send_done.tail = 9;
    vmms[0].port.recv_done.tail = UINT32_MAX;
    vmms[0].port.control.answered += 2;
    vmms[0].send.index = 0;
    put_raw(&vmms[0].send, 0, 64, 0);
    run();
    assert_int_equal(vmms[0].port.send.head, 1);
    assert_int_equal(vmms[0].port.send_done.tail, 1);
    assert_int_equal(vmms[0].port.control.broken, 0);
    expect_others_work();
}

/* More chains under way than a ring holds: the VMM does not take what is done. */
static void done_rings_never_overflow(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PORT_ENTRIES; i++) {
        vmm_put(0, NULL, frame, 0, 1);
    }
    port_publish(&vmms[0].send);
    run();
    assert_int_equal(vmms[0].port.control.broken, 0);
    put_raw(&vmms[0].send, 0, 64, 0);
    expect_broken();
    for (uint32_t i = 0; i < PORT_ENTRIES - 1; i++) { /* and expect_broken() has left one */
        vmm_post(0, 0, 2048);
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 20));
        vmms[0].chains[vmms[0].next_id % PORT_ENTRIES].posted = false;
        vmms[0].next_id++;
    }
    memcpy(vmms[0].shadow, vmms[0].ram, RAM_BYTES);
    assert_int_equal(port_fill(&vmms[0].recv_done), PORT_ENTRIES - 1);
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 20));
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 20));
    memcpy(vmms[0].shadow, vmms[0].ram, RAM_BYTES);
    expect_broken();
}

/* After the answer the port's memory is the VMM's alone. */
static void nothing_is_touched_after_closing(void **state)
{
    (void)state;
    struct port before;
    vmm_put(0, NULL, frame, make_frame(frame, 1, 0, 100), FRAME_MAX);
    port_publish(&vmms[0].send);
    vmm_close(0); /* with a chain that is not done */
    assert_int_equal(port_fill(&vmms[0].send_done), 0);
    memset(vmms[0].ram, 0x11, RAM_BYTES);
    memset(vmms[0].shadow, 0x11, RAM_BYTES);
    memset(&vmms[0].port.send, 0xff, 4 * sizeof(struct port_ring));
    memcpy(&before, &vmms[0].port, sizeof(before));
    vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
    memset(frame, 0xff, 6);
    vmm_send(1, NULL, frame, 100);
    expect_frame(2, frame, 100);
    expect_frame(3, frame, 100);
    assert_memory_equal(&before, &vmms[0].port, sizeof(before));
    assert_int_equal(vmms[0].port.control.broken, 0);
    assert_string_equal(said, "");
}

/* Guest 1 sends anew whenever its VMM hears of what is done; guest 0 reboots meanwhile. */
static uint32_t storm_turns;

static void storm(uint8_t channel)
{
    struct port_control *closing = &vmms[0].port.control;
    if (channel != 11 || ++storm_turns == 20) {
        return;
    }
    (void)vmm_reap(1);
    vmm_put(1, NULL, frame, make_frame(frame, 2, 1, 60), FRAME_MAX);
    port_publish(&vmms[1].send);
    (void)port_wait(&vmms[1].send_done);
    if (storm_turns == 3) {
        port_want_next(closing);
    }
    assert_true(storm_turns < 10 || port_settled(closing));
}

/* A run that does not end for somebody's sending closes ports and tells VMMs all the while. */
static void a_port_closes_in_a_storm(void **state)
{
    (void)state;
    storm_turns = 0;
    (void)port_wait(&vmms[1].send_done);
    vmm_put(1, NULL, frame, make_frame(frame, 2, 1, 60), FRAME_MAX);
    port_publish(&vmms[1].send);
    on_notify = storm;
    run();
    on_notify = NULL;
    assert_int_equal(storm_turns, 20);
    while (vmm_receive(2, &arrival)) {
    }
}

/* A port that is not open from the start is not looked at. */
static void closed_at_the_start(void **state)
{
    (void)state;
    rig_configure();
    memset(&vmms[0].port.send, 0xff, 4 * sizeof(struct port_ring));
    rig_start();
    for (uint32_t i = 1; i < VMMS; i++) {
        vmm_open(i, PORT_RECV_MERGE);
        vmm_post_many(i, 8, 2048);
    }
    assert_int_equal(signals[10], 0);
    expect_others_work();
}

static void open_and_close_often(void **state)
{
    (void)state;
    vmm_close(0);
    for (uint32_t i = 0; i < 10000; i++) {
        signals[10] = 0;
        vmm_open(0, ALL);
        assert_int_equal(signals[10], 1);
        vmm_post(0, i % 64, 2048);
        if (i % 3) {
            vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
            expect_frame(0, frame, 100);
        }
        vmm_close(0);
        assert_int_equal(signals[10], 2);
    }
    expect_others_work();
}

/* A VMM that does not wait for the answer, or counts at will. */
static void counts_at_will(void **state)
{
    (void)state;
    srand(1);
    for (uint32_t i = 0; i < 3000; i++) {
        vmms[0].port.control.wanted += (uint32_t)rand() % 4;
        vmms[0].port.control.broken = (uint32_t)rand();
        run();
        assert_true(port_settled(&vmms[0].port.control));
    }
    expect_others_work();
}

/* O1, O2, O7: any entries at all, on rings that are opened again. */
static void garbage(void **state)
{
    (void)state;
    srand(2);
    for (uint32_t round = 0; round < 300; round++) {
        uint8_t *ring = (uint8_t *)(rand() % 2 ? &vmms[0].port.send : &vmms[0].port.recv);
        for (uint32_t i = 0; i < 4096; i++) {
            ring[(uint32_t)rand() % sizeof(struct port_ring)] = (uint8_t)rand();
        }
        vmms[0].port.control.wanted += vmms[0].port.control.broken ? 2 : 0;
        vmm_send(1, NULL, frame, make_frame(frame, 0, 1, 100));
        for (uint32_t i = 1; i < VMMS; i++) {
            while (vmm_receive(i, &arrival)) {
                vmm_post(i, 0, 2048);
            }
        }
        memcpy(vmms[0].shadow, vmms[0].ram, RAM_BYTES); /* its own it may spoil */
        expect_others_work();
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stretches_outside_of_memory),
        TEST(chains_to_receive_in_outside_of_memory),
        TEST(the_last_byte_is_memory),
        TEST(chains_that_do_not_end),
        TEST(a_chain_shorter_than_a_header),
        TEST(long_chains),
        TEST(indices_that_lie),
        TEST(own_indices_are_private),
        TEST(done_rings_never_overflow),
        TEST(nothing_is_touched_after_closing),
        TEST(a_port_closes_in_a_storm),
        TEST(closed_at_the_start),
        TEST(a_new_switch_opens_nothing_by_itself),
        TEST(open_and_close_often),
        TEST(counts_at_will),
        TEST(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
