/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer driver: the generic timer's physical timer, as EL0 has it (Arm ARM D13.8, D11.2). The
 * kernel lets the PD that owns the timer's interrupt use the registers. On an EL2 kernel with VHE
 * these accesses reach the EL2 physical timer (HCR_EL2.E2H and TGE set), whose interrupt is then
 * the one in the record.
 */
#include "io/drivers/timer/timer_core.h"

#include <cloister/restart.h>
#include <microkit.h>
#include <sddf/config.h>
#include <sddf/timer.h>

#define CNTP_CTL_ENABLE 1ull /* IMASK (bit 1) stays 0 */
#define BAD_REQUEST     1    /* label of a reply to what is no request */

struct sddf_device_resources device_resources __attribute__((section(".device_resources"), used));

static struct timer_core core;

static uint64_t counter(void)
{
    uint64_t ticks;
    /* The isb keeps the counter from being read early, which would make a deadline early. */
    __asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

/* Sets the hardware to the earliest deadline. One that has passed interrupts at once. */
static void program(void)
{
    uint64_t next = timer_core_next(&core);
    uint64_t control = next != TIMER_NEVER ? CNTP_CTL_ENABLE : 0;
    /* The isb: the interrupt line has fallen before the caller unmasks it. */
    __asm__ volatile("msr cntp_cval_el0, %0; msr cntp_ctl_el0, %1; isb"
                     :
                     : "r"(next), "r"(control)
                     : "memory");
}

void init(void)
{
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    if (!sddf_magic_ok(&device_resources.magic, SDDF_DEVICE) || device_resources.num_irqs != 1) {
        microkit_dbg_puts("timer driver: .device_resources is not filled in\n");
    }
    if (hz == 0) {
        microkit_dbg_puts("timer driver: firmware has not set CNTFRQ_EL0, time is wrong\n");
    }
    timer_core_init(&core, hz);
    program();
    microkit_irq_ack(device_resources.irqs[0].channel);
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (ch != device_resources.irqs[0].channel) {
        return; /* clients call, they do not notify */
    }
    uint64_t due = timer_core_expire(&core, counter());
    for (; due != 0; due &= due - 1) {
        microkit_notify((microkit_channel)__builtin_ctzll(due));
    }
    program();
    microkit_deferred_irq_ack(ch);
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    seL4_Word request = microkit_msginfo_get_label(msginfo);
    if (request == TIMER_GET_TIME) {
        microkit_mr_set(0, timer_core_ns(&core, counter()));
        return microkit_msginfo_new(0, 1);
    }
    if (request == TIMER_SET_TIMEOUT && microkit_msginfo_get_count(msginfo) >= 1) {
        timer_core_set(&core, ch, counter(), microkit_mr_get(0));
        program();
        return microkit_msginfo_new(0, 0);
    }
    return microkit_msginfo_new(BAD_REQUEST, 0);
}
