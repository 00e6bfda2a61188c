/* SPDX-License-Identifier: BSD-2-Clause */
/* Syndromes, emulated accesses, exceptions given to the guest, trapped registers (T33, S2, S4). */
#include "vmm/arch/aarch64/esr.h"
#include "vmm/arch/aarch64/guest_exception.h"
#include "vmm/arch/aarch64/guest_fault.h"
#include "vmm/arch/aarch64/sysreg.h"
#include "vmm/core/vmm_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CLASS(ec) ((uint64_t)(ec) << 26)
#define DABT      (CLASS(0x24) | ESR_IL | 0x07) /* translation fault, level 3 */
#define DABT_ISV  (DABT | ESR_ISV)
#define SAS(log2) ((log2) << 22)
#define SRT(reg)  ((reg) << 16)
#define IABT      (CLASS(0x20) | ESR_IL | 0x07)
#define VBAR      0xffff800010000800ul
#define PC        0xffff800011223344ul
#define EL0T      0x0u
#define EL1T      0x4u
#define EL1H      0x5u
#define A32_USER  0x10u
#define UNDEF_ESR 0x02000000u

/* ---- A vCPU ---- */
static struct vcpu_regs regs;
static uint64_t sysreg[VCPU_NUM_SYSREGS];
static unsigned num_gets, num_puts;

struct vcpu_regs *vcpu_regs_get(unsigned vcpu)
{
    assert_int_equal(vcpu, 1);
    num_gets++;
    return &regs;
}

void vcpu_regs_put(unsigned vcpu)
{
    assert_int_equal(vcpu, 1);
    num_puts++;
}

uint64_t vcpu_sysreg_read(unsigned vcpu, enum vcpu_sysreg reg)
{
    assert_int_equal(vcpu, 1);
    return sysreg[reg];
}

void vcpu_sysreg_write(unsigned vcpu, enum vcpu_sysreg reg, uint64_t value)
{
    assert_int_equal(vcpu, 1);
    sysreg[reg] = value;
}

/* ---- Two devices ---- */
static struct access {
    const void *device;
    uint64_t offset, value;
    unsigned bytes;
    bool write;
} seen;
static uint64_t device_value;
static unsigned num_accesses;

static uint64_t device_read(void *device, uint64_t offset, unsigned bytes)
{
    seen = (struct access){ device, offset, 0, bytes, false };
    num_accesses++;
    return device_value;
}

static void device_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    seen = (struct access){ device, offset, value, bytes, true };
    num_accesses++;
}

static char device_a, device_b;
static struct mmio_region regions[] = {
    { 0x08000000, 0x1000, &device_a, device_read, device_write, COUNT_GUEST_NET },
    { 0x0a000000, 0x1000, &device_b, device_read, device_write, COUNT_GUEST_BLOCK },
};
static struct mmio_bus bus;
static struct psci psci;
static unsigned resets;

static void system_reset(void *context)
{
    (void)context;
    resets++;
}

static const struct psci_ops psci_ops = { .system_reset = system_reset };
static const struct guest_ram no_ram;

static int setup(void **state)
{
    (void)state;
    memset(sysreg, 0, sizeof(sysreg));
    for (unsigned i = 0; i < 31; i++) {
        regs.x[i] = 0x1111111111111111ul * (i % 15 + 1);
    }
    regs.pc = PC;
    regs.spsr = 0x60000000 | EL1H;
    sysreg[VCPU_VBAR] = VBAR;
    sysreg[VCPU_SCTLR] = 1 << 23;
    num_gets = num_puts = num_accesses = resets = 0;
    bus = (struct mmio_bus){ regions, 2, 0 };
    psci_init(&psci, &psci_ops, NULL, &no_ram, 1);
    return 0;
}

