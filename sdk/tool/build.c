/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"

/* Tables need addresses, and addresses need to know how many tables there are: the first round
 * counts. */
static bool place_and_map(struct build *b)
{
    unsigned counted = 0;
    for (int round = 0; round < 2; round++) {
        counted = b->tables.num_pages;
        if (!layout_place(&b->layout, &b->system, &b->kernel, counted) ||
            !tables_build(&b->tables, &b->system, &b->kernel, &b->layout))
            return false;
    }
    return b->tables.num_pages == counted ||
           refuse(&b->system, 0, "the page tables change in number: an error of this tool");
}

bool build_run(struct build *b, const char *system_path, const char *kernel_path,
               const struct load_paths *paths, struct error *error)
{
    static const struct load_paths nowhere_else;
    struct system *s = &b->system;
    const uint8_t *bytes;
    size_t size;
    *b = (struct build){ .system = { .arena = &b->arena, .error = error } };
    return load_file(s, system_path, 0, &nowhere_else, &bytes, &size) &&
           xml_parse(s, (const char *)bytes, size) && load_prefills(s, paths) && check_system(s) &&
           load_kernel(&b->kernel, s, kernel_path) && load_programs(s, paths) &&
           check_loaded(s, &b->kernel) && place_and_map(b) && emit_image(b);
}

void build_free(struct build *b)
{
    arena_free(&b->arena);
}
