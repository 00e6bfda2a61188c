/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that move the input: a small automaton over single bytes, one for each convention. */
#pragma once

#include <sddf/config.h>
#include <stdint.h>

#define CTRL_BACKSLASH 0x1c
#define COUNTERS_KEY   '?' /* in place of an index */
#define START_KEY      '!' /* likewise */

enum switch_action {
    SWITCH_NONE,     /* pass on `out`, which may be empty */
    SWITCH_SELECT,   /* move the input to client `index`, which may be none */
    SWITCH_COUNTERS, /* show the counters */
    SWITCH_START,    /* start the client's guest, if it is stopped */
    SWITCH_WRONG,    /* a command that is none */
};

struct switch_result {
    enum switch_action action;
    uint32_t index; /* from 0, for SWITCH_SELECT */
    uint8_t count;
    uint8_t out[2];
};

struct switch_keys {
    uint8_t convention; /* enum serial_switch */
    uint8_t state;
    uint8_t digits;
    uint32_t number;
};

/* At the start of the input, which counts as the start of a line. */
struct switch_keys switch_keys_start(uint8_t convention);

/* Takes one byte of input. */
struct switch_result switch_keys_next(struct switch_keys *keys, uint8_t byte);

/* How to move the input, for the first message: "Ctrl-\ then index, Enter". */
const char *switch_keys_help(uint8_t convention);

/* The keys that start a stopped guest: "Ctrl-\ then !". */
const char *switch_keys_start_help(uint8_t convention);
