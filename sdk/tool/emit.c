/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/emit.h"
#include <stdio.h>
#include <string.h>

#define SPACE_ID_SHIFT 48 /* ASID of TTBR0_EL2, VMID of VTTBR_EL2 */

struct emitter {
    const struct system *system;
    const struct kernel *kernel;
    const struct layout *layout;
    const struct tables *tables;
    uint8_t *image;
};

/* Where the byte of physical address `paddr` lies; only for what the layout put into the image. */
static uint8_t *at(const struct emitter *e, uint64_t paddr)
{
    return e->image + (paddr - e->layout->image_base);
}

static void copy_segments(const struct emitter *e, const struct elf *elf)
{
    for (unsigned i = 0; i < elf->num_segments; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        if (segment->file_bytes)
            memcpy(at(e, segment->paddr + segment->vaddr % MODEL_PAGE), segment->data,
                   segment->file_bytes);
    }
}

static uint64_t kernel_vaddr(const struct emitter *e, uint64_t paddr)
{
    return paddr + e->kernel->info.vaddr_offset;
}

/* ---- Symbols of programs --------------------------------------------------------------------- */

/* Writes a variable of the program's copy. */
static bool patch(const struct emitter *e, const struct pd *pd, unsigned long line,
                  const char *symbol, const void *value, uint64_t bytes)
{
    uint64_t vaddr, symbol_bytes;

    if (!elf_symbol(&pd->elf, symbol, &vaddr, &symbol_bytes))
        return error_at(e->system->error, line,
                        "the program \"%s\" has no symbol \"%s\"; define it as a global variable, "
                        "or correct the name",
                        pd->program_path, symbol);
    const struct elf_segment *segment = elf_segment_at(&pd->elf, vaddr, bytes);
    if (!segment || (symbol_bytes && symbol_bytes < bytes))
        return error_at(e->system->error, line,
                        "the symbol \"%s\" of the program \"%s\" has no room for %lu bytes; make "
                        "it a variable of that size",
                        symbol, pd->program_path, bytes);
    memcpy(at(e, segment->paddr + (vaddr - model_segment_base(segment))), value, bytes);
    return true;
}

static uint64_t setvar_value(const struct system *s, const struct setvar *setvar)
{
    switch (setvar->kind) {
    case SETVAR_VADDR:
        return s->mappings[setvar->of].vaddr;
    case SETVAR_SIZE:
        return s->regions[s->mappings[setvar->of].region].size;
    case SETVAR_PADDR:
        return s->regions[setvar->of].paddr;
    case SETVAR_ID:
        return s->irqs[setvar->of].id;
    }
    return 0;
}

/* The variables that every program has; `thread` is complete. */
static bool patch_program(const struct emitter *e, const struct pd *pd,
                          const struct image_thread *thread)
{
    uint64_t irqs = 0, notifications = 0, calls = 0;
    unsigned long line = pd->program_line;
    uint8_t passive = pd->passive;

    for (unsigned id = 0; id < IMAGE_MAX_CHANNEL; id++) {
        unsigned flags = thread->channel[id].flags;
        irqs |= (uint64_t) !!(flags & IMAGE_IRQ) << id;
        notifications |= (uint64_t) !!(flags & IMAGE_MAY_NOTIFY) << id;
        calls |= (uint64_t) !!(flags & IMAGE_MAY_CALL) << id;
    }
    return patch(e, pd, line, "microkit_name", thread->name, sizeof thread->name) &&
           patch(e, pd, line, "microkit_passive", &passive, sizeof passive) &&
           patch(e, pd, line, "microkit_irqs", &irqs, sizeof irqs) &&
           patch(e, pd, line, "microkit_notifications", &notifications, sizeof notifications) &&
           patch(e, pd, line, "microkit_pps", &calls, sizeof calls);
}

