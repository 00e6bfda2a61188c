/* SPDX-License-Identifier: BSD-2-Clause */
/* The distributor's state machine (ARM IHI 0048B, 3.2): from pending to a list register and back */
#include "vmm/arch/aarch64/vgic.h"

#include <string.h>

#define SGI_BITS 0xffffu
/* List registers have five bits of priority (5.3.6), so the distributor implements the top five. */
#define PRIORITY_SHIFT 3
#define CTLR_GROUP0    1u
#define CTLR_GROUP1    2u

static struct vgic_bank *bank_of(struct vgic *vgic, unsigned vcpu, unsigned intid)
{
    unsigned index = intid / VGIC_BANK_INTIDS;
    return index == 0 ? &vgic->cpu[vcpu].bank : &vgic->shared[index - 1];
}

static uint32_t bit_of(unsigned intid)
{
    return 1u << (intid % VGIC_BANK_INTIDS);
}

/* The interrupts of a bank that the distributor would forward now (3.2.1, 4.3.1). */
static uint32_t deliverable(const struct vgic *vgic, const struct vgic_bank *bank)
{
    uint32_t groups = ((vgic->ctlr & CTLR_GROUP0) != 0 ? ~bank->group : 0) |
                      ((vgic->ctlr & CTLR_GROUP1) != 0 ? bank->group : 0);
    uint32_t pending = bank->latched | (bank->line & ~bank->edge);
    return pending & bank->enabled & groups & ~bank->listed & ~bank->active;
}

/* Lowers *best to the intid of the bank's first interrupt with a better priority than *priority. */
static void pick_from(const struct vgic_bank *bank, uint32_t candidates, unsigned first_intid,
                      unsigned *best, unsigned *priority)
{
    for (; candidates != 0; candidates &= candidates - 1) {
        unsigned i = (unsigned)__builtin_ctz(candidates);
        if (bank->priority[i] < *priority) {
            *priority = bank->priority[i];
            *best = first_intid + i;
        }
    }
}

/* True: *intid is the most urgent interrupt for this vCPU; at equal priority the lowest. */
static bool pick(const struct vgic *vgic, unsigned vcpu, unsigned *intid)
{
    unsigned priority = 256;
    const struct vgic_bank *private = &vgic->cpu[vcpu].bank;
    pick_from(private, deliverable(vgic, private), 0, intid, &priority);
    for (unsigned i = 0; i + 1 < vgic->num_banks; i++) {
        const struct vgic_bank *bank = &vgic->shared[i];
        uint32_t candidates = deliverable(vgic, bank) & bank->target[vcpu];
        pick_from(bank, candidates, (i + 1) * VGIC_BANK_INTIDS, intid, &priority);
    }
    return priority < 256;
}

/* Takes one pending source of an SGI: each source is an interrupt of its own (3.2.2). */
static uint8_t take_sgi_source(struct vgic_cpu *cpu, unsigned sgi)
{
    unsigned source = (unsigned)__builtin_ctz(cpu->sgi_sources[sgi]);
    cpu->sgi_sources[sgi] &= (uint8_t)(cpu->sgi_sources[sgi] - 1);
    if (cpu->sgi_sources[sgi] != 0) {
        cpu->bank.latched |= bit_of(sgi);
    }
    return (uint8_t)source;
}

static void put_into_list(struct vgic *vgic, unsigned vcpu, unsigned intid, unsigned index)
{
    struct vgic_cpu *cpu = &vgic->cpu[vcpu];
    struct vgic_bank *bank = bank_of(vgic, vcpu, intid);
    bank->latched &= ~bit_of(intid);
    bank->listed |= bit_of(intid);
    cpu->list[index] = (struct vgic_list_register){ .used = true, .intid = (uint16_t)intid };
    if (intid < VGIC_NUM_SGIS) {
        cpu->list[index].source = take_sgi_source(cpu, intid);
    }
    vgic->ops->inject(vcpu, intid, bank->priority[intid % VGIC_BANK_INTIDS] >> PRIORITY_SHIFT,
                      (bank->group & bit_of(intid)) != 0, index);
}

static void deliver_to(struct vgic *vgic, unsigned vcpu)
{
    const struct vgic_cpu *cpu = &vgic->cpu[vcpu];
    for (unsigned index = 0; index < VGIC_LIST_REGISTERS; index++) {
        unsigned intid;
        if (cpu->list[index].used) {
            continue;
        }
        if (!pick(vgic, vcpu, &intid)) {
            return;
        }
        put_into_list(vgic, vcpu, intid, index);
    }
}

void vgic_deliver(struct vgic *vgic)
{
    for (unsigned vcpu = 0; vcpu < vgic->num_vcpus; vcpu++) {
        if (vgic->cpu[vcpu].online) {
            deliver_to(vgic, vcpu);
        }
    }
}

/* Lets those of a bank's interrupts that the kernel holds back fire again. */
static void release(struct vgic *vgic, unsigned vcpu, unsigned bank_index, uint32_t bits)
{
    struct vgic_bank *bank = bank_of(vgic, vcpu, bank_index * VGIC_BANK_INTIDS);
    bits &= bank->held;
    bank->held &= ~bits;
    for (; bits != 0; bits &= bits - 1) {
        vgic->ops->ack(vcpu, bank_index * VGIC_BANK_INTIDS + (unsigned)__builtin_ctz(bits));
    }
}

static void reset_bank(struct vgic *vgic, unsigned bank_index)
{
    struct vgic_bank *bank = &vgic->shared[bank_index - 1];
    release(vgic, 0, bank_index, ~0u);
    *bank = (struct vgic_bank){ .line = bank->line };
    if (vgic->num_vcpus == 1) {
        bank->target[0] = ~0u; /* one vCPU is every SPI's target (4.3.12) */
    }
}

void vgic_reset(struct vgic *vgic)
{
    vgic->ctlr = 0;
    for (unsigned vcpu = 0; vcpu < vgic->num_vcpus; vcpu++) {
        struct vgic_cpu *cpu = &vgic->cpu[vcpu];
        release(vgic, vcpu, 0, ~0u);
        *cpu = (struct vgic_cpu){ .online = false };
        cpu->bank.enabled = SGI_BITS; /* SGIs are always enabled, and edges */
        cpu->bank.edge = SGI_BITS;
    }
    for (unsigned i = 1; i < VGIC_MAX_BANKS; i++) {
        reset_bank(vgic, i);
    }
}

void vgic_init(struct vgic *vgic, const struct vgic_ops *ops, unsigned num_vcpus,
               unsigned last_intid)
{
    memset(vgic, 0, sizeof(*vgic));
    vgic->ops = ops;
    vgic->num_vcpus = num_vcpus;
    vgic->num_banks = last_intid / VGIC_BANK_INTIDS + 1;
    vgic_reset(vgic);
}

void vgic_cpu_on(struct vgic *vgic, unsigned vcpu)
{
    vgic->cpu[vcpu].online = true;
    deliver_to(vgic, vcpu);
}

/* What a list register held was perhaps not seen: pending again, or as its line says. */
static void take_back(struct vgic *vgic, unsigned vcpu, struct vgic_list_register *list)
{
    struct vgic_cpu *cpu = &vgic->cpu[vcpu];
    struct vgic_bank *bank = bank_of(vgic, vcpu, list->intid);
    bank->listed &= ~bit_of(list->intid);
    bank->latched |= (bank->edge | bank->held) & bit_of(list->intid);
    if (list->intid < VGIC_NUM_SGIS) {
        cpu->sgi_sources[list->intid] |= (uint8_t)(1u << list->source);
    }
    list->used = false;
}

void vgic_cpu_off(struct vgic *vgic, unsigned vcpu)
{
    struct vgic_cpu *cpu = &vgic->cpu[vcpu];
    cpu->online = false;
    for (unsigned index = 0; index < VGIC_LIST_REGISTERS; index++) {
        if (cpu->list[index].used) {
            take_back(vgic, vcpu, &cpu->list[index]);
        }
    }
    /* The vCPU's next start turns its timer off: nothing is left of an interrupt from it. */
    cpu->bank.latched &= ~cpu->bank.held;
    release(vgic, vcpu, 0, ~0u);
    vgic_deliver(vgic);
}

static bool is_spi(const struct vgic *vgic, uint64_t intid)
{
    return intid >= VGIC_FIRST_SPI && intid / VGIC_BANK_INTIDS < vgic->num_banks &&
           intid <= VGIC_LAST_SPI;
}

void vgic_set_line(void *controller, uint32_t intid, bool level)
{
    struct vgic *vgic = controller;
    if (!is_spi(vgic, intid)) {
        return;
    }
    struct vgic_bank *bank = bank_of(vgic, 0, intid);
    uint32_t bit = bit_of(intid);
    if (!level) {
        bank->line &= ~bit;
        return;
    }
    bank->latched |= bit & bank->edge & ~bank->line;
    bank->line |= bit;
    if ((deliverable(vgic, bank) & bit) != 0) {
        vgic_deliver(vgic);
    }
}

void vgic_fired(struct vgic *vgic, unsigned vcpu, uint64_t intid)
{
    bool is_ppi = intid >= VGIC_NUM_SGIS && intid < VGIC_FIRST_SPI;
    if (!is_ppi && !is_spi(vgic, intid)) {
        return;
    }
    struct vgic_bank *bank = bank_of(vgic, vcpu, (unsigned)intid);
    bank->held |= bit_of((unsigned)intid);
    bank->latched |= bit_of((unsigned)intid);
    if ((deliverable(vgic, bank) & bit_of((unsigned)intid)) != 0) {
        vgic_deliver(vgic);
    }
}

void vgic_maintenance(struct vgic *vgic, unsigned vcpu, uint64_t index)
{
    struct vgic_cpu *cpu = &vgic->cpu[vcpu];
    if (index >= VGIC_LIST_REGISTERS || !cpu->list[index].used) {
        return;
    }
    unsigned intid = cpu->list[index].intid;
    struct vgic_bank *bank = bank_of(vgic, vcpu, intid);
    cpu->list[index].used = false;
    bank->listed &= ~bit_of(intid);
    /* What has become pending meanwhile is released when that has been delivered too. */
    release(vgic, vcpu, intid / VGIC_BANK_INTIDS, bit_of(intid) & ~bank->latched);
    /* The freed register is for this vCPU, but the interrupt may be another vCPU's as well. */
    vgic_deliver(vgic);
}

void vgic_clear_pending(struct vgic *vgic, unsigned bank_index, uint32_t bits)
{
    unsigned vcpu = vgic->accessor;
    struct vgic_bank *bank = bank_of(vgic, vcpu, bank_index * VGIC_BANK_INTIDS);
    bank->latched &= ~bits;
    /* The line itself is not cleared: if it is still high, the interrupt fires once more. */
    release(vgic, vcpu, bank_index, bits & ~bank->listed);
}

void vgic_send_sgi(struct vgic *vgic, unsigned from, uint32_t targets, unsigned sgi)
{
    for (unsigned vcpu = 0; vcpu < vgic->num_vcpus; vcpu++) {
        if ((targets & 1u << vcpu) != 0) {
            vgic->cpu[vcpu].sgi_sources[sgi] |= (uint8_t)(1u << from);
            vgic->cpu[vcpu].bank.latched |= bit_of(sgi);
        }
    }
}
