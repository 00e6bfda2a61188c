/* SPDX-License-Identifier: BSD-2-Clause */
/* The distributor's registers (ARM IHI 0048B, table 4-1 and 4.3), as a table. */
#include "vmm/arch/aarch64/vgic.h"

#include <stddef.h>

#define SGI_BITS      0xffffu
#define PRIORITY_BITS 0xf8u
#define CTLR_BITS     3u
/* IIDR: JEP106 code of Arm, as a GIC-400 and KVM's have it; the product is our own, 'C'. */
#define IIDR       0x4300043bu
#define TYPER_CPUS 5

/*
 * One kind of register. `n` counts its words from `first`, or its bytes where it may be accessed
 * by byte. A missing function means RAZ or WI.
 */
struct dist_register {
    uint16_t first, end;
    bool by_byte;
    uint32_t (*read)(struct vgic *vgic, unsigned n);
    void (*write)(struct vgic *vgic, unsigned n, uint32_t value);
};

/* The accessing vCPU's view of 32 interrupts, or NULL beyond ITLinesNumber. */
static struct vgic_bank *bank_at(struct vgic *vgic, unsigned index)
{
    if (index >= vgic->num_banks) {
        return NULL;
    }
    return index == 0 ? &vgic->cpu[vgic->accessor].bank : &vgic->shared[index - 1];
}

/* Bits of a bank that are interrupts: INTIDs 1020 to 1023 are none (2.2.1). */
static uint32_t implemented(unsigned index)
{
    return index == VGIC_MAX_BANKS - 1 ? 0x0fffffffu : 0xffffffffu;
}

/* The same without SGIs, whose enable bits and pending bits are read-only (4.3.5, 4.3.7). */
static uint32_t settable(unsigned index)
{
    return index == 0 ? ~SGI_BITS : implemented(index);
}

static uint32_t read_ident(struct vgic *vgic, unsigned n)
{
    uint32_t typer = (vgic->num_vcpus - 1) << TYPER_CPUS | (vgic->num_banks - 1);
    const uint32_t words[] = { vgic->ctlr, typer, IIDR };
    return words[n];
}

static void write_ctlr(struct vgic *vgic, unsigned n, uint32_t value)
{
    if (n == 0) {
        vgic->ctlr = value & CTLR_BITS;
    }
}

static uint32_t read_group(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n);
    return bank != NULL ? bank->group : 0;
}

static void write_group(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n);
    if (bank != NULL) {
        bank->group = value & implemented(n);
    }
}

static uint32_t read_enabled(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n);
    return bank != NULL ? bank->enabled : 0;
}

static void set_enabled(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n);
    if (bank != NULL) {
        bank->enabled |= value & settable(n);
    }
}

static void clear_enabled(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n);
    if (bank != NULL) {
        bank->enabled &= ~(value & settable(n));
    }
}

static uint32_t read_pending(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n);
    return bank != NULL ? bank->latched | (bank->line & ~bank->edge) | bank->listed : 0;
}

static void set_pending(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n);
    if (bank != NULL) {
        bank->latched |= value & settable(n);
    }
}

static void clear_pending(struct vgic *vgic, unsigned n, uint32_t value)
{
    if (n < vgic->num_banks) {
        vgic_clear_pending(vgic, n, value & settable(n));
    }
}

static uint32_t read_active(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n);
    return bank != NULL ? bank->active | bank->listed : 0;
}

static void set_active(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n);
    if (bank != NULL) {
        bank->active |= value & implemented(n);
    }
}

static void clear_active(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n);
    if (bank != NULL) {
        bank->active &= ~value;
    }
}

static uint32_t read_priority(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n / VGIC_BANK_INTIDS);
    return bank != NULL ? bank->priority[n % VGIC_BANK_INTIDS] : 0;
}

static void write_priority(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n / VGIC_BANK_INTIDS);
    if (bank != NULL && n <= VGIC_LAST_SPI) {
        bank->priority[n % VGIC_BANK_INTIDS] = value & PRIORITY_BITS;
    }
}

/* 4.3.12: RAZ/WI with one vCPU; the banked ones tell a vCPU who it is. */
static uint32_t read_target(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n / VGIC_BANK_INTIDS);
    uint32_t targets = 0;
    if (bank == NULL || vgic->num_vcpus == 1) {
        return 0;
    }
    if (n < VGIC_FIRST_SPI) {
        return 1u << vgic->accessor;
    }
    for (unsigned vcpu = 0; vcpu < vgic->num_vcpus; vcpu++) {
        targets |= (bank->target[vcpu] >> n % VGIC_BANK_INTIDS & 1) << vcpu;
    }
    return targets;
}

static void write_target(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n / VGIC_BANK_INTIDS);
    uint32_t bit = 1u << n % VGIC_BANK_INTIDS;
    if (bank == NULL || vgic->num_vcpus == 1 || n < VGIC_FIRST_SPI || n > VGIC_LAST_SPI) {
        return;
    }
    for (unsigned vcpu = 0; vcpu < vgic->num_vcpus; vcpu++) {
        bank->target[vcpu] &= ~bit;
        bank->target[vcpu] |= (value >> vcpu & 1) != 0 ? bit : 0;
    }
}

