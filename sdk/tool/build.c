/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include "sdk/tool/check.h"
#include "sdk/tool/emit.h"
#include "sdk/tool/xml.h"

/* Tables need addresses, and addresses need to know how many tables there are: a first round
 * counts. */
static bool place_and_map(struct build *b, struct error *error)
{
    if (!layout_place(&b->layout, &b->system, &b->kernel, 0, error) ||
        !tables_build(&b->tables, &b->system, &b->kernel, &b->layout, error))
        return false;
    unsigned counted = b->tables.num_pages;
    if (!layout_place(&b->layout, &b->system, &b->kernel, counted, error) ||
        !tables_build(&b->tables, &b->system, &b->kernel, &b->layout, error))
        return false;
    return b->tables.num_pages == counted ||
           error_at(error, 0, "the page tables have changed in number: an error of this tool");
}

bool build_run(struct build *b, const char *system_path, const char *kernel_path,
               const struct load_paths *paths, struct error *error)
{
    const uint8_t *bytes;
    size_t size;

    *b = (struct build){ 0 };
    b->system.arena = &b->arena;
    if (!load_file(&b->arena, system_path, &bytes, &size, error) ||
        !xml_parse(&b->system, (const char *)bytes, size, error) ||
        !load_prefills(&b->system, paths, error) || !check_system(&b->system, error) ||
        !load_kernel(&b->kernel, &b->arena, kernel_path, error) ||
        !load_programs(&b->system, paths, error) || !check_loaded(&b->system, &b->kernel, error) ||
        !place_and_map(b, error))
        return false;
    b->image = emit_image(&b->system, &b->kernel, &b->layout, &b->tables, &b->image_bytes, error);
    return b->image != NULL;
}

void build_free(struct build *b)
{
    arena_free(&b->arena);
}
