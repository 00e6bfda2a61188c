/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests of a few instructions, which bare_vmm.c copies to the start of their RAM. They run with the
 * MMU off and talk to their VMM by SMC: x0 is one of its CALL_ numbers, x1 a value.
 */
#include "tests/system/sdk/fp_macros.inc"

#define CALL_DONE   0
#define GICC        0x08010000 /* the virtual CPU interface, IHI 0048B 5.5 */
#define GICC_CTLR   0x00
#define GICC_PMR    0x04
#define GICC_IAR    0x0c
#define GICC_EOIR   0x10
#define DISR_EL1    s3_0_c12_c1_1
#define ROUNDS      60
#define TIMER_TICKS 30

    .section .rodata.bare_guests, "a"
    .balign 8
    .global guest_code, guest_code_end
guest_code:

    .macro call number
    mov x0, #\number
    smc #0
    .endm

    .macro guest name
    .balign 8
    .global guest_\name
guest_\name:
    .endm

    .macro wait_ms ms
    mov x9, #\ms
    bl wait
    .endm

/* ---- Debug registers: all of these trap ------------------------------------------------------- */
    guest debug
    mov x1, #0xa001 /* MDSCR_EL1: MDE, KDE, SS */
    msr oslar_el1, xzr
    msr osdlr_el1, xzr
    msr mdscr_el1, x1
    mrs x2, mdscr_el1
    msr dbgbcr0_el1, x1
    msr dbgwcr0_el1, x1
    msr pmcr_el0, x1
    call CALL_DONE
    b .

/* ---- What exception level is this? ------------------------------------------------------------ */
    guest level
    mrs x1, currentel
    call 1
    b guest_level

/* ---- Registers: x0 is a seed, from which each register has its value --------------------------- */
    .macro for_all_registers macro
    \macro sp_el0, 1
    \macro tpidr_el0, 0
    \macro tpidrro_el0, 2
    \macro tpidr_el1, 3
    \macro contextidr_el1, 4
    \macro far_el1, 5
    \macro esr_el1, 6
    \macro elr_el1, 7
    \macro spsr_el1, 8
    \macro ttbr0_el1, 9
    \macro ttbr1_el1, 10
    \macro mair_el1, 11
    \macro cntv_cval_el0, 12
    .endm
    .macro set_register name, value
    add x1, x0, #\value
    msr \name, x1
    .endm
    .macro check_register name, value
    mrs x2, \name
    sub x2, x2, x0
    sub x2, x2, #\value
    orr x1, x1, x2
    .endm
    .macro fill_x
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    add x\n, x0, #\n
    .endr
    .endm
    .macro check_x /* x1: not 0 if one is wrong */
    sub x1, x1, x0
    sub x1, x1, #1
    .irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    sub x\n, x\n, x0
    sub x\n, x\n, #\n
    orr x1, x1, x\n
    .endr
    .endm

    guest registers
    mov x1, #(3 << 20)
    msr cpacr_el1, x1
    isb
    for_all_registers set_register
    msr vbar_el1, x0
1:  fp_fill_from x0, x1
    mov sp, x0
    fill_x
    add x30, x30, #0x40, lsl #12 /* for some time */
2:  sub x30, x30, #1
    cmp x30, x29
    b.ne 2b
    add x30, x30, #1
    smc #0
    check_x
    mov x2, sp
    sub x2, x2, x0
    orr x1, x1, x2
    for_all_registers check_register
    mov x4, #0
    fp_count_wrong x0, x4, x2, x3
    orr x1, x1, x4
    adr x2, wrong_rounds
    ldr x3, [x2]
    cmp x1, #0
    cinc x3, x3, ne
    str x3, [x2]
    adr x2, rounds
    ldr x1, [x2]
    add x1, x1, #1
    str x1, [x2]
    cmp x1, #ROUNDS
    b.ne 1b
    mov x1, x3
    call CALL_DONE
    b .
    .balign 8
rounds:
    .quad 0
wrong_rounds:
    .quad 0

/* ---- The deferred interrupt status, which under HCR_EL2.AMO is the virtual one (D17.2.40) -------- */
    guest disr
    mov x20, x0
    mov x21, #ROUNDS
    mov x1, #0
    msr DISR_EL1, x20
1:  mov x9, #1
    bl wait
    mrs x2, DISR_EL1
    cmp x2, x20
    cinc x1, x1, ne
    subs x21, x21, #1
    b.ne 1b
    call CALL_DONE
    b .

/* ---- WFI, interrupt, end of interrupt, stop ---------------------------------------------------- */
    guest wfi
    mov x20, #GICC
    mov w1, #0xf0
    str w1, [x20, #GICC_PMR]
    mov w1, #1
    str w1, [x20, #GICC_CTLR]
    call 1
    wfi
    ldr w1, [x20, #GICC_IAR]
    str w1, [x20, #GICC_EOIR]
    isb
    call 2
    call 3 /* the VMM stops us here */
    call 4
    b .

    guest again
    mov x21, #0x77
    call 5 /* the VMM does not answer, and resumes us later */
    mov x1, x21
    call 6
    b .

/* ---- The virtual timer -------------------------------------------------------------------------- */
    guest timer /* x0: period in ms */
    mov x20, x0
    mov x9, #1
    bl arm
    wait_ms 5
    call 1
    msr cntv_ctl_el0, xzr
    mov x9, #1
    bl arm
    wait_ms 5
    call 2
    wait_ms 3
    call 3
    msr cntv_ctl_el0, xzr
    isb
    call 4
    mov x21, #TIMER_TICKS
1:  mov x9, x20
    bl arm
    wfi
    msr cntv_ctl_el0, xzr
    isb
    call 5
    subs x21, x21, #1
    b.ne 1b
    call CALL_DONE
    b .

/* x10: the counter x9 ms from now */
later:
    mrs x10, cntfrq_el0
    mov x11, #1000
    udiv x10, x10, x11
    mul x10, x10, x9
    isb
    mrs x11, cntvct_el0
    add x10, x10, x11
    ret

arm: /* the timer fires in x9 ms */
    mov x12, x30
    bl later
    msr cntv_cval_el0, x10
    mov x11, #1
    msr cntv_ctl_el0, x11
    isb
    ret x12

wait: /* x9 ms */
    mov x12, x30
    bl later
1:  isb
    mrs x11, cntvct_el0
    cmp x11, x10
    b.lo 1b
    ret x12

    .balign 8
guest_code_end:
