/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest kernel (an arm64 Image) that is nothing but its header: it branches to itself for ever
 * or, with UNDEFINED, executes an undefined instruction while VBAR_EL1 points where nothing is.
 */
#ifdef UNDEFINED
#define TEXT_OFFSET 0x80000 /* as Linux before 5.8 has it */
#else
#define TEXT_OFFSET 0
#endif

    .text
    .global _start
_start:
    b 1f
    .word 0
    .quad TEXT_OFFSET
    .quad image_end - _start
    .quad 2 /* flags: little endian, 4 KiB pages */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .word 0
1:
#ifdef UNDEFINED
    msr vbar_el1, xzr
    isb
    udf #0
#endif
    b .
    .balign 8
image_end:
