/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/model.h"
#include <string.h>

const char *const model_kinds[] = { "memory_region", "protection_domain", "virtual_machine" };

const struct name *model_find(const struct system *system, enum name_kind kind, const char *text)
{
    for (unsigned i = 0; i < system->num_names; i++)
        if (system->names[i].kind == kind && strcmp(system->names[i].text, text) == 0)
            return &system->names[i];
    return NULL;
}
