/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what all PDs have counted, a line each, through a serial connection of its own: in all,
 * and since it was asked the last time. Counts that have never moved are left out. Where the
 * connection has no room it goes on when there is some.
 */
#pragma once

#include <cloister/counters.h>
#include <sddf/serial_queue.h>
#include <stdbool.h>

#define COUNTERS_NAME_BYTES 64u

/* A row that is not in a page. */
struct counters_extra {
    char name[COUNTERS_NAME_BYTES];
    const char *text;
    uint64_t count;
};

struct counters_ops {
    void (*notify)(uint8_t channel);
    /* Row `n` of what else there is to tell, such as the kernel's counts; false: there is none.
     * NULL if there is nothing else. */
    bool (*extra)(uint32_t n, struct counters_extra *row);
};

struct counters_core {
    const struct counters_config *config;
    const struct counters_ops *ops;
    struct serial_producer out;
    bool busy;      /* printing */
    bool said;      /* the title, this time */
    uint32_t group; /* the next row: of this group, or an extra one */
    uint32_t row;
    uint64_t last[COUNTERS_MAX_GROUPS][COUNTERS_GROUP];
};

/* The record and `ops` must stay. False: the record names too many groups, or an unknown kind. */
bool counters_core_init(struct counters_core *core, const struct counters_config *config,
                        const struct counters_ops *ops);

/* Begins to print, unless that goes on already. */
void counters_core_ask(struct counters_core *core);

/* Goes on printing if there is something to print: on a notification of the virtualiser. */
void counters_core_run(struct counters_core *core);
