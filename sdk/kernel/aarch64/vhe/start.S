/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image's first instruction: at EL2, MMU off, at the load address. Refuses what the kernel
 * cannot run on, turns the MMU on with the tables that bin/microkit has built, and goes on in C at
 * the kernel's own addresses.
 */
#include "sdk/kernel/core/board.h"

#define HCR_E2H      (1 << 34)
#define HCR_RW       (1 << 31)
#define UART_DR      0x00
#define MAIR_VALUE   0xff00 /* IMAGE_MAIR */
/* T0SZ and T1SZ 25, 4 KiB granules, inner shareable write-back walks; 16-bit ASIDs. IPS is added. */
#define TCR_VALUE    (25 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30 | 1 << 36)
#define TCR_IPS      32
/* RES1, UCI, UCT, DZE, nTWE; WXN, I, SA0, SA, C, M. PDs may maintain caches, not wait (nTWI 0). */
#define SCTLR_VALUE  (1 << 29 | 1 << 28 | 1 << 26 | 1 << 23 | 1 << 22 | 1 << 20 | 1 << 19 | 1 << 18 | \
                      1 << 15 | 1 << 14 | 1 << 12 | 1 << 11 | 1 << 8 | 1 << 7 | 1 << 4 | 1 << 3 | 1 << 2 | 1)
/* Offsets in struct image_info. */
#define INFO_TTBR1   8
#define INFO_TTBR0   16

    .macro mov64 reg, value
    movz \reg, #((\value) & 0xffff)
    movk \reg, #(((\value) >> 16) & 0xffff), lsl #16
    movk \reg, #(((\value) >> 32) & 0xffff), lsl #32
    movk \reg, #(((\value) >> 48) & 0xffff), lsl #48
    .endm

    .section .text.start, "ax"
    .global _start
_start:
    msr daifset, #15
    mrs x0, mpidr_el1
    tst x0, #0xff
    b.ne park /* one core for now */
    adr x1, not_el2
    mrs x0, currentel
    cmp x0, #(2 << 2)
    b.ne refuse
    adr x1, no_vhe
    mrs x0, id_aa64mmfr1_el1
    ubfx x0, x0, #8, #4
    cbz x0, refuse

    mov64 x0, (HCR_E2H | HCR_RW)
    msr hcr_el2, x0
    isb
    mov64 x0, MAIR_VALUE
    msr mair_el2, x0
    mov64 x0, TCR_VALUE
    mrs x1, id_aa64mmfr0_el1
    and x1, x1, #7
    bfi x0, x1, #TCR_IPS, #3
    msr tcr_el2, x0
    adrp x2, image_info
    add x2, x2, :lo12:image_info
    ldr x0, [x2, #INFO_TTBR0]
    msr ttbr0_el2, x0
    ldr x0, [x2, #INFO_TTBR1]
    msr s3_4_c2_c0_1, x0 /* TTBR1_EL2 */
    isb
    tlbi vmalle1 /* under E2H and TGE 0 the guest's; then our own */
    tlbi alle2
    ic iallu
    dsb sy
    isb
    mov64 x0, SCTLR_VALUE
    msr sctlr_el2, x0
    isb

    mov64 x1, KERNEL_VADDR_OFFSET
    adr x0, high
    add x0, x0, x1
    br x0
high:
    adrp x0, kernel_stack_top
    add x0, x0, :lo12:kernel_stack_top
    mov sp, x0
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    msr vbar_el2, x0
    isb
    bl kernel_main
    b resume_thread

/* x1: what to say, on a UART that is known to be there */
refuse:
    mov64 x2, BOARD_UART_PADDR
1:  ldrb w0, [x1], #1
    cbz w0, park
    str w0, [x2, #UART_DR]
    b 1b
park:
    wfi
    b park

not_el2:
    .asciz "Cloister: the kernel must be entered at EL2 (QEMU: -machine virt,virtualization=on)\r\n"
no_vhe:
    .asciz "Cloister: this core has no VHE (Armv8.1): use -cpu cortex-a76 or neoverse-n1, or real seL4\r\n"

    .bss
    .balign 16
    .space 8192
    .global kernel_stack_top
kernel_stack_top:
