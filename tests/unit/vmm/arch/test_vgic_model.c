/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A long random walk of guest, devices, timers and kernel against a naive model of the
 * distributor: one struct for each interrupt, every question answered by looking at all of them.
 * Checked at every step: what is injected may be and is the most urgent; nothing that may be
 * delivered waits while a list register is free; a timer that the kernel holds back is on its way.
 */
#include "tests/unit/vmm/arch/vgic_rig.h"

#define VCPUS      4
#define INTIDS     96
#define STEPS      100000
#define TIMER_STEP 8

struct irq {
    bool enabled, group, line, latch, edge, active, listed;
    uint8_t priority, targets, sources, listed_source;
};

static struct irq private_irq[VCPUS][32], shared_irq[INTIDS];
static bool online[VCPUS];
static unsigned ctlr;
static unsigned deliveries;

/* The interrupts that the walk plays with; the others stay idle. */
static const unsigned played[] = { 0, 1, 15, TIMER, 30, 32, 33, 34, 35, 36, 37, 38, 63, 64, 95 };
#define NUM_PLAYED (sizeof(played) / sizeof(played[0]))

static uint32_t random_state = 0x2545f491;

static uint32_t roll(uint32_t sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % sides;
}

static struct irq *irq_of(unsigned vcpu, unsigned intid)
{
    return intid < 32 ? &private_irq[vcpu][intid] : &shared_irq[intid];
}

static bool may_deliver(unsigned vcpu, unsigned intid)
{
    const struct irq *irq = irq_of(vcpu, intid);
    bool pending = irq->latch || (irq->line && !irq->edge);
    bool forwarded = (ctlr >> irq->group & 1) != 0;
    bool mine = intid < 32 || (irq->targets >> vcpu & 1) != 0;
    return pending && irq->enabled && forwarded && mine && !irq->listed && !irq->active;
}

/* The most urgent interrupt for a vCPU, or NONE. */
static unsigned most_urgent(unsigned vcpu)
{
    unsigned best = NONE;
    for (unsigned i = 0; i < NUM_PLAYED; i++) {
        unsigned intid = played[i];
        if (may_deliver(vcpu, intid) &&
            (best == NONE || irq_of(vcpu, intid)->priority < irq_of(vcpu, best)->priority)) {
            best = intid;
        }
    }
    return best;
}

static void pop_source(struct irq *irq)
{
    irq->listed_source = (uint8_t)__builtin_ctz(irq->sources);
    irq->sources &= (uint8_t)(irq->sources - 1);
    irq->latch = irq->sources != 0;
}

static void check_injection(unsigned vcpu, unsigned intid, unsigned priority, unsigned group)
{
    struct irq *irq = irq_of(vcpu, intid);
    assert_true(online[vcpu]);
    assert_int_equal(intid, most_urgent(vcpu));
    assert_int_equal(priority, irq->priority >> 3);
    assert_int_equal(group, irq->group);
    irq->latch = false;
    irq->listed = true;
    if (intid < 16) {
        pop_source(irq);
    }
    deliveries++;
}

static void check_invariants(void)
{
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
        bool room = false;
        for (unsigned i = 0; i < ALL_LRS; i++) {
            room |= rig[vcpu].lr[i].state == LR_FREE;
        }
        if (online[vcpu] && room && most_urgent(vcpu) != NONE) {
            fail_msg("%u waits for vCPU %u", most_urgent(vcpu), vcpu);
        }
        const struct irq *timer = &private_irq[vcpu][TIMER];
        if (rig[vcpu].timer_masked && !timer->latch && !timer->listed) {
            fail_msg("the timer of vCPU %u is lost", vcpu);
        }
    }
}

static void change_bit(unsigned vcpu, unsigned intid)
{
    static const uint16_t registers[] = { GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
                                          GICD_ICPENDR,   GICD_ISACTIVER, GICD_ICACTIVER,
                                          GICD_IGROUPR };
    /* More often switched on than off, so that interrupts flow. */
    static const uint8_t weighted[] = { 0, 0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 5, 6 };
    unsigned which = weighted[roll(sizeof(weighted))];
    struct irq *irq = irq_of(vcpu, intid);
    uint32_t bit = 1u << intid % 32;
    uint64_t reg = registers[which] + intid / 32 * 4;
    switch (registers[which]) {
    case GICD_ISENABLER:
        irq->enabled = true;
        break;
    case GICD_ICENABLER:
        irq->enabled = intid < 16;
        break;
    case GICD_ISPENDR:
        irq->latch |= intid >= 16;
        break;
    case GICD_ICPENDR:
        irq->latch &= intid < 16;
        break;
    case GICD_ISACTIVER:
        irq->active = true;
        break;
    case GICD_ICACTIVER:
        irq->active = false;
        break;
    default:
        irq->group = roll(4) == 0;
        bit = (rig_read(vcpu, reg) & ~bit) | (irq->group ? bit : 0);
    }
    rig_write(vcpu, reg, bit);
}

static void change_attributes(unsigned vcpu, unsigned intid)
{
    struct irq *irq = irq_of(vcpu, intid);
    if (roll(4) == 0 && intid != TIMER && intid >= 16) {
        unsigned shift = intid % 16 * 2;
        uint32_t reg = GICD_ICFGR + intid / 16 * 4;
        irq->edge = roll(2) == 0;
        uint32_t value = rig_read(vcpu, reg) & ~(3u << shift);
        rig_write(vcpu, reg, value | (irq->edge ? 2u : 0u) << shift);
    } else if (roll(2) == 0) {
        irq->priority = (uint8_t)(roll(32) << 3);
        rig_write8(vcpu, GICD_IPRIORITYR + intid, irq->priority | roll(8));
    } else if (intid >= 32) {
        irq->targets = (uint8_t)roll(1u << VCPUS);
        rig_write8(vcpu, GICD_ITARGETSR + intid, irq->targets);
    }
}

static void send_sgi(unsigned from)
{
    static const unsigned sgis[] = { 0, 1, 15 };
    unsigned sgi = sgis[roll(3)];
    uint32_t list = roll(256), filter = roll(4);
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
        bool hit = filter == 0   ? (list >> vcpu & 1) != 0
                   : filter == 1 ? vcpu != from
                                 : vcpu == from;
        if (hit && filter != 3) {
            private_irq[vcpu][sgi].sources |= (uint8_t)(1u << from);
            private_irq[vcpu][sgi].latch = true;
        }
    }
    rig_write(from, GICD_SGIR, filter << 24 | list << 16 | sgi);
}

static void change_line(void)
{
    unsigned intid = played[5 + roll(NUM_PLAYED - 5)];
    struct irq *irq = irq_of(0, intid);
    bool level = roll(2) == 0;
    irq->latch |= irq->edge && level && !irq->line;
    irq->line = level;
    vgic_set_line(&rig_vgic, intid, level);
}

static void change_ctlr(unsigned vcpu)
{
    ctlr = roll(8) == 0 ? roll(4) : 3;
    rig_write(vcpu, GICD_CTLR, ctlr);
}

static void timer_step(unsigned vcpu)
{
    if (roll(TIMER_STEP) == 0) {
        rig[vcpu].timer_high = roll(3) != 0;
    }
    if (online[vcpu] && rig[vcpu].timer_high && !rig[vcpu].timer_masked) {
        private_irq[vcpu][TIMER].latch = true;
        assert_true(rig_timer_event(vcpu));
    }
}

/* A list register is freed in the model when the VMM hears of it. */
static bool maintain(unsigned vcpu)
{
    for (unsigned i = 0; i < ALL_LRS; i++) {
        if (rig[vcpu].lr[i].state == LR_ENDED) {
            irq_of(vcpu, rig[vcpu].lr[i].intid)->listed = false;
            return rig_maintain(vcpu);
        }
    }
    return false;
}

static void end_one(unsigned vcpu)
{
    unsigned first = roll(ALL_LRS);
    for (unsigned i = 0; i < ALL_LRS; i++) {
        const struct rig_lr *lr = &rig[vcpu].lr[(first + i) % ALL_LRS];
        if (lr->state == LR_ACTIVE) {
            rig_end_quietly(vcpu, lr->intid);
            return;
        }
    }
}

static void turn_off(unsigned vcpu)
{
    for (unsigned i = 0; i < ALL_LRS; i++) {
        const struct rig_lr *lr = &rig[vcpu].lr[i];
        if (lr->state == LR_FREE) {
            continue;
        }
        struct irq *irq = irq_of(vcpu, lr->intid);
        irq->listed = false;
        irq->latch |= irq->edge;
        irq->sources |= lr->intid < 16 ? (uint8_t)(1u << irq->listed_source) : 0;
    }
    private_irq[vcpu][TIMER].latch &= !rig[vcpu].timer_masked;
    rig_clear_lrs(vcpu);
    rig[vcpu].timer_high = false;
    online[vcpu] = false;
    vgic_cpu_off(&rig_vgic, vcpu);
}

static void turn_on_or_off(unsigned vcpu)
{
    if (!online[vcpu]) {
        online[vcpu] = true;
        vgic_cpu_on(&rig_vgic, vcpu);
    } else if (roll(40) == 0) {
        turn_off(vcpu);
    }
}

static void step(void)
{
    unsigned vcpu = roll(VCPUS);
    unsigned intid = played[roll(NUM_PLAYED)];
    switch (roll(16)) {
    case 0:
    case 1:
        change_bit(vcpu, intid);
        break;
    case 2:
        change_attributes(vcpu, intid);
        break;
    case 3:
        send_sgi(vcpu);
        break;
    case 4:
    case 5:
        change_line();
        break;
    case 6:
        change_ctlr(vcpu);
        break;
    case 7:
        turn_on_or_off(vcpu);
        break;
    case 8:
    case 9:
        timer_step(vcpu);
        break;
    case 10:
    case 11:
    case 12:
        rig_take(vcpu);
        break;
    case 13:
    case 14:
        end_one(vcpu);
        break;
    default:
        maintain(vcpu);
    }
}

/* All on and enabled, all lines low: everything that was latched must come out, and then nothing */
static void drain(void)
{
    ctlr = 3;
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
        rig[vcpu].timer_high = false;
    }
    for (unsigned i = 0; i < NUM_PLAYED; i++) {
        for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
            struct irq *irq = irq_of(vcpu, played[i]);
            irq->line = false;
            vgic_set_line(&rig_vgic, played[i], false);
            irq->targets = 15;
            rig_write8(vcpu, GICD_ITARGETSR + played[i], 15);
            irq->enabled = true;
            rig_write_bit(vcpu, GICD_ISENABLER, played[i]);
            irq->active = false;
            rig_write_bit(vcpu, GICD_ICACTIVER, played[i]);
        }
    }
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
        if (!online[vcpu]) {
            turn_on_or_off(vcpu);
        }
    }
    rig_write(0, GICD_CTLR, 3);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
            rig_take(vcpu);
            end_one(vcpu);
            maintain(vcpu);
        }
    }
    for (unsigned i = 0; i < NUM_PLAYED; i++) {
        for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
            assert_false(irq_of(vcpu, played[i])->latch || irq_of(vcpu, played[i])->listed);
            assert_false(rig_read_bit(vcpu, GICD_ISPENDR, played[i]));
            assert_false(rig_read_bit(vcpu, GICD_ISACTIVER, played[i]));
        }
    }
}

static void random_walk(void **state)
{
    (void)state;
    rig_init(VCPUS, INTIDS - 1);
    rig_on_inject = check_injection;
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
        online[vcpu] = true;
        for (unsigned sgi = 0; sgi < 16; sgi++) {
            private_irq[vcpu][sgi] = (struct irq){ .enabled = true, .edge = true };
        }
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        check_invariants();
        if (i % 10000 == 9999) {
            drain();
        }
    }
    print_message("%u deliveries in %u steps\n", deliveries, STEPS);
    assert_true(deliveries > STEPS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
