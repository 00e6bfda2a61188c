/* SPDX-License-Identifier: BSD-2-Clause */
/* See fp_pattern.h; programs are compiled without FP, so this is the only file that uses it. */
#include "tests/system/sdk/fp_macros.inc"

    .text
    .global fp_fill
fp_fill:
    fp_fill_from x0, x1
    ret

    .global fp_wrong
fp_wrong:
    mov x3, x0
    mov x0, #0
    fp_count_wrong x3, x0, x1, x2
    ret

    .global fp_set_control
fp_set_control:
    msr fpcr, x0
    ret

    .global fp_control
fp_control:
    mrs x0, fpcr
    ret
