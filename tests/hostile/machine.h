/* SPDX-License-Identifier: BSD-2-Clause */
/* The bare machine: register accesses of exactly one instruction, exceptions, calls, vCPUs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GICD_BASE  0x08000000ul
#define GICC_BASE  0x08010000ul
#define PL011_BASE 0x09000000ul

/* What take_exception (start.S) keeps. */
struct frame {
    uint64_t x[31];
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
};

/* One load or store of 1, 2, 4 or 8 bytes whose syndrome the VMM can decode; any address. */
uint64_t load(uint64_t address, unsigned bytes);
void store(uint64_t address, unsigned bytes, uint64_t value);

static inline uint32_t load32(uint64_t address)
{
    return (uint32_t)load(address, 4);
}

static inline void store32(uint64_t address, uint32_t value)
{
    store(address, 4, value);
}

/*
 * From watch_exceptions() to exceptions_seen() synchronous exceptions are no end of the program:
 * the instruction is skipped (a call to where nothing can be executed returns). How many there
 * were; last_esr() is the syndrome of the last one.
 */
void watch_exceptions(void);
unsigned exceptions_seen(void);
uint64_t last_esr(void);

enum {
    EC_UNDEFINED = 0x00,
    EC_SVC32 = 0x11,
    EC_SVC64 = 0x15,
    EC_INST_ABORT = 0x21,
    EC_DATA_ABORT = 0x25,
    FSC_EXTERNAL = 0x10,
};

static inline unsigned esr_class(uint64_t esr)
{
    return (unsigned)(esr >> 26 & 0x3f);
}

/* Whether the last exception was the external abort that the VMM gives a guest. */
bool last_was_external_abort(void);

/* Runs at EL0 (SPSR's mode says of which width) until it takes an exception: its ESR_EL1. */
uint64_t run_el0(uint64_t entry, uint64_t spsr, uint64_t x0);

/* Calls `instruction` as if it were a function, with x0; returns x0. */
uint64_t run_instruction(uint32_t instruction, uint64_t x0);

/* A call of the firmware: SMC. */
int64_t smc(uint64_t id, uint64_t a, uint64_t b, uint64_t c);

/* The second vCPU runs a function until it returns. False: there is none. */
bool second_run(void (*function)(void *), void *argument);
bool second_is_busy(void);

/* Time, for waits that are called a hang at their end; never for a verdict of its own. */
uint64_t microseconds(void);
void pause_us(uint64_t us);

/* The interrupt controller, asked without taking exceptions. */
void gic_begin(void);
void gic_enable(uint32_t intid);
void gic_end(void); /* everything disabled, nothing pending or active */
/* The next interrupt, ended at once; 1023: there is none. */
uint32_t gic_take(void);

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

static inline void barrier(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}
