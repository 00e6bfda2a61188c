/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/vcpu_control.h"

#include <microkit.h>
#include <stddef.h>

#define SPSR_EL1H_MASKED 0x3c5u      /* M = EL1h, DAIF set */
#define SCTLR_RESET      0x30d00800u /* RES1 bits; MMU and caches off, little endian */
#define MPIDR_RES1       0x80000000u

static const uint8_t sysreg_number[VCPU_NUM_SYSREGS] = {
    [VCPU_SCTLR] = seL4_VCPUReg_SCTLR,       [VCPU_CPACR] = seL4_VCPUReg_CPACR,
    [VCPU_TCR] = seL4_VCPUReg_TCR,           [VCPU_ESR] = seL4_VCPUReg_ESR,
    [VCPU_FAR] = seL4_VCPUReg_FAR,           [VCPU_VBAR] = seL4_VCPUReg_VBAR,
    [VCPU_VMPIDR] = seL4_VCPUReg_VMPIDR_EL2, [VCPU_SP_EL1] = seL4_VCPUReg_SP_EL1,
    [VCPU_ELR] = seL4_VCPUReg_ELR_EL1,       [VCPU_SPSR] = seL4_VCPUReg_SPSR_EL1,
    [VCPU_CNTV_CTL] = seL4_VCPUReg_CNTV_CTL, [VCPU_CNTKCTL] = seL4_VCPUReg_CNTKCTL_EL1,
};

uint64_t vcpu_sysreg_read(unsigned vcpu, enum vcpu_sysreg reg)
{
    return microkit_vcpu_arm_read_reg(vcpu, sysreg_number[reg]);
}

void vcpu_sysreg_write(unsigned vcpu, enum vcpu_sysreg reg, uint64_t value)
{
    microkit_vcpu_arm_write_reg(vcpu, sysreg_number[reg], value);
}

void vcpu_start(unsigned vcpu, uint64_t pc, uint64_t x0)
{
    /* What a rebooted guest would notice of its former life; the rest is UNKNOWN at reset. */
    static const struct {
        enum vcpu_sysreg reg;
        uint32_t value;
    } reset[] = {
        { VCPU_SCTLR, SCTLR_RESET }, { VCPU_VBAR, 0 },     { VCPU_CPACR, 0 },
        { VCPU_CNTKCTL, 0 },         { VCPU_CNTV_CTL, 0 },
    };
    struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    *regs = (struct vcpu_regs){ .x[0] = x0, .pc = pc, .spsr = SPSR_EL1H_MASKED };
    vcpu_regs_put(vcpu);
    for (size_t i = 0; i < sizeof(reset) / sizeof(reset[0]); i++) {
        vcpu_sysreg_write(vcpu, reset[i].reg, reset[i].value);
    }
    vcpu_sysreg_write(vcpu, VCPU_VMPIDR, MPIDR_RES1 | vcpu);
    microkit_vcpu_restart(vcpu, pc);
}

void vcpu_stop(unsigned vcpu)
{
    microkit_vcpu_stop(vcpu);
}

void vcpu_resume(unsigned vcpu)
{
    /* Not microkit_vcpu_restart(), which begins anew: a resume without new register values. It
     * can't fail: the vCPU is a child of this PD. */
    seL4_UserContext unused = { 0 };
    (void)seL4_TCB_WriteRegisters(BASE_VM_TCB_CAP + vcpu, true, 0, 0, &unused);
}

void vcpu_inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group, unsigned index)
{
    microkit_vcpu_arm_inject_irq(vcpu, (seL4_Uint16)intid, (seL4_Uint8)priority, (seL4_Uint8)group,
                                 (seL4_Uint8)index);
}

void vcpu_ack_ppi(unsigned vcpu, unsigned intid)
{
    microkit_vcpu_arm_ack_vppi(vcpu, intid);
}
