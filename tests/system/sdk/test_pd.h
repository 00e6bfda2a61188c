/* SPDX-License-Identifier: BSD-2-Clause */
/* What the test PDs share: names, time, and lines that are printed whole. */
#pragma once

#include "sdk/libc/format.h"

#include <microkit.h>

/* A variable that bin/microkit writes (setvar): in the file, and never assumed to be 0. */
#define PATCHED __attribute__((used, section(".data")))

static inline bool is_named(const char *name)
{
    for (unsigned i = 0; microkit_name[i] == name[i]; i++) {
        if (name[i] == '\0') {
            return true;
        }
    }
    return false;
}

static inline seL4_Word counter(void)
{
    seL4_Word now;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(now)::"memory");
    return now;
}

static inline seL4_Word ticks_of_ms(seL4_Word ms)
{
    seL4_Word frequency;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency / 1000 * ms;
}

/* Uses the core, or is kept from it, for some time. */
static inline void spin_ms(seL4_Word ms)
{
    seL4_Word end = counter() + ticks_of_ms(ms);
    while (counter() < end) {
    }
}

/* "NAME: TEXT", in one piece */
static inline void say(const char *text)
{
    char line[120];
    format_text(line, sizeof(line), "%s: %s\n", microkit_name, text);
    microkit_dbg_puts(line);
}

/* "NAME: TEXT VALUE" */
static inline void say_number(const char *text, seL4_Word value)
{
    char line[120];
    format_text(line, sizeof(line), "%s: %s %lu\n", microkit_name, text, value);
    microkit_dbg_puts(line);
}
