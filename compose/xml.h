/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan as the Microkit's system description. */
#pragma once

#include "compose/plan.h"

#include <stdio.h>

/* Writes the system description; it names the programs NAME.elf, after their PDs. */
void xml_write(FILE *out, const struct plan *plan);
