/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/model.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const model_kinds[] = { "memory_region", "protection_domain", "virtual_machine" };

const struct name *model_find(const struct system *system, enum name_kind kind, const char *text)
{
    for (unsigned i = 0; i < system->num_names; i++)
        if (system->names[i].kind == kind && strcmp(system->names[i].text, text) == 0)
            return &system->names[i];
    return NULL;
}

bool refuse_if(const struct system *system, bool wrong, unsigned long line, const char *format, ...)
{
    struct error *error = system->error;
    char sentence[sizeof error->text / 2], number[24] = "";
    va_list arguments;
    if (!wrong || error->text[0])
        return !wrong;
    if (line)
        snprintf(number, sizeof number, ":%lu", line);
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    snprintf(error->text, sizeof error->text, "%.900s%s: error: %s", error->file, number, sentence);
    return false;
}
