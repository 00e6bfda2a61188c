/* SPDX-License-Identifier: BSD-2-Clause */
/* A PD begins here, its stack pointer set by the kernel. */
    .section .text.start, "ax"
    .global _start
_start:
    mov x29, xzr
    mov x30, xzr
    b microkit_main
