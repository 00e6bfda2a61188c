/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "sdk/tool/build.h"
#include <stdio.h>

/* Writes what was built, for a person: sizes, who may do what, who reaches what, where it lies. */
void report_write(const struct build *build, FILE *out);
