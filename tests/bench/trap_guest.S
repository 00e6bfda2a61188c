/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bare guest in place of Linux (an arm64 Image) that measures what a trap costs: it reads the
 * distributor's GICD_TYPER, which its VMM emulates, and prints the counter's ticks for each 1,000
 * reads on the emulated PL011. Under `-icount shift=0` a tick of 62.5 MHz is 16 instructions.
 */
#ifndef ROUNDS
#define ROUNDS 20
#endif
#ifndef READS
#define READS 1000
#endif
#define GICD_TYPER 0x08000004
#define PL011_DR   0x09000000

    .text
    .global _start
_start:
    b 1f
    .word 0
    .quad 0 /* text_offset */
    .quad image_end - _start
    .quad 2 /* flags: little endian, 4 KiB pages */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .word 0
1:  mov w20, #ROUNDS
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
    adr x0, end
    bl puts
    movz x0, #0x0008
    movk x0, #0x8400, lsl #16 /* PSCI SYSTEM_OFF */
    smc #0
    b .

puts: /* x0: text */
    mov x9, x30
    mov x10, x0
3:  ldrb w0, [x10], #1
    cbz w0, 4f
    bl putc
    b 3b
4:  ret x9

putc: /* w0: character */
    movz x11, #(PL011_DR & 0xffff)
    movk x11, #(PL011_DR >> 16), lsl #16
    str w0, [x11]
    ret

put_decimal: /* x0: number; leading zeros, 8 digits */
    mov x9, x30
    mov x12, x0
    movz x13, #0x9680 /* 10^7 */
    movk x13, #0x98, lsl #16
    mov x14, #10
5:  udiv x15, x12, x13
    msub x12, x15, x13, x12
    add w0, w15, #'0'
    bl putc
    udiv x13, x13, x14
    cbnz x13, 5b
    ret x9

text:
    .asciz "ticks for 1000 reads: "
end:
    .asciz "done\n"
    .balign 8
image_end:
