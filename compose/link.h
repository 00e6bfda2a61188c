/* SPDX-License-Identifier: BSD-2-Clause */
/* What make has to do after compose: link.mk, and what compose's output depends on. */
#pragma once

#include "compose/image.h"
#include "compose/plan.h"

#include <stdio.h>

/*
 * Writes a makefile that copies each PD's program and puts the PD's records into the copy:
 * `make -f link.mk PROGRAM_DIR=... SYSTEM_DIR=...`.
 */
void link_write(FILE *out, const struct plan *plan);

/* Writes, as a make fragment, that `target` depends on the image files. */
void link_write_depends(FILE *out, const char *target, const struct images *kernels,
                        const struct images *initrds);
