/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake of what lies below the vGIC: for each vCPU four list registers with maintenance at the
 * end of interrupt, and a virtual timer that the kernel masks when it fires. It checks what the
 * contract demands of every call.
 */
#pragma once

#include "vmm/arch/aarch64/vgic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { GICD_CTLR = 0x000, GICD_TYPER = 0x004, GICD_IIDR = 0x008, GICD_IGROUPR = 0x080 };
enum { GICD_ISENABLER = 0x100, GICD_ICENABLER = 0x180, GICD_ISPENDR = 0x200 };
enum { GICD_ICPENDR = 0x280, GICD_ISACTIVER = 0x300, GICD_ICACTIVER = 0x380 };
enum { GICD_IPRIORITYR = 0x400, GICD_ITARGETSR = 0x800, GICD_ICFGR = 0xc00 };
enum { GICD_SGIR = 0xf00, GICD_CPENDSGIR = 0xf10, GICD_SPENDSGIR = 0xf20, GICD_PIDR2 = 0xfe8 };

#define TIMER   27
#define NONE    1023
#define ALL_LRS VGIC_LIST_REGISTERS

enum lr_state { LR_FREE, LR_PENDING, LR_ACTIVE, LR_ENDED };

struct rig_lr {
    enum lr_state state;
    unsigned intid, priority, group;
};

struct rig_vcpu {
    struct rig_lr lr[ALL_LRS];
    bool timer_high, timer_masked;
    unsigned acks;    /* of the timer */
    unsigned injects; /* into this vCPU */
};

static struct vgic rig_vgic;
static struct rig_vcpu rig[VGIC_MAX_VCPUS];
/* A test may look at every injection. */
static void (*rig_on_inject)(unsigned vcpu, unsigned intid, unsigned priority, unsigned group);

static void rig_inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group,
                       unsigned index)
{
    assert_true(vcpu < rig_vgic.num_vcpus && index < ALL_LRS && intid <= VGIC_LAST_SPI);
    assert_true(priority < 32 && group < 2);
    assert_int_equal(rig[vcpu].lr[index].state, LR_FREE);
    for (unsigned v = 0; v < VGIC_MAX_VCPUS; v++) {
        for (unsigned i = 0; i < ALL_LRS && (v == vcpu || intid >= 32); i++) {
            const struct rig_lr *lr = &rig[v].lr[i];
            assert_false(lr->state != LR_FREE && lr->intid == intid);
        }
    }
    rig[vcpu].lr[index] = (struct rig_lr){ LR_PENDING, intid, priority, group };
    rig[vcpu].injects++;
    if (rig_on_inject != NULL) {
        rig_on_inject(vcpu, intid, priority, group);
    }
}

/* A device of the machine that is passed through: its input to the machine's own GIC. */
static struct {
    unsigned intid; /* 0: there is none */
    bool is_edge;
    bool high, latched; /* a line; an edge that the GIC remembers */
    bool masked;        /* by the kernel, until it is acknowledged */
    unsigned acks;
} rig_device;

static void rig_ack(unsigned vcpu, unsigned intid)
{
    if (rig_device.intid != 0 && intid == rig_device.intid) {
        assert_true(rig_device.masked);
        rig_device.masked = false;
        rig_device.acks++;
        return;
    }
    assert_int_equal(intid, TIMER);
    assert_true(rig[vcpu].timer_masked);
    rig[vcpu].timer_masked = false;
    rig[vcpu].acks++;
}

static const struct vgic_ops rig_ops = { rig_inject, rig_ack };

static inline void rig_init(unsigned num_vcpus, unsigned last_intid)
{
    memset(rig, 0, sizeof(rig));
    memset(&rig_device, 0, sizeof(rig_device));
    rig_on_inject = NULL;
    vgic_init(&rig_vgic, &rig_ops, num_vcpus, last_intid);
    for (unsigned vcpu = 0; vcpu < num_vcpus; vcpu++) {
        vgic_cpu_on(&rig_vgic, vcpu);
    }
}

static inline void rig_write(unsigned vcpu, uint64_t offset, uint32_t value)
{
    rig_vgic.accessor = vcpu;
    vgic_write(&rig_vgic, offset, 4, value);
}

static inline void rig_write8(unsigned vcpu, uint64_t offset, uint32_t value)
{
    rig_vgic.accessor = vcpu;
    vgic_write(&rig_vgic, offset, 1, value);
}

static inline uint32_t rig_read(unsigned vcpu, uint64_t offset)
{
    rig_vgic.accessor = vcpu;
    return (uint32_t)vgic_read(&rig_vgic, offset, 4);
}

/* Writes the bit of an interrupt in a register that has one bit each. */
static inline void rig_write_bit(unsigned vcpu, uint64_t reg, unsigned intid)
{
    rig_write(vcpu, reg + intid / 32 * 4, 1u << intid % 32);
}

static inline bool rig_read_bit(unsigned vcpu, uint64_t reg, unsigned intid)
{
    return (rig_read(vcpu, reg + intid / 32 * 4) >> intid % 32 & 1) != 0;
}

static inline bool rig_more_urgent(const struct rig_lr *lr, const struct rig_lr *than)
{
    return than == NULL || lr->priority < than->priority ||
           (lr->priority == than->priority && lr->intid < than->intid);
}

/* GICC_IAR: the guest takes the most urgent pending interrupt above its running priority. */
static inline unsigned rig_take(unsigned vcpu)
{
    unsigned running = 32;
    struct rig_lr *best = NULL;
    for (unsigned i = 0; i < ALL_LRS; i++) {
        struct rig_lr *lr = &rig[vcpu].lr[i];
        if (lr->state == LR_ACTIVE && lr->priority < running) {
            running = lr->priority;
        }
        if (lr->state == LR_PENDING && rig_more_urgent(lr, best)) {
            best = lr;
        }
    }
    if (best == NULL || best->priority >= running) {
        return NONE;
    }
    best->state = LR_ACTIVE;
    return best->intid;
}

/* GICC_EOIR, without the maintenance event. */
static inline void rig_end_quietly(unsigned vcpu, unsigned intid)
{
    for (unsigned i = 0; i < ALL_LRS; i++) {
        if (rig[vcpu].lr[i].state == LR_ACTIVE && rig[vcpu].lr[i].intid == intid) {
            rig[vcpu].lr[i].state = LR_ENDED;
            return;
        }
    }
    fail_msg("%u is not active on vCPU %u", intid, vcpu);
}

/* The kernel tells of one ended list register and frees it. */
static inline bool rig_maintain(unsigned vcpu)
{
    for (unsigned i = 0; i < ALL_LRS; i++) {
        if (rig[vcpu].lr[i].state == LR_ENDED) {
            rig[vcpu].lr[i].state = LR_FREE;
            vgic_maintenance(&rig_vgic, vcpu, i);
            return true;
        }
    }
    return false;
}

static inline void rig_end(unsigned vcpu, unsigned intid)
{
    rig_end_quietly(vcpu, intid);
    assert_true(rig_maintain(vcpu));
}

/* The kernel sees the timer's line: one event, then it is masked. */
static inline bool rig_timer_event(unsigned vcpu)
{
    if (!rig[vcpu].timer_high || rig[vcpu].timer_masked) {
        return false;
    }
    rig[vcpu].timer_masked = true;
    vgic_fired(&rig_vgic, vcpu, TIMER);
    return true;
}

/* The device's interrupt, if the machine's GIC has one: the kernel masks it and tells the VMM. */
static inline bool rig_device_event(void)
{
    bool pending = rig_device.is_edge ? rig_device.latched : rig_device.high;
    if (!pending || rig_device.masked) {
        return false;
    }
    rig_device.masked = true;
    rig_device.latched = false;
    vgic_fired(&rig_vgic, 0, rig_device.intid);
    return true;
}

/* A microkit_vcpu_restart(): nothing is left in the list registers. */
static inline void rig_clear_lrs(unsigned vcpu)
{
    memset(rig[vcpu].lr, 0, sizeof(rig[vcpu].lr));
}
