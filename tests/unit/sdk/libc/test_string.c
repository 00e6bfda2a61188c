/* SPDX-License-Identifier: BSD-2-Clause */
/* The PDs' memory functions beside the host's: each alignment of both sides, each length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void *our_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *our_memmove(void *to, const void *from, size_t bytes);
void *our_memset(void *to, int value, size_t bytes);
int our_memcmp(const void *a, const void *b, size_t bytes);
size_t our_strlen(const char *s);
size_t our_strnlen(const char *s, size_t most);

#define memcpy  our_memcpy
#define memmove our_memmove
#define memset  our_memset
#define memcmp  our_memcmp
#define strnlen our_strnlen
#define strlen  our_strlen
#include "sdk/libc/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strnlen
#undef strlen

#define LENGTH 200u
#define SPARE  16u

static uint8_t from[LENGTH + 2 * SPARE] __attribute__((aligned(16)));
static uint8_t ours[LENGTH + 2 * SPARE] __attribute__((aligned(16)));
static uint8_t theirs[LENGTH + 2 * SPARE] __attribute__((aligned(16)));

static void fill(uint8_t *at, uint8_t first)
{
    for (uint32_t i = 0; i < LENGTH + 2 * SPARE; i++) {
        at[i] = (uint8_t)(first + i * 7);
    }
}

static void copies(void **state)
{
    (void)state;
    fill(from, 1);
    for (uint32_t to = 0; to < SPARE; to++) {
        for (uint32_t at = 0; at < SPARE; at++) {
            for (uint32_t n = 0; n <= LENGTH; n++) {
                fill(ours, 99);
                fill(theirs, 99);
                assert_ptr_equal(our_memcpy(ours + to, from + at, n), ours + to);
                memcpy(theirs + to, from + at, n);
                assert_memory_equal(ours, theirs, sizeof(ours));
            }
        }
    }
}

static void moves_within(void **state)
{
    (void)state;
    for (uint32_t to = 0; to < 2 * SPARE; to++) {
        for (uint32_t at = 0; at < 2 * SPARE; at++) {
            for (uint32_t n = 0; n <= LENGTH; n += 3) {
                fill(ours, 5);
                fill(theirs, 5);
                assert_ptr_equal(our_memmove(ours + to, ours + at, n), ours + to);
                memmove(theirs + to, theirs + at, n);
                assert_memory_equal(ours, theirs, sizeof(ours));
            }
        }
    }
}

static void sets(void **state)
{
    (void)state;
    for (uint32_t to = 0; to < SPARE; to++) {
        for (uint32_t n = 0; n <= LENGTH; n++) {
            fill(ours, 5);
            fill(theirs, 5);
            assert_ptr_equal(our_memset(ours + to, 0x1a5, n), ours + to);
            memset(theirs + to, 0xa5, n);
            assert_memory_equal(ours, theirs, sizeof(ours));
        }
    }
}

static void compares_and_measures(void **state)
{
    (void)state;
    fill(ours, 5);
    fill(theirs, 5);
    for (uint32_t n = 0; n < LENGTH; n++) {
        assert_int_equal(our_memcmp(ours, theirs, n), 0);
        theirs[n]++;
        assert_int_equal(our_memcmp(ours, theirs, n), 0);
        assert_true(our_memcmp(ours, theirs, n + 1) != 0);
        theirs[n]--;
    }
    assert_int_equal(our_strlen(""), 0);
    assert_int_equal(our_strlen("abc"), 3);
    assert_int_equal(our_strnlen("abc", 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(moves_within),
        cmocka_unit_test(sets),
        cmocka_unit_test(compares_and_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
