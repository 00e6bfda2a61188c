/* SPDX-License-Identifier: BSD-2-Clause */
/* Section S, second half: the core itself. System registers, debug, EL0, 32-bit code. */
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* MRS and MSR (register), and SYS, with x0; op0 to op2 in one number, as in the instruction. */
#define MRS(encoding)                 (0xd5200000u | (encoding) << 5)
#define MSR(encoding)                 (0xd5000000u | (encoding) << 5)
#define ENCODING(op0, op1, n, m, op2) ((op0) << 14 | (op1) << 11 | (n) << 7 | (m) << 3 | (op2))
#define NUM_ENCODINGS                 0x10000u
#define OP0(encoding)                 ((encoding) >> 14)
#define CRN(encoding)                 ((encoding) >> 7 & 15)

#define SPSR_EL0                      0x3c0u
#define SPSR_SS                       (1u << 21)
#define SPSR_A32                      0x1d0u
#define SPSR_T32                      0x1f0u
#define EC_ILLEGAL                    0x0eu
#define EC_SYSREG                     0x18u
#define EC_LOWER_ABORT                0x24u
#define CONSOLE_BASE                  0x0b000000u
#define MAGIC                         0x74726976u

/* What this program stands on. */
static bool is_ours(uint32_t encoding)
{
    static const uint32_t ours[] = {
        ENCODING(3u, 0u, 1u, 0u, 0u),  /* SCTLR_EL1 */
        ENCODING(3u, 0u, 4u, 1u, 0u),  /* SP_EL0 */
        ENCODING(3u, 0u, 4u, 2u, 0u),  /* SPSel */
        ENCODING(3u, 0u, 12u, 0u, 0u), /* VBAR_EL1 */
        ENCODING(3u, 0u, 12u, 0u, 2u), /* RMR_EL1 */
        ENCODING(3u, 3u, 4u, 2u, 1u),  /* DAIF */
    };
    for (size_t i = 0; i < COUNT(ours); i++) {
        if (ours[i] == encoding) {
            return true;
        }
    }
    return false;
}

/* Debug, performance counters and what each maker has: nobody here needs what is in them. */
static bool may_spoil(uint32_t encoding)
{
    return OP0(encoding) == 2 || CRN(encoding) == 9 || CRN(encoding) == 11 || CRN(encoding) == 15;
}

/* Every encoding is a value or an undefined instruction; what is written does no harm. */
static void registers(struct virtio *v)
{
    (void)v;
    for (uint32_t encoding = ENCODING(2u, 0u, 0u, 0u, 0u); encoding < NUM_ENCODINGS; encoding++) {
        watch_exceptions();
        uint64_t value = run_instruction(MRS(encoding), 0);
        if (exceptions_seen() > 0) {
            expect(esr_class(last_esr()) == EC_UNDEFINED,
                   "a read that is no undefined instruction");
            value = 0;
        }
        if (!is_ours(encoding)) {
            watch_exceptions();
            run_instruction(MSR(encoding), may_spoil(encoding) ? UINT64_MAX : value);
            if (exceptions_seen() > 0) {
                expect(esr_class(last_esr()) == EC_UNDEFINED, "a write likewise");
            }
        }
    }
}

/* Caches, translations and what each maker has (SYS), at an address of ours. */
static void instructions(struct virtio *v)
{
    uint64_t at = (uint64_t)mem_take(4096, 4096, MEM_DEVICE);
    (void)v;
    for (uint32_t encoding = ENCODING(1u, 0u, 0u, 0u, 0u); encoding < ENCODING(2u, 0u, 0u, 0u, 0u);
         encoding++) {
        watch_exceptions();
        run_instruction(MSR(encoding), at);
        if (exceptions_seen() > 0) {
            expect(esr_class(last_esr()) == EC_UNDEFINED, "an instruction is no undefined one");
        }
    }
}

/* ---- Debug -----------------------------------------------------------------------------------*/

static const uint32_t svc_code[] = { 0xd503201f, 0xd4000001 }; /* nop; svc #0 */

/* Breakpoints on everything and single step, while instructions trap: none is ever taken. */
static void debug(struct virtio *v)
{
    static const uint32_t all_on[] = {
        ENCODING(2u, 0u, 1u, 0u, 4u), /* OSLAR_EL1 */
        ENCODING(2u, 0u, 0u, 2u, 2u), /* MDSCR_EL1 */
        ENCODING(2u, 0u, 0u, 0u, 4u), /* DBGBVR0_EL1 */
        ENCODING(2u, 0u, 0u, 0u, 5u), /* DBGBCR0_EL1 */
        ENCODING(2u, 0u, 0u, 0u, 6u), /* DBGWVR0_EL1 */
        ENCODING(2u, 0u, 0u, 0u, 7u), /* DBGWCR0_EL1 */
    };
    (void)v;
    watch_exceptions();
    for (size_t i = 0; i < COUNT(all_on); i++) {
        run_instruction(MSR(all_on[i]), i == 0 ? 0 : i == 2 ? (uint64_t)svc_code : UINT32_MAX);
    }
    __asm__ volatile("msr daifclr, #8"); /* debug exceptions may come */
    load32(CONSOLE_BASE);
    smc(0x84000000, 0, 0, 0);
    __asm__ volatile("msr daifset, #8");
    uint64_t esr = run_el0((uint64_t)svc_code, (SPSR_EL0 & ~0x200u) | SPSR_SS, 0);
    expect(exceptions_seen() == 0, "a debug exception at EL1");
    expect(esr_class(esr) == EC_SVC64, "a debug exception at EL0");
}

/* ---- EL0 -------------------------------------------------------------------------------------*/

/* Code that ends with an exception of its own, and the class that this has. */
struct snippet {
    uint32_t code[4];
    uint32_t spsr;
    unsigned class;
};

static const struct snippet snippets[] = {
    { { 0xb9400001, 0xd4000001 }, SPSR_EL0, EC_SVC64 },       /* ldr w1, [x0]; svc */
    { { 0xd4000003, 0xd4000001 }, SPSR_EL0, EC_UNDEFINED },   /* smc */
    { { 0xd4000002, 0xd4000001 }, SPSR_EL0, EC_UNDEFINED },   /* hvc */
    { { 0xd53b9d01, 0xd4000001 }, SPSR_EL0, EC_SYSREG },      /* mrs x1, pmccntr_el0: EL1's own */
    { { 0xd5330101, 0xd4000001 }, SPSR_EL0, EC_UNDEFINED },   /* mrs x1, mdccsr_el0 */
    { { 0xa9400801, 0xd4000001 }, SPSR_EL0, EC_LOWER_ABORT }, /* ldp x1, x2, [x0] */
    { { 0xe5901000, 0xef000000 }, SPSR_A32, EC_SVC32 },       /* ldr r1, [r0]; svc */
    { { 0xe1d010b0, 0xe5c01000, 0xef000000 }, SPSR_A32, EC_SVC32 }, /* ldrh; strb */
    { { 0xe8900006, 0xef000000 }, SPSR_A32, EC_LOWER_ABORT },       /* ldm r0, {r1, r2} */
    { { 0xe4901004, 0xef000000 }, SPSR_A32, EC_LOWER_ABORT },       /* ldr r1, [r0], #4 */
    { { 0xe1600070, 0xef000000 }, SPSR_A32, EC_UNDEFINED },         /* smc */
    { { 0xe1400070, 0xef000000 }, SPSR_A32, EC_UNDEFINED },         /* hvc */
    { { 0x6801df00, 0 }, SPSR_T32, EC_SVC32 },                      /* as halves: svc first */
    { { 0xdf006801, 0 }, SPSR_T32, EC_SVC32 },                      /* ldr r1, [r0]; svc */
    { { 0xbf084280, 0xdf006801 }, SPSR_T32, EC_LOWER_ABORT },       /* cmp; it eq; ldreq; svc */
};

static bool has_a32(void)
{
    uint64_t features;
    __asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(features));
    return (features & 0xf) == 2;
}

static void el0(struct virtio *v)
{
    static uint32_t code[4] __attribute__((aligned(64)));
    (void)v;
    for (size_t i = 0; i < COUNT(snippets); i++) {
        if (snippets[i].spsr != SPSR_EL0 && !has_a32()) {
            continue;
        }
        for (unsigned j = 0; j < 4; j++) {
            code[j] = snippets[i].code[j];
        }
        run_instruction(0xd503201f, 0); /* makes the new code seen */
        __asm__ volatile("ic iallu\n\tdsb sy\n\tisb");
        uint64_t esr = run_el0((uint64_t)code, snippets[i].spsr, CONSOLE_BASE);
        expect(esr_class(esr) == snippets[i].class, "code at EL0 ends in another exception");
    }
}

/* A return to EL1 in 32 bits, where there is none: an exception of this level. */
static void illegal_return(struct virtio *v)
{
    (void)v;
    watch_exceptions();
    __asm__ volatile(
        "msr spsr_el1, %0\n\tadr x9, 1f\n\tmsr elr_el1, x9\n\tisb\n\teret\n1:\tnop" ::"r"(0x1d3ul)
        : "x9", "memory");
    expect(exceptions_seen() == 1 && esr_class(last_esr()) == EC_ILLEGAL, "it is legal");
}

static const struct row rows[] = {
    { "mrs", "every system register read and written", NONE, registers },
    { "sys", "every system instruction", NONE, instructions },
    { "debug", "breakpoints and single step while trapping", NONE, debug },
    { "el0", "traps from EL0, of 64 and 32 bits", NONE, el0 },
    { "eret", "a return to 32 bits at EL1", NONE, illegal_return },
};

const struct section section_s_cpu = SECTION('S', rows);