/* 4.3.13: two bits an interrupt, of which the upper one says "edge". */
static uint32_t read_config(struct vgic *vgic, unsigned n)
{
    const struct vgic_bank *bank = bank_at(vgic, n / 2);
    uint32_t value = 0;
    for (unsigned i = 0; bank != NULL && i < 16; i++) {
        value |= (bank->edge >> (n % 2 * 16 + i) & 1) << (2 * i + 1);
    }
    return value;
}

static void write_config(struct vgic *vgic, unsigned n, uint32_t value)
{
    struct vgic_bank *bank = bank_at(vgic, n / 2);
    uint32_t edge = 0;
    uint32_t half = 0xffffu << n % 2 * 16 & settable(n / 2);
    for (unsigned i = 0; i < 16; i++) {
        edge |= (value >> (2 * i + 1) & 1) << (n % 2 * 16 + i);
    }
    if (bank != NULL) {
        bank->edge = (bank->edge & ~half) | (edge & half);
    }
}

/* 4.3.15: targets by list, all but the sender, or the sender; vCPUs that do not exist are none. */
static void write_sgir(struct vgic *vgic, unsigned n, uint32_t value)
{
    uint32_t self = 1u << vgic->accessor;
    const uint32_t targets[] = { value >> 16 & 0xff, ~self, self, 0 };
    (void)n;
    vgic_send_sgi(vgic, vgic->accessor, targets[value >> 24 & 3], value & 15);
}

static uint32_t read_sgi_sources(struct vgic *vgic, unsigned n)
{
    return vgic->cpu[vgic->accessor].sgi_sources[n];
}

static void change_sgi_sources(struct vgic *vgic, unsigned n, uint32_t sources)
{
    struct vgic_cpu *cpu = &vgic->cpu[vgic->accessor];
    cpu->sgi_sources[n] = (uint8_t)(sources & ((1u << vgic->num_vcpus) - 1));
    cpu->bank.latched &= ~(1u << n);
    cpu->bank.latched |= cpu->sgi_sources[n] != 0 ? 1u << n : 0;
}

static void set_sgi_sources(struct vgic *vgic, unsigned n, uint32_t value)
{
    change_sgi_sources(vgic, n, read_sgi_sources(vgic, n) | value);
}

static void clear_sgi_sources(struct vgic *vgic, unsigned n, uint32_t value)
{
    change_sgi_sources(vgic, n, read_sgi_sources(vgic, n) & ~value);
}

/* 4.3.18: PIDR4 to 7, PIDR0 to 3 and CIDR0 to 3 of a GIC-400: architecture version 2. */
static uint32_t read_pidr(struct vgic *vgic, unsigned n)
{
    static const uint8_t bytes[] = { 0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1 };
    (void)vgic;
    return bytes[n];
}

static const struct dist_register registers[] = {
    { 0x000, 0x00c, false, read_ident, write_ctlr },
    { 0x080, 0x100, false, read_group, write_group },
    { 0x100, 0x180, false, read_enabled, set_enabled },
    { 0x180, 0x200, false, read_enabled, clear_enabled },
    { 0x200, 0x280, false, read_pending, set_pending },
    { 0x280, 0x300, false, read_pending, clear_pending },
    { 0x300, 0x380, false, read_active, set_active },
    { 0x380, 0x400, false, read_active, clear_active },
    { 0x400, 0x800, true, read_priority, write_priority },
    { 0x800, 0xc00, true, read_target, write_target },
    { 0xc00, 0xd00, false, read_config, write_config },
    { 0xf00, 0xf04, false, NULL, write_sgir },
    { 0xf10, 0xf20, true, read_sgi_sources, clear_sgi_sources },
    { 0xf20, 0xf30, true, read_sgi_sources, set_sgi_sources },
    { 0xfd0, 0x1000, false, read_pidr, NULL },
};

static const struct dist_register *find_register(uint64_t offset, unsigned bytes)
{
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        const struct dist_register *reg = &registers[i];
        if (offset >= reg->first && offset < reg->end) {
            bool fits = reg->by_byte ? bytes <= 4 : bytes == 4 && offset % 4 == 0;
            return fits ? reg : NULL;
        }
    }
    return NULL;
}

uint64_t vgic_read(void *device, uint64_t offset, unsigned bytes)
{
    struct vgic *vgic = device;
    const struct dist_register *reg = find_register(offset, bytes);
    uint64_t value = 0;
    if (reg == NULL || reg->read == NULL) {
        return 0;
    }
    if (!reg->by_byte) {
        return reg->read(vgic, (unsigned)(offset - reg->first) / 4);
    }
    for (unsigned i = 0; i < bytes && offset + i < reg->end; i++) {
        value |= (uint64_t)reg->read(vgic, (unsigned)(offset - reg->first) + i) << 8 * i;
    }
    return value;
}

void vgic_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct vgic *vgic = device;
    const struct dist_register *reg = find_register(offset, bytes);
    if (reg == NULL || reg->write == NULL) {
        return;
    }
    if (!reg->by_byte) {
        reg->write(vgic, (unsigned)(offset - reg->first) / 4, (uint32_t)value);
    }
    for (unsigned i = 0; reg->by_byte && i < bytes && offset + i < reg->end; i++) {
        reg->write(vgic, (unsigned)(offset - reg->first) + i, (uint32_t)(value >> 8 * i) & 0xff);
    }
    /* Whatever was written may have made something deliverable. */
    vgic_deliver(vgic);
}
