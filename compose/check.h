/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold between the values of a system, beyond each value by itself. */
#pragma once

#include "compose/model.h"

/* Tells what is wrong between a model's values, and fills in the colours that are not written.
 * Returns false if errors were told. */
bool check_model(struct arena *arena, struct diag *diag, struct model *model);
