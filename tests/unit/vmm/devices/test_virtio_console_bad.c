/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows T, Q, D of the bad-input catalogue on both queues of the console, and C1. */
#include "tests/unit/vmm/devices/virtio_console_rig.h"

static void assert_broken(const char *reason)
{
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1); /* O7 */
    assert_int_equal(console.device.guest_errors, 1);
    assert_non_null(strstr(log_last, reason));
    assert_true((reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG) != 0);
    ring_assert_nothing_used(&rings[RX]);
    ring_assert_nothing_used(&rings[TX]);
    guest_assert_untouched(&guest); /* O2 */
    kick(RX);
    kick(TX);
    virtio_console_input(&console);
    virtio_console_tx_room(&console);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
    log_lines = 0;
    console.device.guest_errors = 0;
}

static void c1_d14_d28_wrong_direction(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        drive(ALL);
        ring_set(&rings[TX], 0, BUF(0), 16, both ? NEXT : WRITE, 1);
        ring_set(&rings[TX], 1, BUF(1), 16, WRITE, 0);
        ring_offer(&rings[TX], 0);
        snapshot();
        kick(TX);
        assert_int_equal(serial_queue_length(&rig.tx), 0);
        assert_broken("writable buffer in the transmit queue");

        drive(ALL);
        ring_set(&rings[RX], 0, BUF(0), 16, both ? NEXT : 0, 1);
        ring_set(&rings[RX], 1, BUF(1), 16, WRITE, 0);
        ring_offer(&rings[RX], 0);
        snapshot();
        rig_type("x", 1);
        virtio_console_input(&console);
        assert_int_equal(serial_port_available(&rig.port), 1);
        assert_broken("readable buffer in the receive queue");
    }
}

static void d25_descriptors_rewritten_while_output_waits(void **state)
{
    (void)state;
    drive(ALL);
    memset(guest_at(&guest, BUF(0)), 'x', 200);
    ring_set(&rings[TX], 0, BUF(0), 200, 0, 0);
    ring_offer(&rings[TX], 0);
    kick(TX);
    ring_set(&rings[TX], 0, RAM_END - 1, 0xffffffff, 0xffff, 0xffff);
    snapshot();
    for (unsigned i = 0; i < 10; i++) {
        print();
    }
    assert_int_equal(num_printed, 200);
    ring_take_used(&rings[TX], 0);
    guest_assert_untouched(&guest);
}

/* ---- D and Q on both queues ------------------------------------------------------------------*/

struct bad_chain {
    const char *reason;
    struct vring_desc desc[2]; /* WRITE is added for the receive queue */
    struct vring_desc table[2];
};

#define TABLE TABLES_GPA
static const struct bad_chain bad_chains[] = {
    { "longer", { { BUFFERS_GPA, 16, NEXT, 0 } }, { { 0 } } }, /* D1 */
    { "longer",
      { { BUFFERS_GPA, 16, NEXT, 1 }, { BUFFERS_GPA, 16, NEXT, 0 } },
      { { 0 } } },                                                                        /* D2 */
    { "outside of the table", { { BUFFERS_GPA, 16, NEXT, SIZE } }, { { 0 } } },           /* D4 */
    { "empty", { { BUFFERS_GPA, 0, 0, 0 } }, { { 0 } } },                                 /* D6 */
    { "RAM", { { BUFFERS_GPA, 0xffffffff, 0, 0 } }, { { 0 } } },                          /* D7 */
    { "RAM", { { 0, 16, 0, 0 } }, { { 0 } } },                                            /* D8 */
    { "RAM", { { UINT64_MAX, 16, 0, 0 } }, { { 0 } } },                                   /* D8 */
    { "RAM", { { RAM_END - 8, 16, 0, 0 } }, { { 0 } } },                                  /* D9 */
    { "RAM", { { 0xa000000, 16, 0, 0 } }, { { 0 } } },                                    /* D10 */
    { "next one", { { TABLE, 16, INDIRECT | NEXT, 1 } }, { { BUFFERS_GPA, 16, 0, 0 } } }, /* D16 */
    { "in an indirect", { { TABLE, 16, INDIRECT, 0 } }, { { TABLE, 16, INDIRECT, 0 } } }, /* D17 */
    { "length", { { TABLE, 17, INDIRECT, 0 } }, { { BUFFERS_GPA, 16, 0, 0 } } },          /* D18 */
    { "RAM", { { RAM_END - 8, 16, INDIRECT, 0 } }, { { 0 } } },                           /* D19 */
    { "longer", { { TABLE, 16, INDIRECT, 0 } }, { { BUFFERS_GPA, 16, NEXT, 0 } } },       /* D22 */
    { "outside", { { TABLE, 16, INDIRECT, 0 } }, { { BUFFERS_GPA, 16, NEXT, 1 } } },      /* D22 */
};

