/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a system.yaml: read by the table of keys, and checked. */
#include "compose/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct model model;
    char *told = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&told, &length);
    struct diag diag = { .arena = &arena, .out = out, .file = "fuzz.yaml" };
    bool good = yaml_read(&diag, data, size, &model) && expand_counts(&diag, &model) &&
                check_model(&diag, &model);
    (void)fclose(out);
    if (good != (diag.errors == 0) || good != (length == 0)) {
        abort(); /* a mistake that is not told, or the other way about */
    }
    free(told);
    arena_free(&arena);
    return 0;
}
