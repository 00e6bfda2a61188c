/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restart of a PD by its parent, the supervisor. Every start of a PD goes the same way, the first
 * included: a constructor (lib/pd/restart.c) copies the program's data, configuration
 * records among them, from a region that the PD can only read, and clears .bss; so nothing that a
 * former life has written is found again, but what lies in regions. Then init() takes the queues up
 * where they stand.
 *
 * The copy is made from the program file (link.mk), before bin/microkit writes the PD's name and
 * channels into it: those are kept.
 */
#pragma once

#include <stdint.h>

#define RESTART_COPY_VADDR 0x0ff00000ul /* below all other regions */
#define RESTART_COPY_BYTES 0x4000ul     /* the most that a program's data may be */

/* How many lives the PD has had, this one among them; 1 at the first start. */
extern uint32_t restart_lives;

/*
 * To be called at the end of init(): a former life may have died between a change in a queue and
 * the notification of it, so in a later one everybody is notified. Nobody minds one too many; to
 * the timer driver's clients it says that what they had set may be forgotten.
 */
void restart_signal(void);
