/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/aarch64/vhe/idregs.h"

#include "sdk/kernel/aarch64/vhe/el2_registers.h"

/* ISS of a trapped MSR or MRS (Arm ARM D17.2.37). */
#define ISS_READ(iss) (((iss)&1) != 0)
#define ISS_RT(iss)   ((unsigned)((iss) >> 5) & 0x1f)
#define ISS_CRM(iss)  ((unsigned)((iss) >> 1) & 0xf)
#define ISS_OP2(iss)  ((unsigned)((iss) >> 17) & 7)
/* op0, op1 and CRn as they stand in the ISS. */
#define ISS_GROUP(iss) ((iss) & (3ul << 20 | 7ul << 14 | 0xful << 10))
#define GROUP_ID       (3ul << 20)

#define FIELD(shift)   (0xful << (shift))

/* X(CRm, op2, name, fields that guests see as 0). What is not in the table reads as 0. */
#define ID_REGISTERS(X)                                                                            \
    /* AArch32 identification: Debian runs 32-bit programs. */                                     \
    X(1, 0, s3_0_c0_c1_0, 0)                                                                       \
    X(1, 1, s3_0_c0_c1_1, 0)                                                                       \
    X(1, 4, s3_0_c0_c1_4, 0)                                                                       \
    X(1, 5, s3_0_c0_c1_5, 0)                                                                       \
    X(1, 6, s3_0_c0_c1_6, 0)                                                                       \
    X(1, 7, s3_0_c0_c1_7, 0)                                                                       \
    X(2, 0, s3_0_c0_c2_0, 0)                                                                       \
    X(2, 1, s3_0_c0_c2_1, 0)                                                                       \
    X(2, 2, s3_0_c0_c2_2, 0)                                                                       \
    X(2, 3, s3_0_c0_c2_3, 0)                                                                       \
    X(2, 4, s3_0_c0_c2_4, 0)                                                                       \
    X(2, 5, s3_0_c0_c2_5, 0)                                                                       \
    X(2, 6, s3_0_c0_c2_6, 0)                                                                       \
    X(2, 7, s3_0_c0_c2_7, 0)                                                                       \
    X(3, 0, s3_0_c0_c3_0, 0)                                                                       \
    X(3, 1, s3_0_c0_c3_1, 0)                                                                       \
    X(3, 2, s3_0_c0_c3_2, 0)                                                                       \
    X(3, 4, s3_0_c0_c3_4, 0)                                                                       \
    /* ID_AA64PFR0: EL3, EL2, GIC system registers, RAS, SVE, MPAM, AMU */                         \
    X(4, 0, id_aa64pfr0_el1,                                                                       \
      FIELD(12) | FIELD(8) | FIELD(24) | FIELD(28) | FIELD(32) | FIELD(40) | FIELD(44))            \
    /* ID_AA64PFR1: MTE, RAS_frac, MPAM_frac, SME */                                               \
    X(4, 1, id_aa64pfr1_el1, FIELD(8) | FIELD(12) | FIELD(16) | FIELD(24))                         \
    /* ID_AA64DFR0: TraceVer, PMUVer, PMSVer, TraceFilt */                                         \
    X(5, 0, id_aa64dfr0_el1, FIELD(4) | FIELD(8) | FIELD(32) | FIELD(40))                          \
    X(6, 0, id_aa64isar0_el1, 0)                                                                   \
    /* ID_AA64ISAR1: pointer authentication (APA, API, GPA, GPI) */                                \
    X(6, 1, id_aa64isar1_el1, FIELD(4) | FIELD(8) | FIELD(24) | FIELD(28))                         \
    X(7, 0, id_aa64mmfr0_el1, 0)                                                                   \
    /* ID_AA64MMFR1: VHE, LORegions */                                                             \
    X(7, 1, id_aa64mmfr1_el1, FIELD(8) | FIELD(16))                                                \
    /* ID_AA64MMFR2: nested virtualisation */                                                      \
    X(7, 2, id_aa64mmfr2_el1, FIELD(24))

static uint64_t id_value(unsigned crm, unsigned op2)
{
    switch (crm << 3 | op2) {
#define X(crm_, op2_, name, hidden)                                                                \
    case (crm_) << 3 | (op2_):                                                                     \
        return read_sysreg(name) & ~(uint64_t)(hidden);
        ID_REGISTERS(X)
#undef X
    default:
        return 0;
    }
}

bool idregs_emulate(struct frame *frame, uint64_t iss)
{
    if (ISS_GROUP(iss) != GROUP_ID || ISS_CRM(iss) == 0 || ISS_CRM(iss) > 7 || !ISS_READ(iss)) {
        return false;
    }
    if (ISS_RT(iss) != 31) {
        frame->x[ISS_RT(iss)] = id_value(ISS_CRM(iss), ISS_OP2(iss));
    }
    frame->pc += 4;
    return true;
}
