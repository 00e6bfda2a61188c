/* SPDX-License-Identifier: BSD-2-Clause */
/* How the supervisor tells of a fault: each kind that the Microkit delivers of a PD. */
#include "services/supervisor/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void each_fault_has_its_words(void **state)
{
    static const struct {
        uint64_t label, words[REASON_WORDS];
        const char *text;
    } rows[] = {
        { 6, { 0x200134, 0x10, 0, 0x92000046 }, "write of 0x10 at pc 0x200134" },
        { 6, { 0x200134, 0x10, 0, 0x92000006 }, "read of 0x10 at pc 0x200134" },
        { 6, { 0x8, 0x8, 1, 0x82000006 }, "instruction fetch of 0x8 at pc 0x8" },
        { 3, { 0x200, 0, 0, 0x2000000 }, "exception, syndrome 0x2000000, at pc 0x200" },
        { 2, { [8] = 0x204, [12] = UINT64_MAX }, "unknown system call -1 at pc 0x204" },
        { 0, { 0 }, "fault of kind 0" },
        { UINT64_MAX, { 0 }, "fault of kind 18446744073709551615" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[REASON_BYTES];
        reason_text(text, rows[i].label, rows[i].words);
        assert_string_equal(text, rows[i].text);
    }
}

/* The longest that there can be fits. */
static void no_line_is_cut(void **state)
{
    char text[REASON_BYTES];
    uint64_t words[REASON_WORDS];
    (void)state;
    for (size_t i = 0; i < REASON_WORDS; i++) {
        words[i] = UINT64_MAX;
    }
    reason_text(text, 6, words);
    assert_string_equal(text, "instruction fetch of 0xffffffffffffffff at pc 0xffffffffffffffff");
    words[12] = 1ull << 63;
    reason_text(text, 2, words);
    assert_string_equal(text, "unknown system call -9223372036854775808 at pc 0xffffffffffffffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_words),
        cmocka_unit_test(no_line_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
