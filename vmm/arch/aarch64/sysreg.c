/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/sysreg.h"

#include <stddef.h>

#define ANY_OP2  SYSREG(3u, 7u, 15u, 15u, 0u)
#define ANY_CRM  SYSREG(3u, 7u, 15u, 0u, 0u)
#define CRM_8_UP SYSREG(3u, 7u, 15u, 8u, 0u)
#define ANY_CRN  SYSREG(3u, 7u, 0u, 0u, 0u)
#define EXACT    SYSREG(3u, 7u, 15u, 15u, 7u)

static const struct {
    uint32_t mask, name;
} raz_wi[] = {
    { ANY_CRN, SYSREG(2u, 0u, 0u, 0u, 0u) },   /* MDSCR, DBGB*R, DBGW*R, OSLAR, OSLSR, OSDLR... */
    { ANY_CRM, SYSREG(2u, 3u, 0u, 0u, 0u) },   /* MDCCSR_EL0, DBGDTR_EL0 */
    { ANY_OP2, SYSREG(3u, 0u, 9u, 14u, 0u) },  /* PMINTENSET_EL1, PMINTENCLR_EL1, PMMIR_EL1 */
    { ANY_OP2, SYSREG(3u, 3u, 9u, 12u, 0u) },  /* PMCR_EL0, PMCNTEN*, PMOVSCLR, PMSELR, PMCEID */
    { ANY_OP2, SYSREG(3u, 3u, 9u, 13u, 0u) },  /* PMCCNTR_EL0, PMXEVTYPER, PMXEVCNTR */
    { ANY_OP2, SYSREG(3u, 3u, 9u, 14u, 0u) },  /* PMUSERENR_EL0, PMOVSSET_EL0 */
    { CRM_8_UP, SYSREG(3u, 3u, 14u, 8u, 0u) }, /* PMEVCNTR<n>_EL0, PMEVTYPER<n>_EL0, PMCCFILTR */
    { EXACT, SYSREG(3u, 0u, 1u, 0u, 1u) },     /* ACTLR_EL1 */
    { EXACT, SYSREG(1u, 0u, 7u, 6u, 2u) },     /* DC ISW */
    { EXACT, SYSREG(1u, 0u, 7u, 10u, 2u) },    /* DC CSW */
    { EXACT, SYSREG(1u, 0u, 7u, 14u, 2u) },    /* DC CISW */
};

bool sysreg_is_raz_wi(uint32_t iss)
{
    for (size_t i = 0; i < sizeof(raz_wi) / sizeof(raz_wi[0]); i++) {
        if ((iss & raz_wi[i].mask) == raz_wi[i].name) {
            return true;
        }
    }
    return false;
}
