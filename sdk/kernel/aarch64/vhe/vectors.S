/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry from EL0 and EL1, and the way back. While a thread runs, SP_EL2 points to its struct frame;
 * in the kernel it is the core's stack.
 */

    .macro enter handler
    .balign 128
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    adr x1, \handler
    b save
    .endm

    .macro kernel_exception
    .balign 128
    b in_kernel
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global vectors
vectors:
    .rept 8 /* from EL2 itself */
    kernel_exception
    .endr
    .rept 2 /* from AArch64, then from AArch32 */
    enter trap_sync
    enter trap_irq
    enter trap_irq
    enter trap_serror
    .endr

save:
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x2, sp_el0
    mrs x3, elr_el2
    mrs x4, spsr_el2
    mrs x5, tpidr_el0
    mrs x6, tpidrro_el0
    stp x30, x2, [sp, #240]
    stp x3, x4, [sp, #256]
    stp x5, x6, [sp, #272]
    adrp x0, kernel_stack_top
    add x0, x0, :lo12:kernel_stack_top
    mov sp, x0
    blr x1

/* struct resume in x0 (frame) and x1 (spsr) */
    .global resume_thread
resume_thread:
    mov sp, x0
    msr spsr_el2, x1
    ldp x30, x2, [sp, #240]
    ldr x3, [sp, #256]
    ldp x5, x6, [sp, #272]
    msr sp_el0, x2
    msr elr_el2, x3
    msr tpidr_el0, x5
    msr tpidrro_el0, x6
    ldp x0, x1, [sp, #0]
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
    eret

in_kernel:
    adrp x0, kernel_stack_top
    add x0, x0, :lo12:kernel_stack_top
    mov sp, x0
    mrs x0, esr_el2
    mrs x1, elr_el2
    mrs x2, far_el2
    b fault_kernel

/* void fp_save(struct fp_state *), void fp_load(const struct fp_state *) */
    .arch_extension fp
    .arch_extension simd
    .text
    .macro all_q insn
    \insn q0, q1, [x0, #0]
    \insn q2, q3, [x0, #32]
    \insn q4, q5, [x0, #64]
    \insn q6, q7, [x0, #96]
    \insn q8, q9, [x0, #128]
    \insn q10, q11, [x0, #160]
    \insn q12, q13, [x0, #192]
    \insn q14, q15, [x0, #224]
    \insn q16, q17, [x0, #256]
    \insn q18, q19, [x0, #288]
    \insn q20, q21, [x0, #320]
    \insn q22, q23, [x0, #352]
    \insn q24, q25, [x0, #384]
    \insn q26, q27, [x0, #416]
    \insn q28, q29, [x0, #448]
    \insn q30, q31, [x0, #480]
    .endm

    .global fp_save
fp_save:
    all_q stp
    mrs x1, fpcr
    mrs x2, fpsr
    str x1, [x0, #512]
    str x2, [x0, #520]
    ret

    .global fp_load
fp_load:
    all_q ldp
    ldr x1, [x0, #512]
    ldr x2, [x0, #520]
    msr fpcr, x1
    msr fpsr, x2
    ret
