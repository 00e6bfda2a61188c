/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/guest_fault.h"

#include "vmm/arch/aarch64/esr.h"
#include "vmm/arch/aarch64/guest_exception.h"
#include "vmm/arch/aarch64/sysreg.h"
#include "vmm/core/vmm_count.h"

#include <stddef.h>

#define ZERO_REGISTER   31
#define SPSR_AARCH32    (1u << 4)
#define SPSR_ITSTATE    0x0600fc00u
#define NOT_SUPPORTED   UINT64_MAX
#define HVC_INSTR_BYTES 4

static struct mmio_region *find_region(struct mmio_bus *bus, gpa_t ipa)
{
    for (unsigned i = 0; i < bus->num_regions; i++) {
        unsigned at = bus->last + i;
        at -= at >= bus->num_regions ? bus->num_regions : 0;
        struct mmio_region *region = &bus->regions[at];
        if (ipa - region->gpa < region->size_bytes) {
            bus->last = at;
            return region;
        }
    }
    return NULL;
}

static void advance(struct vcpu_regs *regs, uint64_t esr)
{
    regs->pc += (esr & ESR_IL) != 0 ? 4 : 2;
}

/* Stepping over an instruction of a Thumb IT block would have to move on its condition as well. */
static bool in_it_block(const struct vcpu_regs *regs)
{
    return (regs->spsr & SPSR_AARCH32) != 0 && (regs->spsr & SPSR_ITSTATE) != 0;
}

static void emulate(struct mmio_region *region, struct vcpu_regs *regs, uint64_t offset,
                    const struct esr_access *access)
{
    if (access->write) {
        uint64_t value = access->reg == ZERO_REGISTER ? 0 : regs->x[access->reg];
        region->write(region->device, offset, access->bytes, esr_truncate(value, access->bytes));
        return;
    }
    uint64_t value = region->read(region->device, offset, access->bytes);
    if (access->reg != ZERO_REGISTER) {
        regs->x[access->reg] = esr_loaded(access, value);
    }
}

static enum fault_outcome external_abort(unsigned vcpu, gpa_t ipa, uint64_t esr)
{
    if (esr_is_inst_abort(esr) && exception_pc_in_vectors(vcpu)) {
        vcpu_regs_put(vcpu);
        return FAULT_FATAL;
    }
    exception_external_abort(vcpu, esr, ipa);
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}

enum fault_outcome fault_memory(struct mmio_bus *bus, unsigned vcpu, gpa_t ipa, uint64_t esr)
{
    struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    struct esr_access access = esr_access(esr);
    struct mmio_region *region = access.valid ? find_region(bus, ipa) : NULL;
    vmm_count(region != NULL ? region->count : COUNT_GUEST_OTHER, 1);
    if (region != NULL && !in_it_block(regs)) {
        emulate(region, regs, ipa - region->gpa, &access);
    } else if (!esr_is_data_abort(esr) || (esr & ESR_CM) == 0) {
        return external_abort(vcpu, ipa, esr);
    }
    /* Emulated; or cache maintenance of an address without memory: nothing to do. */
    advance(regs, esr);
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}

static enum fault_outcome undefined(unsigned vcpu)
{
    exception_undefined(vcpu);
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}

/* The kernel blocks a vCPU in WFI itself; where it does not, a WFI that returns at once is legal */
static enum fault_outcome wait(struct psci *psci, unsigned vcpu, uint64_t esr)
{
    (void)psci;
    advance(vcpu_regs_get(vcpu), esr);
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}

static enum fault_outcome secure_call(struct psci *psci, unsigned vcpu, uint64_t esr)
{
    struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    int64_t result = psci_call(psci, vcpu, regs->x);
    if (result == PSCI_NO_RETURN) {
        return FAULT_GONE;
    }
    regs->x[0] = (uint64_t)result;
    advance(regs, esr); /* a trapped SMC's return address is the SMC itself */
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}

/* An HVC's return address lies behind it, an undefined instruction's at it. */
static enum fault_outcome hypercall(struct psci *psci, unsigned vcpu, uint64_t esr)
{
    (void)psci, (void)esr;
    vcpu_regs_get(vcpu)->pc -= HVC_INSTR_BYTES;
    return undefined(vcpu);
}

static enum fault_outcome system_register(struct psci *psci, unsigned vcpu, uint64_t esr)
{
    struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    unsigned rt = sysreg_rt((uint32_t)esr);
    (void)psci;
    /* None of those that we have is open to EL0. */
    if (exception_from_el0(regs) || !sysreg_is_raz_wi((uint32_t)esr)) {
        return undefined(vcpu);
    }
    if ((esr & SYSREG_READ) != 0 && rt != ZERO_REGISTER) {
        regs->x[rt] = 0;
    }
    advance(regs, esr);
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}

enum fault_outcome fault_instruction(struct psci *psci, unsigned vcpu, uint64_t esr)
{
    static const struct {
        enum fault_outcome (*handle)(struct psci *psci, unsigned vcpu, uint64_t esr);
        unsigned count;
    } classes[64] = {
        [ESR_WFX] = { wait, COUNT_GUEST_INSTRUCTION },
        [ESR_HVC64] = { hypercall, COUNT_GUEST_INSTRUCTION },
        [ESR_SMC64] = { secure_call, COUNT_GUEST_SMC },
        [ESR_SYSREG] = { system_register, COUNT_GUEST_SYSREG },
    };
    unsigned class = esr_class(esr);
    if (classes[class].handle == NULL) {
        vmm_count(COUNT_GUEST_INSTRUCTION, 1);
        return undefined(vcpu);
    }
    vmm_count(classes[class].count, 1);
    return classes[class].handle(psci, vcpu, esr);
}

enum fault_outcome fault_hypercall(unsigned vcpu)
{
    struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    regs->x[0] = NOT_SUPPORTED;
    regs->pc += HVC_INSTR_BYTES; /* seL4 restarts the instruction otherwise */
    vcpu_regs_put(vcpu);
    return FAULT_RESUME;
}
