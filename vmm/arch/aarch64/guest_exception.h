/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions that we give to a guest's EL1, as if the core had taken them (Arm ARM, D1.3 and
 * AArch64.TakeException()). The caller writes the registers back: vcpu_regs_put().
 */
#pragma once

#include "vmm/arch/aarch64/vcpu_control.h"
#include "vmm/core/guest_ram.h"

#include <stdbool.h>
#include <stdint.h>

/* SPSR_EL2 of AArch32 EL0 (User) and AArch64 EL0t both have zeros here. */
static inline bool exception_from_el0(const struct vcpu_regs *regs)
{
    return (regs->spsr & 0xf) == 0;
}

/* An undefined instruction at the pc: what the guest executed does not exist for it. */
void exception_undefined(unsigned vcpu);

/*
 * A synchronous external abort for the access with this ESR_EL2, a data or instruction abort, to
 * this guest physical address: the guest has used one where nobody is.
 */
void exception_external_abort(unsigned vcpu, uint64_t esr, gpa_t gpa);

/*
 * Whether the pc lies in the guest's own exception vectors. An instruction abort there can only
 * lead back to itself.
 */
bool exception_pc_in_vectors(unsigned vcpu);