static void loads(void **state)
{
    static const struct {
        uint64_t esr, value, expected;
        unsigned bytes;
    } rows[] = {
        { DABT_ISV | SAS(0), 0xffffffffffffff80, 0x80, 1 },
        { DABT_ISV | SAS(1), 0xffffffffffff8000, 0x8000, 2 },
        { DABT_ISV | SAS(2), 0xffffffff80000000, 0x80000000, 4 },
        { DABT_ISV | SAS(3) | ESR_SF, 0x8877665544332211, 0x8877665544332211, 8 },
        { DABT_ISV | SAS(0) | ESR_SSE, 0x80, 0xffffff80, 1 },       /* LDRSB w */
        { DABT_ISV | SAS(0) | ESR_SSE | ESR_SF, 0x80, -0x80ul, 1 }, /* LDRSB x */
        { DABT_ISV | SAS(0) | ESR_SSE | ESR_SF, 0x7f, 0x7f, 1 },
        { DABT_ISV | SAS(1) | ESR_SSE, 0x8000, 0xffff8000, 2 },                 /* LDRSH w */
        { DABT_ISV | SAS(1) | ESR_SSE | ESR_SF, 0x8000, -0x8000ul, 2 },         /* LDRSH x */
        { DABT_ISV | SAS(2) | ESR_SSE | ESR_SF, 0x80000000, -0x80000000ul, 4 }, /* LDRSW */
        { DABT_ISV | SAS(3), 0x8877665544332211, 0x44332211, 8 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned reg = 0; reg < 32; reg++) {
            setup(state);
            struct vcpu_regs expected = regs;
            device_value = rows[i].value;
            assert_int_equal(fault_memory(&bus, 1, 0x0a000ffc, rows[i].esr | SRT(reg)),
                             FAULT_RESUME);
            assert_ptr_equal(seen.device, &device_b);
            assert_int_equal(seen.offset, 0xffc);
            assert_int_equal(seen.bytes, rows[i].bytes);
            expected.pc += 4;
            if (reg != 31) {
                expected.x[reg] = rows[i].expected;
            }
            assert_memory_equal(&regs, &expected, sizeof(regs));
            assert_int_equal(num_puts, 1);
        }
    }
}

static void stores(void **state)
{
    static const uint64_t expected[] = { 0x33, 0x3333, 0x33333333, 0x3333333333333333 };
    for (unsigned log2 = 0; log2 < 4; log2++) {
        setup(state);
        struct vcpu_regs before = regs;
        uint64_t esr = DABT_ISV | SAS(log2) | ESR_WNR | ESR_SF;
        assert_int_equal(fault_memory(&bus, 1, 0x08000004, esr | SRT(2)), FAULT_RESUME);
        assert_true(seen.write && seen.device == &device_a);
        assert_int_equal(seen.value, expected[log2]);
        assert_int_equal(seen.bytes, 1 << log2);
        before.pc += 4;
        assert_memory_equal(&regs, &before, sizeof(regs));
        fault_memory(&bus, 1, 0x08000004, esr | SRT(31));
        assert_int_equal(seen.value, 0);
    }
}

static void expect_exception(uint64_t esr, uint64_t offset, uint64_t old_spsr)
{
    assert_int_equal(sysreg[VCPU_ESR], esr);
    assert_int_equal(sysreg[VCPU_ELR], PC);
    assert_int_equal(sysreg[VCPU_SPSR], old_spsr);
    assert_int_equal(regs.pc, VBAR + offset);
    assert_int_equal(regs.spsr & 0x3ff, 0x3c5);
    assert_int_equal(num_puts, 1);
}

/* T33: LDP, LDXR, SIMD, post-index: the syndrome says nothing, and nothing is guessed. */
static void no_syndrome(void **state)
{
    (void)state;
    fault_memory(&bus, 1, 0x08000000, DABT | ESR_WNR);
    expect_exception(0x96000450, 0x200, 0x60000000 | EL1H);
    assert_int_equal(num_accesses, 0);
}

/* S4: an address where nobody is; from each mode. */
static void nobody_there(void **state)
{
    static const struct {
        uint64_t ipa, esr, spsr, expected_esr, vector;
    } rows[] = {
        { 0x08001000, DABT_ISV, EL1H, 0x96000410, 0x200 },
        { 0x07ffffff, DABT_ISV, EL1T, 0x96000410, 0x000 },
        { 0x0a001000, DABT_ISV | ESR_WNR, EL0T, 0x92000450, 0x400 },
        { 0, DABT_ISV, A32_USER, 0x92000410, 0x600 },
        { UINT64_MAX, DABT_ISV | SAS(3), EL1H, 0x96000410, 0x200 },
        { 0, IABT, EL1H, 0x86000010, 0x200 },
        { 0x08000000, IABT, EL0T, 0x82000010, 0x400 }, /* no code in registers */
        { 0x08000000, IABT | ESR_ISV, EL0T, 0x82000010, 0x400 },
        { 0x40000000, DABT | 1 << 7, EL1H, 0x96000410, 0x200 }, /* a table walk */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(state);
        regs.spsr = rows[i].spsr;
        assert_int_equal(fault_memory(&bus, 1, rows[i].ipa, rows[i].esr), FAULT_RESUME);
        expect_exception(rows[i].expected_esr, rows[i].vector, rows[i].spsr);
        assert_int_equal(sysreg[VCPU_FAR], esr_is_inst_abort(rows[i].esr) ? PC : rows[i].ipa);
        assert_int_equal(num_accesses, 0);
    }
}

