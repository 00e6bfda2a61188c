/* SPDX-License-Identifier: BSD-2-Clause */
/* The entropy device (virtIO 1.2, 5.4): what it gives, and rows R, T, Q, D of the catalogue. */
#include "tests/unit/vmm/devices/virtio_rng_rig.h"

#include "tests/unit/vmm/virtio/virtio_bad_chains.h"

static const uint8_t *bytes_at(gpa_t gpa)
{
    return guest_at(&guest, gpa);
}

/* The numbers of the source's bytes count down within a draw: it is given out from its end. */
static void assert_given(gpa_t at, uint32_t first, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        assert_int_equal(bytes_at(at)[i], number(first + i));
    }
}

static void is_what_the_standard_says(void **state)
{
    (void)state;
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_ID), 4);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_NUM_MAX), SIZE);
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 1);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
    for (uint64_t at = VIRTIO_MMIO_CONFIG; at < 0x1000; at += 4) { /* 5.4.4: none; T3, T4 */
        reg_write(&region, at, 0xffffffff);
        assert_int_equal(reg_read(&region, at), 0);
    }
}

/* Small requests share a draw, each byte goes out once and is then forgotten. */
static void small_requests_share_a_draw(void **state)
{
    (void)state;
    drive(ALL);
    for (uint32_t n = 0; n < 3 * DRAWN / 64; n++) {
        post(0, BUF(0), 64);
        kick();
        assert_int_equal(ring_take_used(&requests, 0), 64);
        uint32_t draw = n / (DRAWN / 64);
        assert_int_equal(draws, draw + 1);
        assert_int_equal(rng.left, DRAWN - 64 * (n % (DRAWN / 64) + 1));
        assert_given(BUF(0), draw * DRAWN + rng.left, 64);
        for (uint32_t i = 0; i < DRAWN; i++) {
            assert_int_equal(rng.drawn[i] == 0, i >= rng.left);
        }
    }
    assert_true(guest.irq_level);
}

/* R1: all of the guest's memory at once, or the most that a chain can have. */
static void r1_a_huge_request_gets_a_little(void **state)
{
    (void)state;
    for (unsigned segments = 1; segments <= SIZE; segments++) {
        drive(ALL);
        for (unsigned i = 0; i < segments; i++) {
            bool last = i + 1 == segments;
            ring_set(&requests, i, BUFFERS_GPA, (uint32_t)(RAM_END - BUFFERS_GPA),
                     WRITE | (last ? 0 : NEXT), i + 1);
        }
        ring_offer(&requests, 0);
        snapshot();
        guest_allow(&guest, BUFFERS_GPA, DRAWN);
        uint32_t before = draws;
        kick();
        assert_in_range(ring_take_used(&requests, 0), 1, DRAWN);
        assert_in_range(draws - before, 0, 1);
        guest_assert_untouched(&guest);
    }
}

/* 5.4.6.2: a byte at least, and never more than there is room for. */
static void tiny_buffers(void **state)
{
    (void)state;
    drive(ALL);
    for (uint32_t bytes = 1; bytes <= DRAWN; bytes++) {
        post(0, BUF(0), bytes);
        snapshot();
        guest_allow(&guest, BUF(0), bytes);
        kick();
        uint32_t written = ring_take_used(&requests, 0);
        assert_in_range(written, 1, bytes);
        guest_assert_untouched(&guest);
    }
}

/* D26: a byte here and a byte there. */
static void d26_pieces_of_a_byte(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < SIZE; i++) {
        ring_set(&requests, i, BUF(0) + 2 * i, 1, WRITE | (i + 1 < SIZE ? NEXT : 0), i + 1);
    }
    ring_offer(&requests, 0);
    snapshot();
    for (unsigned i = 0; i < SIZE; i++) {
        guest_allow(&guest, BUF(0) + 2 * i, 1);
    }
    kick();
    assert_int_equal(ring_take_used(&requests, 0), SIZE);
    guest_assert_untouched(&guest);
    for (unsigned i = 0; i < SIZE; i++) {
        assert_int_equal(bytes_at(BUF(0))[2 * i], number(DRAWN - SIZE + i));
    }
}

/* R2, D14, D28: nothing is read, nothing is drawn, nothing but the used ring is written. */
static void r2_readable_buffers_are_dropped(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        log_lines = 0;
        rng.dropped = 0;
        drive(ALL);
        for (unsigned n = 1; n <= 100; n++) {
            ring_set(&requests, 0, BUF(0), 16, both ? NEXT : 0, 1);
            ring_set(&requests, 1, BUF(1), 16, WRITE, 0);
            ring_offer(&requests, 0);
            snapshot();
            kick();
            assert_int_equal(ring_take_used(&requests, 0), 0);
            assert_int_equal(rng.dropped, n); /* O7 */
            guest_assert_untouched(&guest);
        }
        assert_int_equal(log_lines, 7); /* 1, 2, 4... 64 */
        assert_int_equal(draws, both);  /* that of the device's test below */
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
        assert_works_after_reset();
    }
}

