/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware interface that a guest reaches by SMC: PSCI 1.1 (DEN0022D, chapter 5) and the
 * queries of SMCCC 1.1 (DEN0028, chapter 7). A function that is unknown returns -1.
 */
#pragma once

#include "vmm/core/guest_ram.h"

#include <stdbool.h>
#include <stdint.h>

#define PSCI_MAX_VCPUS 4

/* What a call makes happen. None of these may fail. */
struct psci_ops {
    void (*cpu_on)(void *context, unsigned vcpu, gpa_t entry, uint64_t x0);
    void (*cpu_off)(void *context, unsigned vcpu);
    void (*system_off)(void *context);
    void (*system_reset)(void *context);
};

struct psci {
    const struct psci_ops *ops;
    void *context;
    const struct guest_ram *ram; /* entry points must lie in it */
    unsigned num_vcpus;
    bool on[PSCI_MAX_VCPUS];
};

/* As at power-on: vCPU 0 runs, the others are off. `ram` must stay valid. */
void psci_init(struct psci *psci, const struct psci_ops *ops, void *context,
               const struct guest_ram *ram, unsigned num_vcpus);

/* The call does not come back to its caller: leave its registers alone and don't resume it. */
#define PSCI_NO_RETURN INT64_MIN

/*
 * Handles an SMC of a running vCPU: x[0] is the function, x[1] to x[3] are its arguments. Returns
 * what goes to x0, or PSCI_NO_RETURN.
 */
int64_t psci_call(struct psci *psci, unsigned vcpu, const uint64_t x[4]);
