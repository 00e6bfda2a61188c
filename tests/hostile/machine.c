/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/hostile/machine.h"

#include "tests/hostile/hostile.h"

#include <stddef.h>

#define SYNC_EL1H      4u
#define SYNC_EL0       8u
#define SYNC_EL0_32    12u
#define EL1H_MASKED    0x3c5u
#define SPSR_IL        (1ul << 20)
#define CPU_ON         0xc4000003u
#define RET            0xd65f03c0u
#define LAST_INTID     1019u
#define SPURIOUS       1023u

#define GICD_CTLR      (GICD_BASE + 0x000)
#define GICD_ISENABLER (GICD_BASE + 0x100)
#define GICD_ICENABLER (GICD_BASE + 0x180)
#define GICD_ICPENDR   (GICD_BASE + 0x280)
#define GICD_ICACTIVER (GICD_BASE + 0x380)
#define GICD_IPRIORITY (GICD_BASE + 0x400)
#define GICD_ITARGETS  (GICD_BASE + 0x800)
#define GICD_IGROUPR   (GICD_BASE + 0x080)
#define GICD_ICFGR     (GICD_BASE + 0xc00)
#define GICD_CPENDSGIR (GICD_BASE + 0xf10)
#define GICC_CTLR      (GICC_BASE + 0x00)
#define GICC_PMR       (GICC_BASE + 0x04)
#define GICC_BPR       (GICC_BASE + 0x08)
#define GICC_APR       (GICC_BASE + 0xd0)
#define GICC_IAR       (GICC_BASE + 0x0c)
#define GICC_EOIR      (GICC_BASE + 0x10)

static volatile bool watching;
static volatile unsigned seen;
static volatile uint64_t esr_seen;

extern char el0_ended[], second_start[];
void exception(struct frame *frame, unsigned vector);
void second_main(void);

/* ---- Accesses --------------------------------------------------------------------------------*/

uint64_t load(uint64_t address, unsigned bytes)
{
    uint64_t value = 0;
    switch (bytes) {
    case 1:
        __asm__ volatile("ldrb %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    case 2:
        __asm__ volatile("ldrh %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    case 4:
        __asm__ volatile("ldr %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    default:
        __asm__ volatile("ldr %0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    }
    return value;
}

void store(uint64_t address, unsigned bytes, uint64_t value)
{
    switch (bytes) {
    case 1:
        __asm__ volatile("strb %w0, [%1]" ::"r"(value), "r"(address) : "memory");
        break;
    case 2:
        __asm__ volatile("strh %w0, [%1]" ::"r"(value), "r"(address) : "memory");
        break;
    case 4:
        __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
        break;
    default:
        __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
        break;
    }
}

/* ---- Exceptions ------------------------------------------------------------------------------*/

void exception(struct frame *frame, unsigned vector)
{
    esr_seen = frame->esr;
    if (vector == SYNC_EL0 || vector == SYNC_EL0_32) {
        frame->x[0] = frame->esr;
        frame->elr = (uint64_t)el0_ended;
        frame->spsr = EL1H_MASKED;
        return;
    }
    if (!watching || vector != SYNC_EL1H) {
        say("died: exception %u, ESR_EL1 %lx at %lx", vector, frame->esr, frame->elr);
        for (;;) {
            wait_for_interrupt();
        }
    }
    seen++;
    frame->spsr &= ~SPSR_IL;
    frame->elr = esr_class(frame->esr) == EC_INST_ABORT ? frame->x[30] : frame->elr + 4;
}

void watch_exceptions(void)
{
    seen = 0;
    watching = true;
    barrier();
}

unsigned exceptions_seen(void)
{
    barrier();
    watching = false;
    return seen;
}

uint64_t last_esr(void)
{
    return esr_seen;
}

bool last_was_external_abort(void)
{
    unsigned class = esr_class(esr_seen);
    return (class == EC_DATA_ABORT || class == EC_INST_ABORT) && (esr_seen & 0x3f) == FSC_EXTERNAL;
}

uint64_t run_instruction(uint32_t instruction, uint64_t x0)
{
    static uint32_t code[2] __attribute__((aligned(64)));
    code[0] = instruction;
    code[1] = RET;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(code)
                     : "memory");
    return ((uint64_t(*)(uint64_t))(uintptr_t)code)(x0);
}

int64_t smc(uint64_t id, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = id;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return (int64_t)x0;
}

/* ---- The second vCPU -------------------------------------------------------------------------*/

static void (*volatile second_function)(void *);
static void *volatile second_argument;
static bool second_is_on;

void second_main(void)
{
    for (;;) {
        while (second_function == NULL) {
            __asm__ volatile("yield");
        }
        second_function(second_argument);
        second_function = NULL;
        smc(0x84000002, 0, 0, 0); /* CPU_OFF: it does not spin beside the others */
    }
}

bool second_run(void (*function)(void *), void *argument)
{
    second_argument = argument;
    second_function = function;
    barrier();
    second_is_on = smc(CPU_ON, 1, (uint64_t)second_start, 0) == 0;
    return second_is_on;
}

bool second_is_busy(void)
{
    return smc(0xc4000004, 1, 0, 0) == 0; /* AFFINITY_INFO: ON */
}

/* ---- Time ------------------------------------------------------------------------------------*/

uint64_t microseconds(void)
{
    uint64_t count, hz;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0" : "=r"(count), "=r"(hz));
    return count / (hz / 1000000);
}

void pause_us(uint64_t us)
{
    uint64_t begin = microseconds();
    while (microseconds() - begin < us) {
    }
}

/* ---- Interrupts ------------------------------------------------------------------------------*/

void gic_begin(void)
{
    gic_end();
    store32(GICD_CTLR, 1);
    store32(GICC_PMR, 0xff);
    store32(GICC_CTLR, 1);
}

void gic_enable(uint32_t intid)
{
    store(GICD_ITARGETS + intid, 1, 1);
    store32(GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

uint32_t gic_take(void)
{
    uint32_t taken = load32(GICC_IAR);
    if ((taken & 0x3ff) <= LAST_INTID) {
        store32(GICC_EOIR, taken);
    }
    return taken & 0x3ff;
}

void gic_end(void)
{
    store32(GICD_CTLR, 1);
    store32(GICC_PMR, 0xff);
    store32(GICC_CTLR, 1);
    store32(GICC_BPR, 0);
    store32(GICC_APR, 0);
    for (unsigned i = 0; i <= LAST_INTID / 32; i++) {
        store32(GICD_ICENABLER + 4 * i, UINT32_MAX);
        store32(GICD_ICPENDR + 4 * i, UINT32_MAX);
        store32(GICD_ICACTIVER + 4 * i, UINT32_MAX);
    }
    for (unsigned i = 0; i <= LAST_INTID / 16; i++) {
        store32(GICD_ICFGR + 4 * i, 0);
        store32(GICD_IGROUPR + 4 * (i / 2), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        store32(GICD_CPENDSGIR + 4 * i, UINT32_MAX);
    }
    for (unsigned i = 0; i < 64 && gic_take() != SPURIOUS; i++) {
    }
    for (unsigned i = 0; i < 128; i += 4) {
        store32(GICD_IPRIORITY + i, 0);
    }
    store32(GICC_CTLR, 0);
    store32(GICD_CTLR, 0);
}
