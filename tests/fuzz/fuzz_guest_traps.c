/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a vCPU's registers and syndromes: stage 2 aborts, trapped instructions, firmware
 * calls. Devices see offsets and widths that they have; a guest goes on at the next instruction or
 * in its vectors, with no register changed but the one that the syndrome names.
 */
#include "tests/fuzz/input.h"
#include "vmm/arch/aarch64/esr.h"
#include "vmm/arch/aarch64/guest_fault.h"
#include "vmm/arch/aarch64/vcpu_control.h"

#include <stdlib.h>
#include <string.h>

#define VCPUS      4u
#define MAX_STEPS  100
#define DEVICE_GPA 0x0a000000ull
#define RAM_GPA    0x40000000ull

static struct vcpu_regs regs[VCPUS];
static uint64_t sysregs[VCPUS][VCPU_NUM_SYSREGS];
static struct psci psci;
static unsigned caller, gone;
static uint8_t memory[4096];
static const struct guest_ram ram = { memory, RAM_GPA, sizeof(memory) };

static void expect(bool good)
{
    if (!good) {
        abort();
    }
}

struct vcpu_regs *vcpu_regs_get(unsigned vcpu)
{
    expect(vcpu == caller);
    return &regs[vcpu];
}

void vcpu_regs_put(unsigned vcpu)
{
    expect(vcpu == caller);
}

uint64_t vcpu_sysreg_read(unsigned vcpu, enum vcpu_sysreg reg)
{
    return sysregs[vcpu][reg];
}

void vcpu_sysreg_write(unsigned vcpu, enum vcpu_sysreg reg, uint64_t value)
{
    sysregs[vcpu][reg] = value;
}

static void expect_access(uint64_t offset, unsigned bytes)
{
    expect(offset < 0x1000 && bytes >= 1 && bytes <= 8 && (bytes & (bytes - 1)) == 0);
}

static uint64_t device_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)device;
    expect_access(offset, bytes);
    return UINT64_MAX;
}

static void device_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)device;
    expect_access(offset, bytes);
    expect(bytes == 8 || value >> 8 * bytes == 0);
}

/* A vCPU is started only when it is off, in RAM. */
static void cpu_on(void *context, unsigned vcpu, gpa_t entry, uint64_t x0)
{
    (void)context, (void)x0;
    expect(vcpu < VCPUS && vcpu != caller);
    expect(entry % 4 == 0 && entry - RAM_GPA < sizeof(memory));
}

static void cpu_off(void *context, unsigned vcpu)
{
    (void)context;
    expect(vcpu == caller && !psci.on[vcpu]);
    gone++;
}

static void system_gone(void *context)
{
    (void)context;
    gone++;
}

static const struct psci_ops ops = { cpu_on, cpu_off, system_gone, system_gone };

/* Where the guest goes on; an exception's entry is masked EL1h, and tells where it came from. */
static void check(const struct vcpu_regs *before, uint64_t esr, bool may_change)
{
    const struct vcpu_regs *after = &regs[caller];
    uint64_t vectors = sysregs[caller][VCPU_VBAR];
    unsigned changed = 0;
    for (unsigned i = 0; i < 31; i++) {
        changed += before->x[i] != after->x[i];
    }
    expect(changed <= may_change);
    if (after->spsr == before->spsr && after->pc - before->pc == (esr & ESR_IL ? 4 : 2)) {
        return;
    }
    expect(after->pc - vectors < 0x800 && (after->pc - vectors) % 0x200 == 0);
    expect((after->spsr & 0x3df) == 0x3c5 && changed == 0);
    expect(sysregs[caller][VCPU_SPSR] == before->spsr);
}

static void fault(struct input *in, uint8_t what)
{
    static struct mmio_region regions[] = {
        { DEVICE_GPA, 0x1000, NULL, device_read, device_write, 0 },
        { 0x08000000, 0x1000, NULL, device_read, device_write, 0 },
    };
    static struct mmio_bus bus = { regions, 2, 0 };
    static const uint8_t classes[] = { 0x01, 0x16, 0x17, 0x18, 0x20, 0x24, 0x24, 0x24 };
    struct vcpu_regs before = regs[caller];
    char text[ESR_TEXT_BYTES];
    uint64_t class = what & 0x80 ? take(in, 1) % 64 : classes[what / 8 % 8];
    uint64_t esr = class << ESR_CLASS_SHIFT | (take(in, 4) & 0x3ffffff);
    bool memory_fault = (class & 0x38) == 0x20;
    gpa_t ipa = what & 0x40 ? take(in, 6) : DEVICE_GPA + take(in, 2) % 0x1008;
    enum fault_outcome outcome =
        memory_fault ? fault_memory(&bus, caller, ipa, esr) : fault_instruction(&psci, caller, esr);
    esr_text(text, esr);
    expect(strlen(text) < sizeof(text) && text[0] != '\0');
    expect((outcome == FAULT_GONE) == (gone > 0));
    if (outcome == FAULT_RESUME && class != ESR_HVC64) {
        check(&before, esr, true);
    }
}

static void firmware_call(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    uint64_t *x = regs[caller].x;
    x[0] = (how & 0x10 ? 0x80000000 : 0x84000000) | (how & 0x20 ? 0x40000000 : 0) | how % 16;
    x[1] = how & 0x40 ? take(in, 8) : take(in, 1) % 5;
    x[2] = how & 0x80 ? take(in, 8) : RAM_GPA + take(in, 2);
    bool was_on = x[1] < VCPUS && psci.on[x[1]];
    struct vcpu_regs before = regs[caller];
    enum fault_outcome outcome =
        fault_instruction(&psci, caller, (uint64_t)ESR_SMC64 << ESR_CLASS_SHIFT | ESR_IL);
    expect((outcome == FAULT_GONE) == (gone > 0));
    if (outcome == FAULT_RESUME) {
        int64_t result = (int64_t)x[0];
        expect((result >= -9 && result <= 2) || result == 0x10001);
        expect(!was_on || (uint32_t)before.x[0] != 0xc4000003 || result != 0);
        before.x[0] = x[0];
        check(&before, ESR_IL, false);
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 8) {
    case 0:
        regs[caller].spsr = take(in, 4);
        break;
    case 1:
        sysregs[caller][take(in, 1) % VCPU_NUM_SYSREGS] = take(in, 8) & ~0x7ffull;
        break;
    case 2:
        regs[caller].pc = take(in, 1) % 2 ? take(in, 8) : sysregs[caller][VCPU_VBAR];
        break;
    case 3:
    case 4:
        firmware_call(in);
        break;
    case 5:
        (void)fault_hypercall(caller);
        expect(regs[caller].x[0] == UINT64_MAX);
        break;
    default:
        fault(in, what);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    memset(regs, 0, sizeof(regs));
    memset(sysregs, 0, sizeof(sysregs));
    psci_init(&psci, &ops, NULL, &ram, VCPUS);
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0 && gone == 0; i++) {
        caller = (unsigned)take(&in, 1) % VCPUS;
        psci.on[caller] = true;
        regs[caller].pc = regs[caller].pc != 0 ? regs[caller].pc : 0xffff800011223344;
        sysregs[caller][VCPU_VBAR] &= ~0x7ffull;
        step(&in);
    }
    gone = 0;
    return 0;
}
