/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/serial_rx/switch_keys.h"

#include <stdbool.h>

#define NO_CLIENT   UINT32_MAX
#define MOST_DIGITS 3

enum state {
    PLAIN,
    PREFIX,    /* Ctrl-\ or '@' seen */
    BACKSLASH, /* at: a '\' is held back */
    AFTER_RETURN,
};

struct switch_keys switch_keys_start(uint8_t convention)
{
    return (struct switch_keys){
        .convention = convention,
        .state = convention == SERIAL_SWITCH_RETURN_AT ? AFTER_RETURN : PLAIN,
    };
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_return(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
}

static struct switch_result hold(void)
{
    return (struct switch_result){ .action = SWITCH_NONE };
}

static struct switch_result pass(uint8_t byte)
{
    return (struct switch_result){ .action = SWITCH_NONE, .count = 1, .out = { byte } };
}

static struct switch_result pass_both(uint8_t first, uint8_t second)
{
    return (struct switch_result){ .action = SWITCH_NONE, .count = 2, .out = { first, second } };
}

/* Finds the command of a key in place of an index; false: it is none. */
static bool command_key(uint8_t byte, struct switch_result *result)
{
    *result =
        (struct switch_result){ .action = byte == COUNTERS_KEY ? SWITCH_COUNTERS : SWITCH_START };
    return byte == COUNTERS_KEY || byte == START_KEY;
}

static struct switch_result select_client(uint32_t index)
{
    return (struct switch_result){ .action = SWITCH_SELECT, .index = index };
}

/* Ctrl-\, digits, Enter. */
static struct switch_result next_ctrl_backslash(struct switch_keys *keys, uint8_t byte)
{
    if (keys->state == PLAIN) {
        if (byte != CTRL_BACKSLASH) {
            return pass(byte);
        }
        keys->state = PREFIX;
        keys->number = 0;
        keys->digits = 0;
        return hold();
    }
    if (is_digit(byte)) {
        if (keys->digits < MOST_DIGITS) {
            keys->number = keys->number * 10 + (uint32_t)(byte - '0');
            keys->digits++;
        } else {
            keys->number = NO_CLIENT;
        }
        return hold();
    }
    keys->state = PLAIN;
    struct switch_result command;
    if (keys->digits == 0 && command_key(byte, &command)) {
        return command;
    }
    if (is_return(byte) && keys->digits > 0) {
        return select_client(keys->number);
    }
    if (byte == CTRL_BACKSLASH && keys->digits == 0) {
        return pass(CTRL_BACKSLASH);
    }
    return (struct switch_result){ .action = SWITCH_WRONG };
}

/* '@' and a digit from 1. */
static struct switch_result next_at(struct switch_keys *keys, uint8_t byte)
{
    uint8_t state = keys->state;
    struct switch_result command;
    keys->state = PLAIN;
    if (state == PREFIX && is_digit(byte)) {
        return select_client(byte == '0' ? NO_CLIENT : (uint32_t)(byte - '1'));
    }
    if (state == PREFIX && command_key(byte, &command)) {
        return command;
    }
    if (state == BACKSLASH && byte == '@') {
        return pass('@');
    }
    /* What is held back goes first; this byte can begin something itself. */
    uint8_t held = state == PREFIX ? '@' : '\\';
    if (byte == '@' || byte == '\\') {
        keys->state = byte == '@' ? PREFIX : BACKSLASH;
        return state == PLAIN ? hold() : pass(held);
    }
    return state == PLAIN ? pass(byte) : pass_both(held, byte);
}

/* Return, '@', a digit from 0. */
static struct switch_result next_return_at(struct switch_keys *keys, uint8_t byte)
{
    uint8_t state = keys->state;
    struct switch_result command;
    if (state == AFTER_RETURN && byte == '@') {
        keys->state = PREFIX;
        return hold();
    }
    if (state == PREFIX && is_digit(byte)) {
        keys->state = AFTER_RETURN; /* the other client's line has not been touched */
        return select_client((uint32_t)(byte - '0'));
    }
    if (state == PREFIX && command_key(byte, &command)) {
        keys->state = AFTER_RETURN;
        return command;
    }
    keys->state = is_return(byte) ? AFTER_RETURN : PLAIN;
    return state == PREFIX ? pass_both('@', byte) : pass(byte);
}

struct switch_result switch_keys_next(struct switch_keys *keys, uint8_t byte)
{
    switch (keys->convention) {
    case SERIAL_SWITCH_AT:
        return next_at(keys, byte);
    case SERIAL_SWITCH_RETURN_AT:
        return next_return_at(keys, byte);
    default:
        return next_ctrl_backslash(keys, byte);
    }
}

/* By enum serial_switch. */
static const struct {
    const char *all;
    const char *start;
} help[] = {
    [SERIAL_SWITCH_CTRL_BACKSLASH] = {
        "Ctrl-\\ then index, Enter: move it; Ctrl-\\ then ?: counters, or !: start a stopped guest",
        "Ctrl-\\ then !",
    },
    [SERIAL_SWITCH_AT] = {
        "@ then number from 1: move it; @ then ?: counters, or !: start a stopped guest",
        "@ then !",
    },
    [SERIAL_SWITCH_RETURN_AT] = {
        "Return, @ then index: move it, or ?: counters, or !: start a stopped guest",
        "Return, @ then !",
    },
};

#define NUM_CONVENTIONS (sizeof(help) / sizeof(help[0]))

/* An unknown convention counts as the first, as in switch_keys_next(). */
static unsigned known(uint8_t convention)
{
    return convention < NUM_CONVENTIONS ? convention : SERIAL_SWITCH_CTRL_BACKSLASH;
}

const char *switch_keys_help(uint8_t convention)
{
    return help[known(convention)].all;
}

const char *switch_keys_start_help(uint8_t convention)
{
    return help[known(convention)].start;
}
