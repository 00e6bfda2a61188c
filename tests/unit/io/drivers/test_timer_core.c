/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/timer/timer_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static const uint64_t frequencies[] = { 1, 24000000, 62500000, 1000000000, 17999999999ull };

static void conversions_round_so_that_no_timeout_is_early(void **state)
{
    (void)state;
    struct timer_core core;
    for (size_t i = 0; i < sizeof(frequencies) / sizeof(frequencies[0]); i++) {
        timer_core_init(&core, frequencies[i]);
        uint64_t hz = frequencies[i];
        assert_int_equal(timer_core_ns(&core, hz), SECOND);
        assert_int_equal(timer_core_ticks(&core, SECOND), hz);
        assert_int_equal(timer_core_ns(&core, hz * 1000000), SECOND * 1000000);
        assert_int_equal(timer_core_ticks(&core, 0), 0);
        assert_true(timer_core_ticks(&core, 1) >= 1);
        for (uint64_t ns = 1; ns < SECOND * 1000; ns = ns * 3 + 1) {
            uint64_t ticks = timer_core_ticks(&core, ns);
            /* Exactly: ticks >= ns * hz / SECOND, and no full tick more. */
            assert_true((unsigned __int128)ticks * SECOND >= (unsigned __int128)ns * hz);
            assert_true((unsigned __int128)(ticks - 1) * SECOND < (unsigned __int128)ns * hz);
        }
    }
}

static void conversions_saturate(void **state)
{
    (void)state;
    struct timer_core core;
    timer_core_init(&core, 62500000);
    assert_int_equal(timer_core_ns(&core, UINT64_MAX), UINT64_MAX);
    assert_int_equal(timer_core_ns(&core, UINT64_MAX / 16), (UINT64_MAX / 16) * 16);
    timer_core_init(&core, 10 * SECOND);
    assert_int_equal(timer_core_ticks(&core, UINT64_MAX), UINT64_MAX);
    timer_core_init(&core, 0); /* not set by firmware: wrong time, but no division by zero */
    assert_int_equal(timer_core_ns(&core, 2), 2 * SECOND);
}

static void the_earliest_is_next_and_each_comes_once(void **state)
{
    (void)state;
    struct timer_core core;
    timer_core_init(&core, SECOND);
    assert_int_equal(timer_core_next(&core), TIMER_NEVER);
    for (unsigned int i = 0; i < TIMER_MAX_CLIENTS; i++) {
        timer_core_set(&core, i, 1000, 100 * (TIMER_MAX_CLIENTS - i));
    }
    for (unsigned int i = TIMER_MAX_CLIENTS; i-- > 0;) {
        uint64_t next = timer_core_next(&core);
        assert_int_equal(next, 1000 + 100 * (TIMER_MAX_CLIENTS - i));
        assert_int_equal(timer_core_expire(&core, next - 1), 0);
        assert_int_equal(timer_core_expire(&core, next), 1ull << i);
        assert_int_equal(timer_core_expire(&core, next), 0);
    }
    assert_int_equal(timer_core_next(&core), TIMER_NEVER);
}

static void many_at_once_and_in_the_past(void **state)
{
    (void)state;
    struct timer_core core;
    timer_core_init(&core, 24000000);
    for (unsigned int i = 0; i < TIMER_MAX_CLIENTS; i++) {
        timer_core_set(&core, i, 5, 0);
    }
    assert_int_equal(timer_core_next(&core), 5); /* not in the future: due at once */
    assert_int_equal(timer_core_expire(&core, 1000000), (1ull << TIMER_MAX_CLIENTS) - 1);
}

static void a_new_timeout_replaces_the_old_one(void **state)
{
    (void)state;
    struct timer_core core;
    timer_core_init(&core, SECOND);
    timer_core_set(&core, 3, 0, 10);
    timer_core_set(&core, 3, 0, 500);
    assert_int_equal(timer_core_expire(&core, 499), 0);
    assert_int_equal(timer_core_expire(&core, 500), 1u << 3);
}

static void absurd_requests_do_no_harm(void **state)
{
    (void)state;
    struct timer_core core;
    timer_core_init(&core, 62500000);
    timer_core_set(&core, 1, UINT64_MAX - 5, UINT64_MAX);
    assert_int_equal(timer_core_next(&core), TIMER_NEVER);
    timer_core_set(&core, TIMER_MAX_CLIENTS, 0, 1);
    timer_core_set(&core, UINT32_MAX, 0, 1);
    assert_int_equal(timer_core_next(&core), TIMER_NEVER);
    timer_core_set(&core, 2, 0, SECOND);
    assert_int_equal(timer_core_next(&core), 62500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_round_so_that_no_timeout_is_early),
        cmocka_unit_test(conversions_saturate),
        cmocka_unit_test(the_earliest_is_next_and_each_comes_once),
        cmocka_unit_test(many_at_once_and_in_the_past),
        cmocka_unit_test(a_new_timeout_replaces_the_old_one),
        cmocka_unit_test(absurd_requests_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
