/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include <stdarg.h>
#include <string.h>

const char *const model_kinds[] = { "memory_region", "protection_domain", "virtual_machine" };

const struct name *model_find(const struct system *system, enum name_kind kind, const char *text)
{
    for (unsigned i = 0; i < system->num_names; i++) {
        if (system->names[i].kind == kind && strcmp(system->names[i].text, text) == 0) {
            return &system->names[i];
        }
    }
    return NULL;
}

bool refuse_if(const struct system *system, bool wrong, unsigned long line, const char *format, ...)
{
    struct error *error = system->error;
    char sentence[sizeof error->text / 2], number[24] = "";
    va_list arguments;
    if (!wrong || error->text[0]) {
        return !wrong;
    }
    if (line) {
        snprintf(number, sizeof number, ":%lu", line);
    }
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    snprintf(error->text, sizeof error->text, "%.900s%s: error: %s", error->file, number, sentence);
    return false;
}

/* Tables need addresses, and addresses need to know how many tables there are: the first round
 * counts. */
static bool place_and_map(struct build *b)
{
    unsigned counted = 0;
    for (int round = 0; round < 2; round++) {
        counted = b->tables.num_pages;
        if (!layout_place(&b->layout, &b->system, &b->kernel, counted) ||
            !tables_build(&b->tables, &b->system, &b->kernel, &b->layout)) {
            return false;
        }
    }
    return b->tables.num_pages == counted ||
           refuse(&b->system, 0, "the page tables change in number: an error of this tool");
}

bool build_run(struct build *b, const char *system_path, const char *kernel_path,
               const struct load_paths *paths, struct error *error)
{
    struct system *s = &b->system;
    const uint8_t *bytes;
    size_t size;
    *b = (struct build){ .system = { .arena = &b->arena, .error = error } };
    return load_file(s, system_path, 0, NULL, &bytes, &size) &&
           xml_parse(s, (const char *)bytes, size) && load_prefills(s, paths) && check_system(s) &&
           load_kernel(&b->kernel, s, kernel_path) && load_programs(s, paths) &&
           check_loaded(s, &b->kernel) && place_and_map(b) && emit_image(b);
}
