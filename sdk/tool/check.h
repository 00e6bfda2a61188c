/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold between the parts of a system; each failure is one sentence with its remedy. */
#pragma once

#include "sdk/tool/model.h"

/* Stretches of an address space and what lies there, for finding overlaps. */
struct check_spans {
    const struct system *system;
    struct check_span *spans;
    unsigned num_spans;
};

/* Adds one; line 0 is not from the system file, and `what` ("the map of") goes before the name. */
void check_add_span(struct check_spans *list, uint64_t base, uint64_t size, unsigned long line,
                    const char *what, const char *name);

/* Adds the regions that have a phys_addr. */
void check_add_fixed(struct check_spans *list);

/* Refuses two spans that overlap; `space` says of which address space they are. */
bool check_no_overlap(struct check_spans *list, const char *space);

/* The system file alone: resolves names, chooses page sizes; needs the regions' sizes. */
bool check_system(struct system *system);

/* The system with its programs and its board: address spaces, interrupts, fixed memory. */
bool check_loaded(struct system *system, const struct kernel *kernel);
