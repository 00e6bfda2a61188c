/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a system's YAML file into the model, by the table of keys. Any bytes may be read. */
#pragma once

#include "compose/model.h"

/*
 * Fills the model from `length` bytes of YAML. Returns false if errors were told. What the model
 * points to lives in the arena.
 */
bool yaml_read(struct arena *arena, struct diag *diag, const void *bytes, size_t length,
               struct model *model);