/* A source that has nothing, that has little, and that comes back. */
static void the_source_is_empty_or_slow(void **state)
{
    (void)state;
    drive(ALL);
    source_has = 0;
    for (unsigned i = 0; i < 3; i++) {
        post(0, BUF(0), 64);
        snapshot();
        guest.irq_level = false;
        kick();
        assert_int_equal(ring_take_used(&requests, 0), 0);
        guest_assert_untouched(&guest);
    }
    source_has = 5;
    post(1, BUF(1), 64);
    kick();
    assert_int_equal(ring_take_used(&requests, 1), 5);
    source_has = DRAWN;
    post(2, BUF(2), 64);
    kick();
    assert_int_equal(ring_take_used(&requests, 2), 64);
    assert_given(BUF(2), 5 + DRAWN - 64, 64);
}

/* A source that claims more than it was asked for. */
static uint32_t boasting(void *to, uint32_t bytes)
{
    memset(to, 1, bytes);
    return bytes + 1;
}

static void the_source_boasts(void **state)
{
    (void)state;
    rng.source = boasting;
    drive(ALL);
    post(0, BUF(0), 2 * DRAWN);
    kick();
    assert_int_equal(ring_take_used(&requests, 0), DRAWN);
}

/* Buffers that lie there when the driver says DRIVER_OK are filled without a kick. */
static void buffers_of_before(void **state)
{
    (void)state;
    assert_int_equal(driver_negotiate(&region, ALL), 11);
    ring_create(&requests, &guest, 0, SIZE);
    assert_int_equal(driver_place(&region, 0, &requests), 1);
    post(0, BUF(0), 16);
    kick(); /* T9: too early */
    ring_assert_nothing_used(&requests);
    assert_int_equal(draws, 0);
    driver_ok(&region);
    assert_int_equal(ring_take_used(&requests, 0), 16);
}

/* T19, T27: after a stop in any way nothing more is written, and what was left is for later. */
static void t19_t27_a_stop_with_buffers_waiting(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        drive(ALL);
        post(0, BUF(0), 16);
        if (how == 0) {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        } else if (how == 1) {
            reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0);
            reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
            assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
        } else {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f); /* FAILED */
        }
        snapshot();
        kick();
        ring_assert_nothing_used(&requests);
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
}

/* T28: 10^4 lives, each ended somewhere: nothing adds up. */
static void t28_many_resets(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 10000; n++) {
        drive(n % 2 ? ALL : VERSION_1);
        for (unsigned i = 0; i < n % SIZE; i++) {
            post(i, BUF(i), 1 + n % 700);
        }
        if (n % 3) {
            kick();
        }
        assert_true(virtio_mmio_reset(&rng.device));
    }
    assert_works_after_reset();
}

static void assert_broken(const char *reason)
{
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1); /* O7 */
    assert_int_equal(rng.device.guest_errors, 1);
    assert_non_null(strstr(log_last, reason));
    ring_assert_nothing_used(&requests);
    guest_assert_untouched(&guest); /* O2 */
    kick();
    guest_assert_untouched(&guest);
    assert_works_after_reset();
    log_lines = 0;
    rng.device.guest_errors = 0;
}

static void d1_to_d22_bad_chains_break_only_their_device(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= NUM_BAD_CHAINS; i++) {
        const struct bad_chain *bad = i < NUM_BAD_CHAINS ? &bad_chains[i] : &indirect_chain;
        drive(i < NUM_BAD_CHAINS ? ALL : VERSION_1); /* the last: D15 */
        offer_bad_chain(&requests, bad);
        snapshot();
        guest_loads = 0;
        kick();
        assert_true(guest_loads <= 2 * SIZE + 4); /* O5 */
        assert_broken(bad->reason);
    }
}

static void q1_q2_q3_bad_rings_break_only_their_device(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        drive(ALL);
        if (n < 2) {
            ring_avail(&requests)->idx = n == 0 ? SIZE + 1 : 0xffff;
        } else {
            ring_offer(&requests, SIZE);
        }
        snapshot();
        kick();
        assert_broken(n < 2 ? "jumped" : "head");
    }
}

/* Q11: kicks without buffers cost nothing and draw nothing. */
static void q11_kicks_of_an_empty_queue(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 100000; i++) {
        kick();
    }
    assert_int_equal(draws, 0);
    ring_assert_nothing_used(&requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_what_the_standard_says),
        TEST(small_requests_share_a_draw),
        TEST(r1_a_huge_request_gets_a_little),
        TEST(tiny_buffers),
        TEST(d26_pieces_of_a_byte),
        TEST(r2_readable_buffers_are_dropped),
        TEST(the_source_is_empty_or_slow),
        TEST(the_source_boasts),
        TEST(buffers_of_before),
        TEST(t19_t27_a_stop_with_buffers_waiting),
        TEST(t28_many_resets),
        TEST(d1_to_d22_bad_chains_break_only_their_device),
        TEST(q1_q2_q3_bad_rings_break_only_their_device),
        TEST(q11_kicks_of_an_empty_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
