/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers where the embedded SDK maps them: no system call, nothing to write back. */
#include "vmm/arch/aarch64/vcpu_control.h"

#include <microkit.h>
#include <stddef.h>

#ifdef MICROKIT_VCPU_FRAME

_Static_assert(sizeof(struct vcpu_regs) == sizeof(struct microkit_vcpu_frame), "one layout");
_Static_assert(offsetof(struct vcpu_regs, pc) == offsetof(struct microkit_vcpu_frame, pc) &&
                   offsetof(struct vcpu_regs, spsr) == offsetof(struct microkit_vcpu_frame, spsr),
               "one layout");

struct vcpu_regs *vcpu_regs_get(unsigned vcpu)
{
    return (struct vcpu_regs *)MICROKIT_VCPU_FRAME(vcpu);
}

void vcpu_regs_put(unsigned vcpu)
{
    (void)vcpu;
}

#else
/* This SDK does not map registers: the program `vmm` is then the same as `vmm_contract`. */
#include "vmm/arch/aarch64/vcpu_regs_contract.c"
#endif
