/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bare guest (an arm64 Image) that measures how long after its arrival an interrupt is at the
 * guest: the counter is read by the first instruction of the IRQ vector. Two sources whose time of
 * arrival is known exactly: the virtual timer, which fires when the counter reaches CNTV_CVAL, and the
 * board's PL031, which QEMU lets fire when it is told to at once (RTCMR = RTCDR), or one second
 * behind the store of RTCMR = RTCDR + 1. QEMU needs `-rtc clock=vm`, so that this second is the
 * counter's. Each is measured ROUNDS times while the guest runs and while it waits in WFI. Runs as a
 * guest that has the PL031 passed through, and directly on QEMU at EL1.
 */
#include "bare_guest.inc"

#define ROUNDS    64
#define GICD      0x08000000
#define GICC      0x08010000
#define PL031     0x09010000
#define TIMER_PPI 27
#define PL031_SPI 34
#define DELAY     5000 /* ticks until the timer fires */
#define PATIENCE  0x10000 /* turns of a loop, after which a round is void */

#define GICD_CTLR      0x000
#define GICD_ISENABLER 0x100
#define GICD_ITARGETSR 0x800
#define GICC_CTLR      0x00
#define GICC_PMR       0x04
#define GICC_IAR       0x0c
#define GICC_EOIR      0x10
#define RTCDR          0x00
#define RTCMR          0x04
#define RTCIMSC        0x10
#define RTCICR         0x1c

/*
 * x19 GICD, x20 GICC, x21 PL031; x22 rounds to go, x23 sum, x24 most, x25 when the interrupt arrives,
 * x26 when the guest had it, x27 whether it had it, x28 the measurement's code.
 */
main:
    adr x0, vectors
    msr vbar_el1, x0
    movz x19, #(GICD >> 16), lsl #16
    movz x20, #(GICC >> 16), lsl #16
    movz x21, #(PL031 >> 16), lsl #16
    movk x20, #(GICC & 0xffff)
    movk x21, #(PL031 & 0xffff)
    mov w0, #1
    strb w0, [x19, #(GICD_ITARGETSR + PL031_SPI)]
    mov w0, #(1 << TIMER_PPI)
    str w0, [x19, #GICD_ISENABLER]
    mov w0, #(1 << (PL031_SPI - 32))
    str w0, [x19, #(GICD_ISENABLER + 4)]
    mov w0, #1
    str w0, [x19, #GICD_CTLR]
    mov w0, #0xff
    str w0, [x20, #GICC_PMR]
    mov w0, #1
    str w0, [x20, #GICC_CTLR]
    str w0, [x21, #RTCIMSC]
    msr daifclr, #2

    .macro measure name, code
    adr x28, \code
    adr x0, \name
    bl run
    .endm
    measure timer_running, run_timer
    measure timer_idle, wait_timer
    measure device_running, run_device
    measure device_idle, wait_device
    b finish

run: /* x0: the name, x28: what arms the interrupt and returns when it has come */
    mov x17, x30
    bl puts
    mov x22, #ROUNDS
    mov x23, xzr
    mov x24, xzr
1:  mov x27, xzr
    blr x28
    cbz x27, 1b
    subs x26, x26, x25
    b.mi 1b /* the second turned over between the read of RTCDR and the store */
    add x23, x23, x26
    cmp x26, x24
    csel x24, x26, x24, hi
    subs x22, x22, #1
    b.ne 1b
    mov x0, x23
    bl put_decimal
    adr x0, most
    bl puts
    mov x0, x24
    bl put_decimal
    mov w0, #'\n'
    bl putc
    ret x17

    .macro arm_timer
    mrs x25, cntvct_el0
    add x25, x25, #(DELAY & 0xfff)
    add x25, x25, #(DELAY & ~0xfff)
    msr cntv_cval_el0, x25
    mov x0, #1
    msr cntv_ctl_el0, x0
    isb
    .endm

run_timer:
    arm_timer
1:  cbz x27, 1b
    ret

wait_timer:
    arm_timer
    b wait

run_device:
    mov w2, #PATIENCE
    ldr w1, [x21, #RTCDR]
    mrs x25, cntvct_el0
    str w1, [x21, #RTCMR]
1:  cbnz x27, 2f
    subs w2, w2, #1
    b.ne 1b
2:  ret

wait_device:
    mrs x3, cntfrq_el0
    ldr w1, [x21, #RTCDR]
    add w1, w1, #1
    mrs x25, cntvct_el0
    str w1, [x21, #RTCMR]
    add x25, x25, x3

wait: /* with IRQs masked between the look and WFI, which ends all the same */
    msr daifset, #2
    cbnz x27, 2f
    wfi
1:  msr daifclr, #2
    b wait
2:  msr daifclr, #2
    ret

interrupt:
    ldr w1, [x20, #GICC_IAR]
    msr cntv_ctl_el0, xzr
    mov w0, #1
    str w0, [x21, #RTCICR]
    isb
    str w1, [x20, #GICC_EOIR]
    mov x27, #1
    eret

    .balign 2048
vectors:
    .space 0x280
    mrs x26, cntvct_el0
    b interrupt
    .balign 2048

timer_running:
    .asciz "timer, running: "
timer_idle:
    .asciz "timer, idle: "
device_running:
    .asciz "device, running: "
device_idle:
    .asciz "device, idle: "
most:
    .asciz " ticks in all, at most "
    .balign 8
image_end:
