/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller: physical interrupts, and the list registers through which a guest gets
 * virtual ones. gic_v2.c is the GICv2 (ARM IHI 0048B); a GICv3 is another file with these
 * functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GIC_SPURIOUS 1020u /* INTIDs from here on are none */

/* Turns the controller on with all interrupts disabled. */
void gic_init(void);

/* An SPI's trigger, before it is enabled. */
void gic_set_edge(uint32_t intid, bool edge);

void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);

/* The pending interrupt of the highest priority, now active, or GIC_SPURIOUS and above. */
uint32_t gic_acknowledge(void);
/* Ends it, with the value that gic_acknowledge() returned. */
void gic_end(uint32_t acknowledged);

/* Virtual interrupts of the guest in the core: list register n, 0 to VCPU_LRS - 1. */
uint32_t gic_read_lr(unsigned n);
void gic_write_lr(unsigned n, uint32_t value);
/* A pending interrupt with maintenance at its end; priority 0 to 31, as the register holds it. */
uint32_t gic_make_lr(uint32_t intid, unsigned priority, unsigned group);
bool gic_lr_is_active(uint32_t lr);
bool gic_lr_is_pending(uint32_t lr);
/* The list registers whose interrupts the guest has ended, bit n for register n. */
uint32_t gic_ended_lrs(void);

/* The rest of the virtual CPU interface; off: it signals nothing. */
void gic_virtual_load(uint32_t vmcr, uint32_t apr);
void gic_virtual_save(uint32_t *vmcr, uint32_t *apr);
