/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two interrupts: the generic timer's (a PPI), three times, each later than the one before, and the
 * PL031 clock's (an SPI, level triggered), once a second. One that is not acknowledged must not
 * come again.
 */
#include <microkit.h>

#define TIMER 1
#define CLOCK 2

/* ARM DDI 0224, 3.2 */
#define RTC(offset) (*(volatile seL4_Uint32 *)(rtc_vaddr + (offset)))
#define RTCDR       0x00
#define RTCMR       0x04
#define RTCIMSC     0x10
#define RTCICR      0x1c

seL4_Word rtc_vaddr __attribute__((used, section(".data"))) = 0;
static unsigned timer_interrupts, clock_interrupts;

static void timer_start(seL4_Word us)
{
    seL4_Word frequency, now;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    __asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(now));
    __asm__ volatile("msr cntp_cval_el0, %0" ::"r"(now + frequency * us / 1000000));
    __asm__ volatile("msr cntp_ctl_el0, %0" ::"r"(1ul));
}

static void timer_stop(void)
{
    __asm__ volatile("msr cntp_ctl_el0, %0" ::"r"(0ul));
}

void init(void)
{
    microkit_irq_ack(TIMER);
    microkit_irq_ack(CLOCK);
    RTC(RTCICR) = 1;
    RTC(RTCMR) = RTC(RTCDR) + 1;
    RTC(RTCIMSC) = 1;
    timer_start(1000);
}

static void report(const char *what, unsigned count)
{
    microkit_dbg_puts(what);
    microkit_dbg_put32(count);
    microkit_dbg_puts("\n");
}

void notified(microkit_channel ch)
{
    if (ch == TIMER) {
        timer_stop();
        report("timer interrupt ", ++timer_interrupts);
        if (timer_interrupts < 3) {
            microkit_deferred_irq_ack(TIMER);
            timer_start(1000 * timer_interrupts);
        } else {
            timer_start(1000); /* not acknowledged: stays masked */
        }
        return;
    }
    RTC(RTCICR) = 1;
    report("clock interrupt ", ++clock_interrupts);
    RTC(RTCMR) = RTC(RTCDR) + 1;
    microkit_irq_ack(CLOCK);
    if (clock_interrupts == 2) {
        report("timer interrupts at the end: ", timer_interrupts);
    }
}
