/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's page of the YAML file is what the composer writes, and its example is good. */
#include "compose/keys.h"
#include "tests/unit/compose/compose_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *page, *reference; /* docs/yaml.md, and what it must be */

static char *write_reference(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    keys_reference(out);
    (void)fclose(out);
    return text;
}

static void the_page_is_up_to_date(void **state)
{
    (void)state;
    if (strcmp(page, reference) != 0) {
        fail_msg("docs/yaml.md is out of date; run: build/host/composer --reference >docs/yaml.md");
    }
}

static void every_key_has_its_words(void **state)
{
    (void)state;
    assert_null(strstr(reference, "(null)"));
    assert_null(strstr(reference, "|  |"));
    assert_non_null(strstr(reference, "| `memory` | a size from 2M to 256G, a multiple of 2M"));
    assert_non_null(strstr(reference, "| `rows` | a number from 1 to 65535"));
}

static void the_example_is_good(void **state)
{
    bool good;
    char *yaml = strstr(reference, "```yaml\n") + strlen("```yaml\n");
    (void)state;
    char *told = rig_compose(yaml, (size_t)(strstr(yaml, "```") - yaml), "out", &good);
    assert_string_equal(told, "");
    assert_true(good);
    free(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(every_key_has_its_words),
        cmocka_unit_test(the_example_is_good),
    };
    size_t length;
    page = rig_read("docs/yaml.md", &length); /* before the rig leaves this folder */
    reference = write_reference();
    int failed = cmocka_run_group_tests(tests, rig_setup, rig_teardown);
    free(page);
    free(reference);
    return failed;
}
