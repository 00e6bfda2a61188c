/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers and instructions whose accesses by a guest are trapped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A register's name in the ISS of a trapped MSR, MRS or SYS (Arm ARM, D17.2.37, EC 0x18). */
#define SYSREG(op0, op1, crn, crm, op2)                                                            \
    ((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define SYSREG_READ 1u /* the direction: MRS */

static inline unsigned sysreg_rt(uint32_t iss)
{
    return iss >> 5 & 31;
}

/*
 * Whether EL1's access reads as zero and is ignored when written: debug and performance monitor
 * registers (not offered to guests, but Linux touches some without asking), ACTLR_EL1, and cache
 * maintenance by set and way. Everything else that is trapped does not exist: UNDEFINED.
 */
bool sysreg_is_raz_wi(uint32_t iss);