static bool emit_programs(const struct emitter *e)
{
    const struct image_thread *threads = (void *)at(e, e->layout->threads_paddr);
    const struct system *s = e->system;

    for (unsigned i = 0; i < s->num_pds; i++) {
        copy_segments(e, &s->pds[i].elf);
        if (!patch_program(e, &s->pds[i], &threads[i]))
            return false;
    }
    for (unsigned i = 0; i < s->num_setvars; i++) {
        const struct setvar *setvar = &s->setvars[i];
        uint64_t value = setvar_value(s, setvar);
        if (!patch(e, &s->pds[setvar->pd], setvar->line, setvar->symbol, &value, sizeof value))
            return false;
    }
    return true;
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void init_thread(struct image_thread *thread, enum image_thread_kind kind, const char *name,
                        const struct schedule *schedule, uint64_t id)
{
    snprintf(thread->name, sizeof thread->name, "%s", name);
    thread->kind = (uint8_t)kind;
    thread->priority = (uint8_t)schedule->priority;
    thread->budget_us = (uint32_t)schedule->budget_us;
    thread->period_us = (uint32_t)schedule->period_us;
    thread->id = (uint8_t)id;
    thread->parent = IMAGE_NONE;
    for (unsigned i = 0; i < IMAGE_MAX_CHANNEL; i++)
        thread->child[i] = IMAGE_NONE;
    for (unsigned i = 0; i < IMAGE_VM_VCPUS; i++)
        thread->vcpu[i] = IMAGE_NONE;
}

static void emit_pd(const struct emitter *e, struct image_thread *threads, unsigned index)
{
    const struct pd *pd = &e->system->pds[index];
    struct image_thread *thread = &threads[index];

    init_thread(thread, IMAGE_PD, pd->name, &pd->schedule, pd->id);
    thread->flags = (pd->passive ? IMAGE_PASSIVE : 0) | (pd->smc ? IMAGE_SMC : 0) |
                    (pd->owns_ptimer ? IMAGE_PTIMER : 0);
    thread->space = pd->root_paddr | (uint64_t)(index + 1) << SPACE_ID_SHIFT;
    thread->entry_vaddr = pd->elf.entry;
    thread->stack_vaddr = IMAGE_STACK_TOP_VADDR;
    thread->frame_paddr = pd->ipc_paddr;
    if (pd->parent != MODEL_NONE) {
        thread->parent = (uint16_t)pd->parent;
        threads[pd->parent].child[pd->id] = (uint16_t)index;
    }
}

static void emit_vcpu(const struct emitter *e, struct image_thread *threads, unsigned index)
{
    const struct vcpu *vcpu = &e->system->vcpus[index];
    const struct vm *vm = &e->system->vms[vcpu->vm];
    unsigned thread_index = model_thread_of_vcpu(e->system, index);
    struct image_thread *thread = &threads[thread_index];

    init_thread(thread, IMAGE_VCPU, vm->name, &vm->schedule, vcpu->id);
    thread->space = vm->root_paddr | (uint64_t)(vcpu->vm + 1) << SPACE_ID_SHIFT;
    thread->frame_paddr = vcpu->frame_paddr;
    thread->parent = (uint16_t)vm->pd;
    threads[vm->pd].vcpu[vcpu->id] = (uint16_t)thread_index;
}

static void emit_channels(const struct system *s, struct image_thread *threads,
                          struct image_irq *irqs)
{
    for (unsigned i = 0; i < s->num_channels; i++)
        for (unsigned side = 0; side < 2; side++) {
            const struct channel_end *end = &s->channels[i].end[side];
            const struct channel_end *peer = &s->channels[i].end[!side];
            threads[end->pd].channel[end->id] = (struct image_channel){
                .flags =
                    (end->may_notify ? IMAGE_MAY_NOTIFY : 0) | (end->may_call ? IMAGE_MAY_CALL : 0),
                .peer_channel = (uint8_t)peer->id,
                .peer = (uint16_t)peer->pd,
            };
        }
    for (unsigned i = 0; i < s->num_irqs; i++) {
        const struct irq *irq = &s->irqs[i];
        threads[irq->pd].channel[irq->id] =
            (struct image_channel){ .flags = IMAGE_IRQ, .peer = (uint16_t)i };
        irqs[i] = (struct image_irq){ .intid = (uint32_t)irq->intid,
                                      .thread = (uint16_t)irq->pd,
                                      .channel = (uint8_t)irq->id,
                                      .edge = irq->edge };
    }
}

static void emit_threads(const struct emitter *e)
{
    /* In place: the layout has aligned them. */
    struct image_thread *threads = (void *)at(e, e->layout->threads_paddr);

    for (unsigned i = 0; i < e->system->num_pds; i++)
        emit_pd(e, threads, i);
    for (unsigned i = 0; i < e->system->num_vcpus; i++)
        emit_vcpu(e, threads, i);
    emit_channels(e->system, threads, (void *)at(e, e->layout->irqs_paddr));
}

/* ---- The rest -------------------------------------------------------------------------------- */

static void emit_info(const struct emitter *e)
{
    const struct layout *l = e->layout;
    struct image_info info = {
        .magic = IMAGE_MAGIC,
        .kernel_ttbr1 = e->tables->kernel_ttbr1,
        .boot_ttbr0 = e->tables->boot_ttbr0,
        .idle_ttbr0 = e->tables->idle_ttbr0,
        .threads_vaddr = kernel_vaddr(e, l->threads_paddr),
        .objects_vaddr = kernel_vaddr(e, l->objects_paddr),
        .irqs_vaddr = kernel_vaddr(e, l->irqs_paddr),
        .zero_vaddr = kernel_vaddr(e, l->zero_paddr),
        .num_threads = model_num_threads(e->system),
        .num_irqs = e->system->num_irqs,
        .num_zero = l->num_zero,
    };

    memcpy(at(e, e->kernel->image_info_vaddr - e->kernel->info.vaddr_offset), &info, sizeof info);
    memcpy(at(e, l->zero_paddr), l->zero, l->num_zero * sizeof *l->zero);
    for (unsigned i = 0; i < e->tables->num_pages; i++)
        memcpy(at(e, l->tables_paddr + i * MODEL_PAGE), e->tables->pages[i], MODEL_PAGE);
}

static void emit_prefilled(const struct emitter *e)
{
    for (unsigned i = 0; i < e->system->num_regions; i++) {
        const struct region *r = &e->system->regions[i];
        if (r->prefill_bytes)
            memcpy(at(e, r->paddr), r->prefill, r->prefill_bytes);
    }
}

uint8_t *emit_image(const struct system *system, const struct kernel *kernel,
                    const struct layout *layout, const struct tables *tables, size_t *size)
{
    *size = model_align_up(layout->image_end, MODEL_PAGE) - layout->image_base;
    struct emitter e = { system, kernel, layout, tables, arena_alloc(system->arena, *size) };

    copy_segments(&e, &kernel->elf);
    emit_threads(&e);
    emit_info(&e);
    emit_prefilled(&e);
    return emit_programs(&e) ? e.image : NULL;
}