static void handler_state(void **state)
{
    static const struct {
        uint64_t spsr, sctlr, expected;
    } rows[] = {
        { 0xf0000000 | EL1H, 1 << 23, 0xf00003c5 }, /* flags stay */
        { EL0T, 0, 0x004003c5 },                    /* SPAN clear: PAN is set */
        { 0x00400000 | EL1H, 1 << 23, 0x004003c5 }, /* PAN stays */
        { 0x00a00c00 | EL1H, 1 << 23, 0x3c5 },      /* UAO, SS, BTYPE go */
        { EL1H, 1 << 23 | 1ul << 44, 0x13c5 },      /* DSSBS */
        { 0x0600fe3f | A32_USER, 1 << 23, 0x3c5 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(state);
        regs.spsr = rows[i].spsr;
        sysreg[VCPU_SCTLR] = rows[i].sctlr;
        fault_memory(&bus, 1, 0, DABT);
        assert_int_equal(regs.spsr, rows[i].expected);
    }
}

static void cache_maintenance(void **state)
{
    (void)state;
    assert_int_equal(fault_memory(&bus, 1, 0x123000, DABT | ESR_CM | ESR_WNR), FAULT_RESUME);
    assert_int_equal(regs.pc, PC + 4);
    assert_int_equal(sysreg[VCPU_ESR], 0);
}

static void thumb(void **state)
{
    (void)state;
    regs.spsr = A32_USER | 1 << 5;
    fault_memory(&bus, 1, 0x08000000, (DABT_ISV & ~(uint64_t)ESR_IL) | SAS(2));
    assert_int_equal(regs.pc, PC + 2);
    assert_int_equal(num_accesses, 1);
    regs.pc = PC;
    regs.spsr |= 1 << 10; /* in an IT block */
    fault_memory(&bus, 1, 0x08000000, DABT_ISV | SAS(2));
    assert_int_equal(num_accesses, 1);
    assert_int_equal(regs.pc, VBAR + 0x600);
}

static void vectors_outside_memory(void **state)
{
    (void)state;
    regs.pc = VBAR + 0x200;
    assert_int_equal(fault_memory(&bus, 1, 0x200, IABT), FAULT_FATAL);
    regs.pc = VBAR + 0x800;
    assert_int_equal(fault_memory(&bus, 1, 0x200, IABT), FAULT_RESUME);
    assert_int_equal(num_gets > 0, 1);
}

static void firmware_calls(void **state)
{
    (void)state;
    regs.x[0] = 0x84000000;
    assert_int_equal(fault_instruction(&psci, 1, CLASS(0x17) | ESR_IL), FAULT_RESUME);
    assert_int_equal(regs.x[0], 0x10001);
    assert_int_equal(regs.pc, PC + 4);
    regs.x[0] = 0xc2001234; /* S2: unknown */
    assert_int_equal(fault_instruction(&psci, 1, CLASS(0x17) | ESR_IL), FAULT_RESUME);
    assert_int_equal(regs.x[0], UINT64_MAX);
    num_puts = 0;
    regs.x[0] = 0x84000009;
    struct vcpu_regs before = regs;
    assert_int_equal(fault_instruction(&psci, 1, CLASS(0x17) | ESR_IL), FAULT_GONE);
    assert_memory_equal(&regs, &before, sizeof(regs));
    assert_int_equal(num_puts, 0);
    assert_int_equal(resets, 1);
}

static void hypervisor_calls(void **state)
{
    (void)state;
    regs.x[0] = 0x84000009;
    regs.pc = PC + 4; /* an HVC's return address is behind it */
    assert_int_equal(fault_instruction(&psci, 1, CLASS(0x16) | ESR_IL), FAULT_RESUME);
    expect_exception(UNDEF_ESR, 0x200, 0x60000000 | EL1H);
    assert_int_equal(resets, 0);
    setup(state);
    assert_int_equal(fault_hypercall(1), FAULT_RESUME);
    assert_int_equal(regs.x[0], UINT64_MAX);
    assert_int_equal(regs.pc, PC + 4);
}

static void wait_for_interrupt(void **state)
{
    (void)state;
    assert_int_equal(fault_instruction(&psci, 1, CLASS(0x01) | ESR_IL), FAULT_RESUME);
    assert_int_equal(regs.pc, PC + 4);
}

static void other_classes(void **state)
{
    for (unsigned class = 0; class < 64; class ++) {
        setup(state);
        if (class == 0x01 || class == 0x16 || class == 0x17 || class == 0x18) {
            continue;
        }
        regs.spsr = EL0T;
        assert_int_equal(fault_instruction(&psci, 1, CLASS(class) | 0x1ffffff), FAULT_RESUME);
        expect_exception(UNDEF_ESR, 0x400, EL0T);
    }
}

#define SYS(op0, op1, crn, crm, op2)                                                               \
    (CLASS(0x18) | ESR_IL | SYSREG(op0##u, op1##u, crn##u, crm##u, op2##u) | 3 << 5)

static void system_registers(void **state)
{
    static const struct {
        uint64_t esr;
        bool there;
    } rows[] = {
        { SYS(2, 0, 0, 2, 2), true },                                  /* MDSCR_EL1 */
        { SYS(2, 0, 1, 0, 4), true },                                  /* OSLAR_EL1 */
        { SYS(2, 0, 1, 1, 4), true },                                  /* OSLSR_EL1 */
        { SYS(2, 0, 1, 3, 4), true },                                  /* OSDLR_EL1 */
        { SYS(2, 0, 0, 0, 4), true },                                  /* DBGBVR0_EL1 */
        { SYS(2, 0, 0, 15, 7), true },                                 /* DBGWCR15_EL1 */
        { SYS(2, 3, 0, 1, 0), true },                                  /* MDCCSR_EL0 */
        { SYS(2, 1, 0, 0, 0), false },                                 /* trace */
        { SYS(2, 3, 1, 0, 0), false },   { SYS(3, 0, 1, 0, 1), true }, /* ACTLR_EL1 */
        { SYS(3, 0, 1, 0, 2), false },                                 /* CPACR_EL1 */
        { SYS(3, 3, 9, 12, 0), true },                                 /* PMCR_EL0 */
        { SYS(3, 3, 9, 13, 0), true },                                 /* PMCCNTR_EL0 */
        { SYS(3, 3, 9, 14, 0), true },                                 /* PMUSERENR_EL0 */
        { SYS(3, 0, 9, 14, 1), true },                                 /* PMINTENSET_EL1 */
        { SYS(3, 0, 9, 9, 0), false },   /* PMSCR_EL1: statistical profiling */
        { SYS(3, 3, 14, 8, 0), true },   /* PMEVCNTR0_EL0 */
        { SYS(3, 3, 14, 15, 7), true },  /* PMCCFILTR_EL0 */
        { SYS(3, 3, 14, 2, 1), false },  /* CNTP_CTL_EL0 */
        { SYS(1, 0, 7, 6, 2), true },    /* DC ISW */
        { SYS(1, 0, 7, 14, 2), true },   /* DC CISW */
        { SYS(1, 0, 7, 6, 1), false },   /* DC IVAC */
        { SYS(3, 4, 1, 1, 0), false },   /* HCR_EL2 */
        { SYS(3, 0, 12, 12, 5), false }, /* ICC_SRE_EL1: this guest has a GICv2 */
        { SYS(3, 7, 15, 15, 7), false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (uint64_t direction = 0; direction < 2; direction++) {
            setup(state);
            uint64_t before = regs.x[3];
            assert_int_equal(fault_instruction(&psci, 1, rows[i].esr | direction), FAULT_RESUME);
            assert_int_equal(regs.pc, rows[i].there ? PC + 4 : VBAR + 0x200);
            assert_int_equal(regs.x[3], rows[i].there && direction == 1 ? 0 : before);
            setup(state); /* a program at EL0 has none of them */
            regs.spsr = EL0T;
            assert_int_equal(fault_instruction(&psci, 1, rows[i].esr | direction), FAULT_RESUME);
            expect_exception(UNDEF_ESR, 0x400, EL0T);
        }
    }
    setup(state); /* MRS xzr */
    fault_instruction(&psci, 1, SYS(3, 0, 1, 0, 1) | 31 << 5 | SYSREG_READ);
    assert_int_equal(regs.pc, PC + 4);
}

static void syndromes_in_words(void **state)
{
    static const struct {
        uint64_t esr;
        const char *text;
    } rows[] = {
        { DABT | ESR_WNR, "data abort, translation fault at level 3, write" },
        { CLASS(0x25) | 0x0d, "data abort, permission fault at level 1, read" },
        { IABT, "instruction abort, translation fault at level 3" },
        { CLASS(0x21) | 0x10, "instruction abort, external abort" },
        { CLASS(0x24) | 0x21, "data abort, alignment fault, read" },
        { CLASS(0x24) | 0x3f, "data abort, fault status 0x3f, read" },
        { CLASS(0x17), "SMC" },
        { CLASS(0x3f), "exception class 0x3f" },
        { 0, "unknown or undefined instruction" },
    };
    char text[ESR_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        esr_text(text, rows[i].esr);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(loads, setup),
        cmocka_unit_test_setup(stores, setup),
        cmocka_unit_test_setup(no_syndrome, setup),
        cmocka_unit_test_setup(nobody_there, setup),
        cmocka_unit_test_setup(handler_state, setup),
        cmocka_unit_test_setup(cache_maintenance, setup),
        cmocka_unit_test_setup(thumb, setup),
        cmocka_unit_test_setup(vectors_outside_memory, setup),
        cmocka_unit_test_setup(firmware_calls, setup),
        cmocka_unit_test_setup(hypervisor_calls, setup),
        cmocka_unit_test_setup(wait_for_interrupt, setup),
        cmocka_unit_test_setup(other_classes, setup),
        cmocka_unit_test_setup(system_registers, setup),
        cmocka_unit_test(syndromes_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
