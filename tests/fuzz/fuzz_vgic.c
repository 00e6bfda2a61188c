/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what four vCPUs do to the distributor's registers, of every width at every offset,
 * while their timers, a passed-through device and emulated ones interrupt. The rig checks what is
 * injected; after every step nothing that may be delivered waits while a list register is free, and
 * what the kernel holds back is on its way. At the end a reset distributor works.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/arch/vgic_rig.h"

#define LAST_INTID 95
#define DEVICE     40
#define MAX_STEPS  300

static unsigned vcpus;

static uint32_t word(unsigned vcpu, uint64_t reg, unsigned bank)
{
    return rig_read(vcpu, reg + 4 * bank);
}

static bool has_room(unsigned vcpu)
{
    bool room = false;
    for (unsigned i = 0; i < ALL_LRS; i++) {
        room |= rig[vcpu].lr[i].state == LR_FREE;
    }
    return room && rig_vgic.cpu[vcpu].online;
}

static bool is_target(unsigned vcpu, unsigned intid)
{
    uint32_t targets = rig_read(vcpu, GICD_ITARGETSR + intid / 4 * 4) >> intid % 4 * 8;
    return intid < 32 || vcpus == 1 || (targets >> vcpu & 1) != 0;
}

/* As a guest can read it: what is pending, enabled, its group on, not active, for this vCPU. */
static void expect_nothing_waits(unsigned vcpu)
{
    uint32_t ctlr = rig_read(vcpu, GICD_CTLR);
    for (unsigned bank = 0; has_room(vcpu) && bank <= LAST_INTID / 32; bank++) {
        uint32_t group = word(vcpu, GICD_IGROUPR, bank);
        uint32_t on = (ctlr & 1 ? ~group : 0) | (ctlr & 2 ? group : 0);
        uint32_t waits = word(vcpu, GICD_ISPENDR, bank) & word(vcpu, GICD_ISENABLER, bank) & on &
                         ~word(vcpu, GICD_ISACTIVER, bank);
        for (; waits != 0; waits &= waits - 1) {
            assert_false(is_target(vcpu, bank * 32 + (unsigned)__builtin_ctz(waits)));
        }
    }
}

static void check(void)
{
    for (unsigned vcpu = 0; vcpu < vcpus; vcpu++) {
        expect_nothing_waits(vcpu);
        if (rig[vcpu].timer_masked) {
            assert_true(rig_read_bit(vcpu, GICD_ISPENDR, TIMER));
        }
    }
    if (rig_device.masked) {
        assert_true(rig_read_bit(0, GICD_ISPENDR, DEVICE));
    }
}

static void any_access(struct input *in, unsigned vcpu)
{
    uint64_t offset = take(in, 2) % VGIC_SIZE_BYTES;
    unsigned bytes = 1u << take(in, 1) % 4;
    rig_vgic.accessor = vcpu;
    vgic_write(&rig_vgic, offset, bytes, take(in, bytes));
    uint64_t value = vgic_read(&rig_vgic, offset, bytes);
    assert_true(bytes == 8 || value >> 8 * bytes == 0);
}

static void plausible(struct input *in, unsigned vcpu)
{
    static const uint16_t registers[] = { GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
                                          GICD_ICPENDR,   GICD_ISACTIVER, GICD_ICACTIVER,
                                          GICD_IGROUPR,   GICD_ICFGR };
    static const uint8_t intids[] = { 0, 15, TIMER, 30, DEVICE, 41, 63, 64, 95 };
    uint8_t what = (uint8_t)take(in, 1), value = (uint8_t)take(in, 1);
    unsigned intid = intids[value % sizeof(intids)];
    if (what % 16 < 8) {
        rig_write_bit(vcpu, registers[what % 8], intid);
    } else if (what % 16 < 10) {
        rig_write8(vcpu, GICD_ITARGETSR + intid, what / 16);
    } else if (what % 16 < 12) {
        rig_write8(vcpu, GICD_IPRIORITYR + intid, value & 0xf0u);
    } else if (what % 16 < 14) {
        rig_write(vcpu, GICD_SGIR, (uint32_t)(what / 64) << 24 | (uint32_t)value << 16 | value % 3);
    } else {
        rig_write(vcpu, GICD_CTLR, what / 16 % 4);
    }
}

static void device(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    rig_device.high = how & 1;
    rig_device.latched |= rig_device.is_edge && rig_device.high;
    (void)rig_device_event();
    vgic_set_line(&rig_vgic, how & 2 ? 41 : 64, how & 4);
    if (how == 0xff) {
        vgic_set_line(&rig_vgic, (uint32_t)take(in, 2), how & 4);
    }
}

static void end_one(unsigned vcpu)
{
    for (unsigned i = 0; i < ALL_LRS; i++) {
        if (rig[vcpu].lr[i].state == LR_ACTIVE) {
            rig_end_quietly(vcpu, rig[vcpu].lr[i].intid);
            return;
        }
    }
}

static void turn(unsigned vcpu, bool on)
{
    if (on && !rig_vgic.cpu[vcpu].online) {
        vgic_cpu_on(&rig_vgic, vcpu);
    }
    if (on) {
        return;
    }
    rig_clear_lrs(vcpu);
    rig[vcpu].timer_high = false;
    vgic_cpu_off(&rig_vgic, vcpu);
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    unsigned vcpu = what / 64 % vcpus;
    switch (what % 16) {
    case 0:
    case 1:
        any_access(in, vcpu);
        break;
    case 2:
    case 3:
        rig[vcpu].timer_high = what & 0x20;
        if (rig_vgic.cpu[vcpu].online) {
            (void)rig_timer_event(vcpu);
        }
        break;
    case 4:
    case 5:
        device(in);
        break;
    case 6:
    case 7:
        (void)rig_take(vcpu);
        break;
    case 8:
    case 9:
        end_one(vcpu);
        break;
    case 10:
        (void)rig_maintain(vcpu);
        break;
    case 11:
        turn(vcpu, what & 0x30);
        break;
    case 12:
        vgic_maintenance(&rig_vgic, vcpu, ALL_LRS + take(in, 8) % UINT32_MAX);
        break;
    default:
        plausible(in, vcpu);
    }
    check();
}

/* A guest that boots anew gets its timer's interrupt. */
static void assert_works_after_reset(void)
{
    for (unsigned vcpu = 0; vcpu < vcpus; vcpu++) {
        turn(vcpu, false);
    }
    vgic_reset(&rig_vgic);
    vgic_cpu_on(&rig_vgic, 0);
    assert_false(rig_device.masked || rig[0].timer_masked);
    vgic_set_line(&rig_vgic, 41, false);
    rig_write(0, GICD_CTLR, 1);
    rig_write_bit(0, GICD_ISENABLER, TIMER);
    rig[0].timer_high = true;
    assert_true(rig_timer_event(0));
    assert_int_equal(rig_take(0), TIMER);
    rig_end(0, TIMER);
    assert_false(rig[0].timer_masked);
    assert_int_equal(rig_take(0), NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    uint8_t how = (uint8_t)take(&in, 1);
    vcpus = 1 + how % VGIC_MAX_VCPUS;
    rig_init(vcpus, LAST_INTID);
    rig_device.intid = DEVICE;
    rig_device.is_edge = how & 0x80;
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    assert_works_after_reset();
    return 0;
}
