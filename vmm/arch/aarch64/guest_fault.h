/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's faults: emulated registers, firmware calls, trapped instructions. What can't be
 * served becomes an exception in the guest, as on a machine without that device or register.
 */
#pragma once

#include "vmm/arch/aarch64/psci.h"
#include "vmm/core/mmio_bus.h"

#include <stdint.h>

enum fault_outcome {
    FAULT_RESUME, /* the vCPU goes on */
    FAULT_GONE,   /* it was stopped or started anew: do not resume it */
    FAULT_FATAL,  /* the guest can't go on: its exception vectors lie outside its memory */
};

struct mmio_bus {
    struct mmio_region *regions; /* no two overlap */
    unsigned num_regions;
    unsigned last; /* where the last access went: the next one often goes there too */
};

/* A stage 2 abort (VMFault): `esr` is the whole ESR_EL2. Any address and syndrome may be passed. */
enum fault_outcome fault_memory(struct mmio_bus *bus, unsigned vcpu, gpa_t ipa, uint64_t esr);

/* A trapped instruction (VCPUFault): `esr` is the whole ESR_EL2. */
enum fault_outcome fault_instruction(struct psci *psci, unsigned vcpu, uint64_t esr);

/*
 * An HVC on real seL4, which takes it for a system call of its own (UnknownSyscall): the guest
 * gets "not supported", since seL4 shows neither the instruction nor that it was none of PSCI's.
 */
enum fault_outcome fault_hypercall(unsigned vcpu);
