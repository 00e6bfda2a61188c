/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/gic/gic.h"

/* Distributor (IHI 0048B 4.3), CPU interface (4.4), virtual interface control (5.3). */
#define GICD(offset) (*(volatile uint32_t *)(BOARD_GICD_VADDR + (offset)))
#define GICC(offset) (*(volatile uint32_t *)(BOARD_GICC_VADDR + (offset)))
#define GICH(offset) (*(volatile uint32_t *)(BOARD_GICH_VADDR + (offset)))

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ICPENDR = 0x280,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
};
enum { GICC_CTLR = 0x00, GICC_PMR = 0x04, GICC_IAR = 0x0c, GICC_EOIR = 0x10 };
enum { GICH_HCR = 0x00, GICH_VMCR = 0x08, GICH_EISR0 = 0x20, GICH_APR = 0xf0, GICH_LR = 0x100 };

#define LR_PENDING   (1u << 28)
#define LR_ACTIVE    (1u << 29)
#define LR_GROUP1    (1u << 30)
#define LR_EOI       (1u << 19) /* maintenance interrupt at the end of interrupt */
#define GICH_HCR_EN  1u
#define ALL_THE_SAME 0xa0a0a0a0u /* one priority for all: the kernel's handlers are short */
#define TO_THIS_CORE 0x01010101u

void gic_init(void)
{
    uint32_t words = (GICD(GICD_TYPER) & 0x1f) + 1;
    GICD(GICD_CTLR) = 0;
    for (uint32_t n = 0; n < words; n++) {
        GICD(GICD_ICENABLER + 4 * n) = ~0u;
        GICD(GICD_ICPENDR + 4 * n) = ~0u; /* firmware may have left some */
        GICD(GICD_ICACTIVER + 4 * n) = ~0u;
    }
    for (uint32_t n = 0; n < words * 8; n++) {
        GICD(GICD_IPRIORITYR + 4 * n) = ALL_THE_SAME;
    }
    for (uint32_t n = 8; n < words * 8; n++) {
        GICD(GICD_ITARGETSR + 4 * n) = TO_THIS_CORE;
    }
    GICD(GICD_CTLR) = 1;
    GICC(GICC_PMR) = 0xf0;
    GICC(GICC_CTLR) = 1;
    for (unsigned n = 0; n < 4; n++) {
        gic_write_lr(n, 0);
    }
    GICH(GICH_HCR) = 0;
}

void gic_set_edge(uint32_t intid, bool edge)
{
    uint32_t bit = 2u << (intid % 16 * 2);
    uint32_t value = GICD(GICD_ICFGR + intid / 16 * 4) & ~bit;
    GICD(GICD_ICFGR + intid / 16 * 4) = edge ? value | bit : value;
}

void gic_enable(uint32_t intid)
{
    GICD(GICD_ISENABLER + intid / 32 * 4) = 1u << (intid % 32);
}

void gic_disable(uint32_t intid)
{
    GICD(GICD_ICENABLER + intid / 32 * 4) = 1u << (intid % 32);
}

uint32_t gic_acknowledge(void)
{
    return GICC(GICC_IAR);
}

void gic_end(uint32_t acknowledged)
{
    GICC(GICC_EOIR) = acknowledged;
}

uint32_t gic_read_lr(unsigned n)
{
    return GICH(GICH_LR + 4 * n);
}

void gic_write_lr(unsigned n, uint32_t value)
{
    GICH(GICH_LR + 4 * n) = value;
}

uint32_t gic_make_lr(uint32_t intid, unsigned priority, unsigned group)
{
    return LR_PENDING | LR_EOI | (group != 0 ? LR_GROUP1 : 0) | priority << 23 | intid;
}

bool gic_lr_is_active(uint32_t lr)
{
    return (lr & LR_ACTIVE) != 0;
}

bool gic_lr_is_pending(uint32_t lr)
{
    return (lr & LR_PENDING) != 0;
}

uint32_t gic_ended_lrs(void)
{
    return GICH(GICH_EISR0);
}

void gic_virtual_load(uint32_t vmcr, uint32_t apr)
{
    GICH(GICH_VMCR) = vmcr;
    GICH(GICH_APR) = apr;
    GICH(GICH_HCR) = GICH_HCR_EN;
}

void gic_virtual_save(uint32_t *vmcr, uint32_t *apr)
{
    *vmcr = GICH(GICH_VMCR);
    *apr = GICH(GICH_APR);
    GICH(GICH_HCR) = 0;
}
