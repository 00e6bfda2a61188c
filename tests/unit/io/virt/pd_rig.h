/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Microkit around a protection domain whose shell a test includes: what it notifies,
 * acknowledges, calls and says is kept. The timer's PD answers at PD_TIMER, the entropy driver at
 * PD_ENTROPY with as much as it is asked for, the supervisor at PD_SUPERVISOR.
 */
#pragma once

#include <cloister/power.h>
#include <cloister/restart.h>
#include <microkit.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PD_SUPERVISOR 59u
#define PD_TIMER      60u
#define PD_ENTROPY    61u

static unsigned pd_notified[MICROKIT_MAX_CHANNELS], pd_acked[MICROKIT_MAX_CHANNELS];
static unsigned pd_restarts;   /* restart_signal()s */
static unsigned pd_powers_off; /* calls of the supervisor */
static char pd_said[1024];
static uint64_t pd_time, pd_timeout; /* ns; since the timer was last asked */

seL4_IPCBuffer __sel4_ipc_buffer_obj;

void microkit_notify(microkit_channel ch)
{
    assert_in_range(ch, 0, MICROKIT_MAX_CHANNEL_ID);
    pd_notified[ch]++;
}

void microkit_irq_ack(microkit_channel ch)
{
    assert_in_range(ch, 0, MICROKIT_MAX_CHANNEL_ID);
    pd_acked[ch]++;
}

void microkit_deferred_irq_ack(microkit_channel ch)
{
    microkit_irq_ack(ch);
}

void microkit_dbg_puts(const char *s)
{
    strncat(pd_said, s, sizeof(pd_said) - strlen(pd_said) - 1);
}

/* cloister/entropy.h: bytes wanted, words returned. */
static inline microkit_msginfo pd_entropy(void)
{
    seL4_Word words = (microkit_mr_get(0) + 7) / 8;
    words = words < 32 ? words : 32;
    for (seL4_Uint8 i = 0; i < words; i++) {
        microkit_mr_set(i, 0x0101010101010101ull * (i + 1u));
    }
    return microkit_msginfo_new(0, (seL4_Uint16)words);
}

/* sddf/timer.h: label 0 asks for the time, label 1 for a timeout. */
microkit_msginfo microkit_ppcall(microkit_channel ch, microkit_msginfo msginfo)
{
    if (ch == PD_ENTROPY) {
        return pd_entropy();
    }
    if (ch == PD_SUPERVISOR) {
        assert_int_equal(microkit_msginfo_get_label(msginfo), POWER_OFF);
        pd_powers_off++;
        return microkit_msginfo_new(0, 0);
    }
    assert_int_equal(ch, PD_TIMER);
    if (microkit_msginfo_get_label(msginfo) == 0) {
        microkit_mr_set(0, pd_time);
    } else {
        pd_timeout = microkit_mr_get(0);
    }
    return microkit_msginfo_new(0, 1);
}

void restart_signal(void)
{
    pd_restarts++;
}

static inline void pd_reset(void)
{
    pd_restarts = pd_powers_off = 0;
    memset(pd_notified, 0, sizeof(pd_notified));
    memset(pd_acked, 0, sizeof(pd_acked));
    pd_said[0] = '\0';
    pd_timeout = 0;
}

/* A PD without its record says so and then leaves everything alone. */
static inline void pd_without_record(const char *what)
{
    unsigned total = 0;
    pd_reset();
    init();
    assert_non_null(strstr(pd_said, what));
    pd_said[0] = '\0';
    for (microkit_channel ch = 0; ch < MICROKIT_MAX_CHANNELS; ch++) {
        notified(ch);
    }
    for (microkit_channel ch = 0; ch < MICROKIT_MAX_CHANNELS; ch++) {
        total += pd_notified[ch];
    }
    assert_int_equal(total, 0);
    assert_int_equal(pd_timeout, 0);
    assert_string_equal(pd_said, "");
}

#define PD_MAGIC(kind)                                                                             \
    {                                                                                              \
        { 's', 'D', 'D', 'F' }, kind                                                               \
    }
