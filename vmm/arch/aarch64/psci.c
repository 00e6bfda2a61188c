/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/psci.h"

#include <stddef.h>

/* Return values: DEN0022D, 5.2.2. */
#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_INVALID_ADDRESS    (-9)

#define PSCI_VERSION_1_1        0x10001
#define SMCCC_VERSION_1_1       0x10001
#define AFFINITY_ON             0
#define AFFINITY_OFF            1
#define MIGRATE_NOT_NEEDED      2

#define SMC64                   0x40000000u
/* CPU_SUSPEND's power_state in the original format (5.4.2): bits that must be zero; powerdown. */
#define POWER_STATE_RESERVED  0xfcfe0000u
#define POWER_STATE_POWERDOWN 0x00010000u

/* Arguments are already cut to the calling convention's width. */
typedef int64_t psci_function(struct psci *psci, unsigned vcpu, const uint64_t arg[3]);

static bool is_entry_point(const struct psci *psci, gpa_t entry)
{
    return entry % 4 == 0 && guest_ram_at(psci->ram, entry, 4) != NULL;
}

/* A vCPU's MPIDR is its number in Aff0 and zeros in the other affinity fields. */
static bool is_vcpu(const struct psci *psci, uint64_t mpidr)
{
    return mpidr < psci->num_vcpus;
}

static int64_t version(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)psci, (void)vcpu, (void)arg;
    return PSCI_VERSION_1_1;
}

/*
 * Every state counts as standby with a wake-up that is already there, which 5.4 allows: a guest
 * that wants to sleep executes WFI, and the kernel blocks it there.
 */
static int64_t cpu_suspend(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)vcpu;
    if ((arg[0] & POWER_STATE_RESERVED) != 0) {
        return PSCI_INVALID_PARAMETERS;
    }
    if ((arg[0] & POWER_STATE_POWERDOWN) != 0 && !is_entry_point(psci, arg[1])) {
        return PSCI_INVALID_ADDRESS;
    }
    return PSCI_SUCCESS;
}

static int64_t cpu_off(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)arg;
    psci->on[vcpu] = false;
    psci->ops->cpu_off(psci->context, vcpu);
    return PSCI_NO_RETURN;
}

static int64_t cpu_on(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)vcpu;
    if (!is_vcpu(psci, arg[0])) {
        return PSCI_INVALID_PARAMETERS;
    }
    if (!is_entry_point(psci, arg[1])) {
        return PSCI_INVALID_ADDRESS;
    }
    if (psci->on[arg[0]]) {
        return PSCI_ALREADY_ON;
    }
    /* It is on when we return, so ON_PENDING never shows. */
    psci->on[arg[0]] = true;
    psci->ops->cpu_on(psci->context, (unsigned)arg[0], arg[1], arg[2]);
    return PSCI_SUCCESS;
}

/* Only affinity level 0, as PSCI 1.0 and later allow (5.7.2). */
static int64_t affinity_info(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)vcpu;
    if (!is_vcpu(psci, arg[0]) || (uint32_t)arg[1] != 0) {
        return PSCI_INVALID_PARAMETERS;
    }
    return psci->on[arg[0]] ? AFFINITY_ON : AFFINITY_OFF;
}

static int64_t migrate_info_type(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)psci, (void)vcpu, (void)arg;
    return MIGRATE_NOT_NEEDED;
}

static int64_t system_off(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)vcpu, (void)arg;
    psci->ops->system_off(psci->context);
    return PSCI_NO_RETURN;
}

static int64_t system_reset(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)vcpu, (void)arg;
    psci->ops->system_reset(psci->context);
    return PSCI_NO_RETURN;
}

static int64_t smccc_version(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    (void)psci, (void)vcpu, (void)arg;
    return SMCCC_VERSION_1_1;
}

static psci_function psci_features, smccc_arch_features;

/* An id with SMC64 set has a 32-bit twin with the same number. */
static const struct psci_entry {
    uint32_t id;
    bool has_smc64;
    psci_function *call;
} functions[] = {
    { 0x80000000, false, smccc_version },       /* SMCCC_VERSION */
    { 0x80000001, false, smccc_arch_features }, /* SMCCC_ARCH_FEATURES */
    { 0x84000000, false, version },             /* PSCI_VERSION */
    { 0x84000001, true, cpu_suspend },          /* CPU_SUSPEND */
    { 0x84000002, false, cpu_off },             /* CPU_OFF */
    { 0x84000003, true, cpu_on },               /* CPU_ON */
    { 0x84000004, true, affinity_info },        /* AFFINITY_INFO */
    { 0x84000006, false, migrate_info_type },   /* MIGRATE_INFO_TYPE */
    { 0x84000008, false, system_off },          /* SYSTEM_OFF */
    { 0x84000009, false, system_reset },        /* SYSTEM_RESET */
    { 0x8400000a, false, psci_features },       /* PSCI_FEATURES */
};

static const struct psci_entry *find_function(uint32_t id)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        const struct psci_entry *entry = &functions[i];
        if (id == entry->id || (entry->has_smc64 && id == (entry->id | SMC64))) {
            return entry;
        }
    }
    return NULL;
}

/* 5.16: no flags are set for any function; of SMCCC's it knows SMCCC_VERSION only. */
static int64_t psci_features(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    const struct psci_entry *entry = find_function((uint32_t)arg[0]);
    (void)psci, (void)vcpu;
    return entry != NULL && entry->call != smccc_arch_features ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

/* DEN0028, 7.3: of the architecture's calls, which there are; no workaround is needed here. */
static int64_t smccc_arch_features(struct psci *psci, unsigned vcpu, const uint64_t arg[3])
{
    const struct psci_entry *entry = find_function((uint32_t)arg[0]);
    (void)psci, (void)vcpu;
    bool known = entry != NULL && (entry->id & 0x04000000) == 0;
    return known ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

void psci_init(struct psci *psci, const struct psci_ops *ops, void *context,
               const struct guest_ram *ram, unsigned num_vcpus)
{
    *psci = (struct psci){ ops, context, ram, num_vcpus, { true } };
}

int64_t psci_call(struct psci *psci, unsigned vcpu, const uint64_t x[4])
{
    /* The function id is in w0; a 32-bit call's arguments are in w1 to w3 (DEN0028, 3.1). */
    uint32_t id = (uint32_t)x[0];
    uint64_t mask = (id & SMC64) != 0 ? UINT64_MAX : UINT32_MAX;
    const uint64_t arg[3] = { x[1] & mask, x[2] & mask, x[3] & mask };
    const struct psci_entry *entry = find_function(id);
    return entry != NULL ? entry->call(psci, vcpu, arg) : PSCI_NOT_SUPPORTED;
}
