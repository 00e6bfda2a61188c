/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers, barriers and their bits, for EL2 with HCR_EL2.E2H set (VHE). With E2H the EL2
 * registers SCTLR, TCR, CPTR and CNTHCTL have the layout of their EL1 namesakes, and a guest's own
 * registers are reached under the _EL12 and _EL02 names (Arm ARM D8.1).
 */
#pragma once

#include <stdint.h>

#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)
#define read_sysreg(name)                                                                          \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("mrs %0, " STRINGIFY(name) : "=r"(value_));                               \
        value_;                                                                                    \
    })
#define write_sysreg(name, value)                                                                  \
    __asm__ volatile("msr " STRINGIFY(name) ", %0" ::"r"((uint64_t)(value)) : "memory")

/* _EL12 and _EL02 names, which assemblers know only from Armv8.1 on and under no common option. */
#define SCTLR_EL12      s3_5_c1_c0_0
#define CPACR_EL12      s3_5_c1_c0_2
#define TTBR0_EL12      s3_5_c2_c0_0
#define TTBR1_EL12      s3_5_c2_c0_1
#define TCR_EL12        s3_5_c2_c0_2
#define SPSR_EL12       s3_5_c4_c0_0
#define ELR_EL12        s3_5_c4_c0_1
#define AFSR0_EL12      s3_5_c5_c1_0
#define AFSR1_EL12      s3_5_c5_c1_1
#define ESR_EL12        s3_5_c5_c2_0
#define FAR_EL12        s3_5_c6_c0_0
#define MAIR_EL12       s3_5_c10_c2_0
#define AMAIR_EL12      s3_5_c10_c3_0
#define VBAR_EL12       s3_5_c12_c0_0
#define CONTEXTIDR_EL12 s3_5_c13_c0_1
#define CNTKCTL_EL12    s3_5_c14_c1_0
#define CNTP_CTL_EL02   s3_5_c14_c2_1
#define CNTP_CVAL_EL02  s3_5_c14_c2_2
#define CNTV_CTL_EL02   s3_5_c14_c3_1
#define CNTV_CVAL_EL02  s3_5_c14_c3_2
#define VDISR_EL2       s3_4_c12_c1_1

/* ID_AA64PFR0_EL1 */
#define PFR0_EL0(pfr0) ((pfr0)&0xf)         /* 2: EL0 may be AArch32 */
#define PFR0_RAS(pfr0) ((pfr0) >> 28 & 0xf) /* not 0: VDISR_EL2 is there */

/* HCR_EL2 */
#define HCR_VM    (1ul << 0)
#define HCR_SWIO  (1ul << 1)
#define HCR_FMO   (1ul << 3)
#define HCR_IMO   (1ul << 4)
#define HCR_AMO   (1ul << 5)
#define HCR_TWI   (1ul << 13)
#define HCR_TID3  (1ul << 18)
#define HCR_TSC   (1ul << 19)
#define HCR_TIDCP (1ul << 20)
#define HCR_TACR  (1ul << 21)
#define HCR_TGE   (1ul << 27)
#define HCR_RW    (1ul << 31)
#define HCR_E2H   (1ul << 34)
#define HCR_TLOR  (1ul << 35)
#define HCR_TERR  (1ul << 36)

/* CPTR_EL2 (as CPACR): FPEN 0b01 traps EL0 under TGE, not a guest; 0b11 traps nobody. */
#define CPTR_TTA           (1ul << 28) /* trace registers trap */
#define CPTR_FPEN_PD_TRAPS (CPTR_TTA | 1ul << 20)
#define CPTR_FPEN_NO_TRAPS (CPTR_TTA | 3ul << 20)

/* CNTHCTL_EL2 (E2H layout) */
#define CNTHCTL_EL0PCTEN (1ul << 0)
#define CNTHCTL_EL0VCTEN (1ul << 1)
#define CNTHCTL_EL0PTEN  (1ul << 9)
#define CNTHCTL_EL1PCTEN (1ul << 10)

/* MDCR_EL2: a guest's debug and performance registers trap; a PD must never see their effects. */
#define MDCR_TPMCR (1ul << 5)
#define MDCR_TPM   (1ul << 6)
#define MDCR_TDA   (1ul << 9)
#define MDCR_TDOSA (1ul << 10)
#define MDCR_TDRA  (1ul << 11)
#define MDCR_TPMS  (1ul << 14)
#define MDCR_TTRF  (1ul << 19)

/* CNTx_CTL */
#define TIMER_ENABLE  (1ul << 0)
#define TIMER_IMASK   (1ul << 1)
#define TIMER_ISTATUS (1ul << 2)

/* ESR_EL2 */
#define ESR_EC(esr)    ((unsigned)((esr) >> 26) & 0x3f)
#define ESR_ISS(esr)   ((esr)&0x1fffffful)
#define ESR_IL         (1ul << 25)
#define ISS_FSC(esr)   ((unsigned)(esr)&0x3f)
#define ISS_S1PTW      (1ul << 7)
#define ISS_WNR        (1ul << 6)
#define ISS_WFX_IS_WFE (1ul << 0)
enum {
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_SVC64 = 0x15,
    EC_SYSREG = 0x18,
    EC_IABT_LOWER = 0x20,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOWER = 0x24,
    EC_SP_ALIGN = 0x26,
    EC_SERROR = 0x2f,
    EC_BRK = 0x3c,
};

/* SPSR_EL2 */
#define SPSR_MODE_MASK 0x1ful
#define SPSR_EL0T      0x00ul
#define SPSR_EL1T      0x04ul
#define SPSR_EL1H      0x05ul
#define SPSR_A32_USER  0x10ul
#define SPSR_DAIF      0x3c0ul
#define SPSR_IL        (1ul << 20)
#define SPSR_SS        (1ul << 21)
#define SPSR_NZCV      0xf0000000ul

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void dsb_sy(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

static inline void wfi(void)
{
    __asm__ volatile("wfi" ::: "memory");
}
