/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bare guest in place of Linux (an arm64 Image) that measures what a trap costs: it reads the
 * distributor's GICD_TYPER, which its VMM emulates, and prints the counter's ticks for each 1,000
 * reads on the emulated PL011. Under `-icount shift=0` a tick of 62.5 MHz is 16 instructions.
 */
#include "bare_guest.inc"

#ifndef ROUNDS
#define ROUNDS 20
#endif
#ifndef READS
#define READS 1000
#endif
#define GICD_TYPER 0x08000004

main:
    mov w20, #ROUNDS
round:
    movz x1, #(GICD_TYPER & 0xffff)
    movk x1, #(GICD_TYPER >> 16), lsl #16
    mov w2, #READS
    isb
    mrs x3, cntvct_el0
2:  ldr w0, [x1]
    subs w2, w2, #1
    b.ne 2b
    isb
    mrs x4, cntvct_el0
    sub x4, x4, x3
    adr x0, text
    bl puts
    mov x0, x4
    bl put_decimal
    mov w0, #'\n'
    bl putc
    subs w20, w20, #1
    b.ne round
    b finish

text:
    .asciz "ticks for 1000 reads: "
    .balign 8
image_end:
