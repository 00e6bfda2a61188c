/* SPDX-License-Identifier: BSD-2-Clause */
/* Section S: firmware calls, holes in the address space, the interrupt controller, timers, waits.
 */
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* PSCI 1.1 (DEN0022D, 5.2.2) */
#define NOT_SUPPORTED      (-1)
#define INVALID_PARAMETERS (-2)
#define ALREADY_ON         (-4)
#define INVALID_ADDRESS    (-9)
#define CPU_ON             0xc4000003u
#define CPU_ON_32          0x84000003u
#define AFFINITY_INFO      0xc4000004u

#define GICD_END           0x1000u
#define GICC_END           0x2000u
#define GICD_SGIR          (GICD_BASE + 0xf00)
#define TIMER              27u
#define NONE_LEFT          1023u
#define STORM              3000u

/* ---- Firmware calls --------------------------------------------------------------------------*/

static void s1(struct virtio *v)
{
    const uint64_t no_vcpu[] = { 2, 4, 0x100, 0x10000, 1ul << 32, UINT64_MAX };
    const uint64_t no_entry[] = { 0, 0x40000002, 0x40000001, mem_end(), GICD_BASE, UINT64_MAX - 3 };
    (void)v;
    for (size_t i = 0; i < COUNT(no_vcpu); i++) {
        expect(smc(CPU_ON, no_vcpu[i], 0x40000000, 0) == INVALID_PARAMETERS, "a vCPU that is none");
        expect(smc(AFFINITY_INFO, no_vcpu[i], 0, 0) == INVALID_PARAMETERS, "its affinity");
    }
    for (size_t i = 0; i < COUNT(no_entry); i++) {
        expect(smc(CPU_ON, 1, no_entry[i], 0) == INVALID_ADDRESS, "an entry that is none");
    }
    expect(smc(CPU_ON, 0, 0x40000000, 0) == ALREADY_ON, "a vCPU that is on");
    expect(smc(CPU_ON_32, 0, 0x40000000, 0) == ALREADY_ON, "a vCPU that is on, by SMC32");
    expect(smc(AFFINITY_INFO, 0, 1, 0) == INVALID_PARAMETERS, "an affinity level above 0");
}

/* Those that PSCI 1.1 and SMCCC 1.1 have, without the bit of SMC64. */
static bool is_known_call(uint32_t id)
{
    uint32_t number = id & 0xffff;
    uint32_t owner = id >> 24 & 0x3f;
    return (id & 0x80000000u) != 0 && (id & 0xff0000u) == 0 &&
           ((owner == 0 && number <= 1) || (owner == 4 && number <= 0xa));
}

static void s2(struct virtio *v)
{
    (void)v;
    for (uint32_t top = 0; top < 0x100; top++) {
        for (uint32_t number = 0; number < 0x40; number++) {
            uint32_t id = top << 24 | (number < 0x20 ? number : 0xffe0 + number);
            expect(is_known_call(id) || smc(id, 0, 0, 0) == NOT_SUPPORTED, "an unknown call");
        }
    }
    expect(smc(0x1184000000ul, 0, 0, 0) == 0x10001, "the upper half of x0 counts");
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t number = 1u << i;
        uint64_t result = run_instruction(0xd4000003u | number << 5, 0x8400ffff); /* smc */
        expect((int64_t)result == NOT_SUPPORTED, "an SMC with a number");
        watch_exceptions();
        result = run_instruction(0xd4000002u | number << 5, 0x84000000); /* hvc */
        bool undefined = exceptions_seen() == 1 && esr_class(last_esr()) == EC_UNDEFINED;
        expect(undefined || (int64_t)result == NOT_SUPPORTED, "an HVC does something");
    }
}

/* ---- Holes -----------------------------------------------------------------------------------*/

static void s4(struct virtio *v)
{
    const uint64_t holes[] = {
        0,          0x07fffff8, 0x08001000,     0x0800fff8,     0x08012000,     0x09001000,
        0x09010000, 0x0a000000, 0x0a003e00,     0x0b008000,     0x10000000,     0x3ffffff8,
        mem_end(),  0x70000000, 0x4010000000ul, 0x8000000000ul, 0xfffffffff8ul,
    };
    (void)v;
    for (size_t i = 0; i < COUNT(holes); i++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            watch_exceptions();
            load(holes[i], bytes);
            expect(exceptions_seen() == 1 && esr_class(last_esr()) == EC_DATA_ABORT, "a load");
            watch_exceptions();
            store(holes[i], bytes, UINT64_MAX);
            expect(exceptions_seen() == 1 && esr_class(last_esr()) == EC_DATA_ABORT, "a store");
        }
    }
    const uint64_t not_code[] = { 0, GICD_BASE, PL011_BASE, 0x0b000000, 0x10000000, mem_end() };
    for (size_t i = 0; i < COUNT(not_code); i++) {
        watch_exceptions();
        void (*volatile function)(void) = (void (*)(void))not_code[i];
        function();
        expect(exceptions_seen() == 1 && last_was_external_abort(), "a fetch");
    }
}

/* ---- Interrupts ------------------------------------------------------------------------------*/

static uint64_t random_word(void)
{
    static uint64_t state = 0x2545f4914f6cdd1d;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void touch_all(uint64_t base, uint64_t end)
{
    for (uint64_t offset = 0; offset < end; offset++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            watch_exceptions(); /* unaligned, or wider than the machine's own interface takes */
            load(base + offset, bytes);
            store(base + offset, bytes, random_word());
            exceptions_seen();
        }
    }
}

static void s3(struct virtio *v)
{
    (void)v;
    gic_begin();
    for (uint32_t target = 0; target < 0x100; target++) {
        store32(GICD_SGIR, target << 16 | 1); /* vCPU 1 is off, 2 to 7 are none */
        store32(GICD_SGIR, random_word() & 0x03ff000f);
    }
    touch_all(GICD_BASE, GICD_END);
    gic_end();
    gic_begin();
    expect(gic_take() == NONE_LEFT, "an interrupt is left after all was cleared");
    store32(GICD_BASE + 0x100, 1);
    store32(GICD_SGIR, 2u << 24); /* SGI 0 to this vCPU */
    expect(gic_take() == 0 && gic_take() == NONE_LEFT, "an SGI does not come once");
    gic_end();
}

static void cpu_interface(struct virtio *v)
{
    (void)v;
    for (uint64_t offset = 0; offset < GICC_END; offset += 4) {
        watch_exceptions();
        load32(GICC_BASE + offset);
        store32(GICC_BASE + offset, (uint32_t)random_word());
        exceptions_seen();
    }
    gic_end();
}

static void set_timer(uint64_t control, uint64_t compare)
{
    __asm__ volatile("msr cntv_cval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb" ::"r"(compare),
                     "r"(control));
}

static uint64_t counter(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count));
    return count;
}

/* Waits for a bounded time: what comes late on a busy machine is no failure. */
static bool takes(uint32_t intid)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t taken = gic_take();
        if (taken != NONE_LEFT) {
            return taken == intid;
        }
        pause_us(100);
    }
    return false;
}

static void s5(struct virtio *v)
{
    (void)v;
    gic_begin();
    set_timer(1, 0); /* due before the distributor lets it through */
    pause_us(1000);
    expect(gic_take() == NONE_LEFT, "a disabled interrupt is delivered");
    gic_enable(TIMER);
    for (unsigned i = 0; i < STORM; i++) {
        expect(takes(TIMER), "a timer that stays due does not fire again");
    }
    set_timer(0, 0);
    gic_end();
}

/* An SGI to oneself, again and again; with everything pending at once first. */
static void sgis(struct virtio *v)
{
    (void)v;
    gic_begin();
    store32(GICD_BASE + 0x100, 0xffff);
    for (uint32_t i = 0; i < 16; i++) {
        store32(GICD_SGIR, 2u << 24 | i);
    }
    unsigned seen = 0;
    for (unsigned i = 0; i < 16; i++) {
        uint32_t taken = gic_take();
        seen |= taken < 16 ? 1u << taken : 0;
    }
    expect(seen == 0xffff && gic_take() == NONE_LEFT, "of 16 SGIs some are lost");
    for (unsigned i = 0; i < STORM; i++) {
        store32(GICD_SGIR, 2u << 24 | (i & 15));
        expect(gic_take() == (i & 15), "an SGI of a storm is lost");
    }
    gic_end();
}

static void waits(struct virtio *v)
{
    (void)v;
    gic_begin();
    gic_enable(TIMER);
    for (unsigned i = 0; i < 100; i++) {
        set_timer(1, counter() + (i % 2 == 0 ? 0 : 10000));
        wait_for_interrupt();
        expect(takes(TIMER), "a WFI ends without its timer");
        set_timer(0, 0);
        gic_take(); /* it may have fired once more */
        gic_take();
    }
    for (unsigned i = 0; i < STORM; i++) {
        __asm__ volatile("wfe\n\tyield\n\tsev\n\twfe");
    }
    gic_end();
}

static const struct row rows[] = {
    { "S1", "PSCI: vCPUs and entries that are none", NONE, s1 },
    { "S2", "SMC and HVC of unknown functions", NONE, s2 },
    { "S3", "all of the distributor by all widths; SGIs to nobody", NONE, s3 },
    { "gicc", "all of the CPU interface", NONE, cpu_interface },
    { "S4", "loads, stores and fetches where nothing is", NONE, s4 },
    { "S5", "a storm of the timer", NONE, s5 },
    { "sgi", "a storm of SGIs", NONE, sgis },
    { "wait", "WFI, WFE and YIELD", NONE, waits },
};

const struct section section_s = SECTION('S', rows);