static void offer_bad(unsigned index, const struct bad_chain *bad)
{
    struct vring_desc *table = guest_at(&guest, TABLES_GPA);
    for (unsigned i = 0; i < 2; i++) {
        unsigned write = index == RX ? WRITE : 0;
        *ring_desc(&rings[index], i) = bad->desc[i];
        ring_desc(&rings[index], i)->flags |= (uint16_t)write;
        table[i] = bad->table[i];
        table[i].flags |= (uint16_t)write;
    }
    ring_offer(&rings[index], 0);
    snapshot();
    rig_type("x", 1);
    guest_loads = 0;
    kick(index);
    assert_true(guest_loads <= 2 * SIZE); /* O5 */
}

static void d1_to_d22_bad_chains_break_only_their_console(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(bad_chains) / sizeof(bad_chains[0]); i++) {
        for (unsigned index = 0; index < 2; index++) {
            drive(ALL);
            offer_bad(index, &bad_chains[i]);
            assert_broken(bad_chains[i].reason);
        }
    }
    for (unsigned index = 0; index < 2; index++) { /* D15 */
        static const struct bad_chain indirect = { "not accepted",
                                                   { { TABLE, 16, INDIRECT, 0 } },
                                                   { { BUFFERS_GPA, 16, 0, 0 } } };
        drive(VERSION_1);
        offer_bad(index, &indirect);
        assert_broken(indirect.reason);
    }
}

static void q1_q2_q3_q4_bad_rings_break_only_their_console(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 2; index++) {
        drive(ALL);
        rig_type("x", 1);
        ring_avail(&rings[index])->idx = SIZE + 1;
        snapshot();
        kick(index);
        assert_broken("jumped");
        drive(ALL);
        rig_type("x", 1);
        ring_offer(&rings[index], SIZE);
        kick(index);
        assert_broken("head");
    }
    /* Q4: only a chain that waits can be in flight. */
    drive(ALL);
    memset(guest_at(&guest, BUF(0)), 'x', 100);
    ring_set(&rings[TX], 0, BUF(0), 100, 0, 0);
    ring_offer(&rings[TX], 0);
    ring_offer(&rings[TX], 0);
    snapshot();
    kick(TX);
    print();
    assert_int_equal(ring_used(&rings[TX])->idx, 1);
    rings[TX].used_seen++; /* it came back before it was taken again: that is legal */
    print();
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    guest_assert_untouched(&guest);
}

static void d26_d20_output_in_pieces_of_a_byte(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLES_GPA);
    (void)state;
    drive(ALL);
    buffer(BUF(0), "abcdefghijklmnop");
    ring_set(&rings[TX], 0, BUF(0), 1, NEXT, 1);
    ring_set(&rings[TX], 1, TABLES_GPA, 16 * 15, INDIRECT, 0);
    for (unsigned i = 0; i < 15; i++) {
        table[i] = (struct vring_desc){ BUF(0) + 1 + i, 1, i < 14 ? NEXT : 0, (uint16_t)(i + 1) };
    }
    ring_offer(&rings[TX], 0);
    kick(TX);
    print();
    assert_int_equal(num_printed, 16);
    assert_memory_equal(printed, "abcdefghijklmnop", 16);
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
}

static void d26_input_into_pieces_of_a_byte(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 8; i++) {
        ring_set(&rings[RX], i, BUF(0) + 2 * i, 1, WRITE | (i < 7 ? NEXT : 0), i + 1);
    }
    ring_offer(&rings[RX], 0);
    snapshot();
    for (unsigned i = 0; i < 5; i++) {
        guest_allow(&guest, BUF(0) + 2 * i, 1);
    }
    rig_type("12345", 5);
    virtio_console_input(&console);
    assert_int_equal(ring_take_used(&rings[RX], 0), 5);
    assert_int_equal(*(char *)guest_at(&guest, BUF(0) + 8), '5');
    guest_assert_untouched(&guest);
}

static void t19_t27_reset_while_output_waits(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        drive(ALL);
        memset(guest_at(&guest, BUF(0)), 'x', 200);
        ring_set(&rings[TX], 0, BUF(0), 200, 0, 0);
        ring_offer(&rings[TX], 0);
        kick(TX);
        assert_true(console.tx_held);
        if (how == 0) {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        } else if (how == 1) {
            reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, TX);
            reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
            assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
        } else {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f);
        }
        snapshot();
        num_printed = 0;
        for (unsigned i = 0; i < 5; i++) {
            print();
        }
        assert_int_equal(num_printed, RIG_BYTES); /* what had been passed on, no more */
        ring_assert_nothing_used(&rings[TX]);
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(c1_d14_d28_wrong_direction),
        TEST(d25_descriptors_rewritten_while_output_waits),
        TEST(d1_to_d22_bad_chains_break_only_their_console),
        TEST(q1_q2_q3_q4_bad_rings_break_only_their_console),
        TEST(d26_d20_output_in_pieces_of_a_byte),
        TEST(d26_input_into_pieces_of_a_byte),
        TEST(t19_t27_reset_while_output_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
