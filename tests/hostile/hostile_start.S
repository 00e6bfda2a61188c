/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry (an arm64 Image), exception vectors, EL0 and back. The MMU stays off. */

#define FRAME_BYTES 288 /* struct frame of machine.h */
#define STACK_BYTES 0x4000
#define EL1H_MASKED 0x3c5

    .section .text.start, "ax"
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
1:  adrp x1, bss_start
    add x1, x1, :lo12:bss_start
    adrp x2, image_end
    add x2, x2, :lo12:image_end
2:  stp xzr, xzr, [x1], #16
    cmp x1, x2
    b.lo 2b
    mov x19, x0
    mov x20, #0
    bl enter
    mov x0, x19
    bl main
    b .

/* The second vCPU, by PSCI's CPU_ON. */
    .global second_start
second_start:
    mov x20, #1
    bl enter
    bl second_main
    b .

enter: /* x20: which vCPU */
    mov x1, #(3 << 20) /* CPACR_EL1.FPEN: nothing traps */
    msr cpacr_el1, x1
    adrp x1, vectors
    add x1, x1, :lo12:vectors
    msr vbar_el1, x1
    adrp x1, stacks
    add x1, x1, :lo12:stacks
    mov x2, #STACK_BYTES
    madd x1, x20, x2, x1
    add x1, x1, x2
    mov sp, x1
    isb
    ret

/* uint64_t run_el0(entry, spsr, x0): until it takes an exception, whose ESR_EL1 it returns. */
    .global run_el0
run_el0:
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    msr elr_el1, x0
    msr spsr_el1, x1
    mov x0, x2
    isb
    eret
    .global el0_ended
el0_ended: /* x0: ESR_EL1 */
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret

.macro vector number
    .balign 0x80
    sub sp, sp, #FRAME_BYTES
    stp x0, x1, [sp]
    mov x1, #\number
    b take_exception
.endm

    .text
    .balign 0x800
vectors:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector \number
    .endr

take_exception:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x2, elr_el1
    stp x30, x2, [sp, #240]
    mrs x2, spsr_el1
    mrs x3, esr_el1
    stp x2, x3, [sp, #256]
    mov x0, sp
    bl exception
    ldp x2, x3, [sp, #256]
    msr spsr_el1, x2
    ldp x30, x2, [sp, #240]
    msr elr_el1, x2
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
    ldp x0, x1, [sp]
    add sp, sp, #FRAME_BYTES
    eret

    .bss
    .balign 16
stacks:
    .space 2 * STACK_BYTES
