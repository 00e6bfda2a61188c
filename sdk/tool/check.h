/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold between the parts of a system; each failure is one sentence with its remedy. */
#pragma once

#include "sdk/tool/model.h"

/* A stretch of an address space and what lies there, for finding overlaps. */
struct check_span {
    uint64_t base, size;
    unsigned long line; /* 0: not from the system file */
    const char *what;   /* "mapping of", "program of", ... */
    const char *name;
};

/* Sorts the spans and refuses two that overlap; `space` says of which space they are. */
bool check_no_overlap(const struct system *system, struct check_span *spans, size_t count,
                      const char *space);

/* The system file alone: resolves names, chooses page sizes; needs the regions' sizes. */
bool check_system(struct system *system);

/* The system with its programs and its board: address spaces, interrupts, fixed memory. */
bool check_loaded(struct system *system, const struct kernel *kernel);
