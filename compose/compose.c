/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/compose.h"

#include "compose/check.h"
#include "compose/output.h"
#include "compose/yaml.h"

#include <string.h>

/* The folder of a file's path. */
static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "." : arena_copy(arena, path, (size_t)(slash - path));
}

/* Each step works on what the one before has found good. */
static bool run(struct arena *arena, struct diag *diag, const struct compose_options *options)
{
    struct model model;
    struct board board;
    struct system system;
    size_t yaml_bytes;
    size_t board_bytes;
    const void *yaml = file_read(arena, diag, options->system_path, &yaml_bytes);
    if (yaml == NULL || !yaml_read(arena, diag, yaml, yaml_bytes, &model) ||
        !check_model(arena, diag, &model)) {
        return false;
    }
    const void *dtb = file_read(arena, diag, options->board_path, &board_bytes);
    return dtb != NULL && board_read(diag, options->board_path, dtb, board_bytes, &board) &&
           system_plan(&system, arena, diag, &model, &board, folder_of(arena, options->system_path),
                       &options->defaults) &&
           output_write(arena, diag, &system, options->out_folder);
}

bool compose(const struct compose_options *options, FILE *err)
{
    struct arena arena = { 0 };
    struct diag diag = { .out = err, .file = options->system_path };
    bool good = run(&arena, &diag, options);
    arena_free(&arena);
    return good;
}
