/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include <stdio.h>
#include <string.h>

#define SPACE_ID_SHIFT 48 /* ASID of TTBR0_EL2, VMID of VTTBR_EL2 */

/* Where the byte of physical address `paddr` lies; only for what the layout put into the image. */
static uint8_t *at(const struct build *b, uint64_t paddr)
{
    return b->image + (paddr - b->layout.image_base);
}

static void copy_segments(const struct build *b, const struct elf *elf)
{
    for (EACH(s, elf, segments)) {
        memcpy(at(b, s->paddr + s->vaddr % MODEL_PAGE), s->data, s->file_bytes);
    }
}

/* Writes a variable of the program's copy. */
static void patch(const struct build *b, const struct pd *pd, unsigned long line,
                  const char *symbol, const void *value, uint64_t bytes)
{
    uint64_t vaddr = 0, symbol_bytes = 0;
    bool found = elf_symbol(&pd->elf, symbol, &vaddr, &symbol_bytes);
    const struct elf_segment *segment = found ? elf_segment_at(&pd->elf, vaddr, bytes) : NULL;
    if (!found) {
        refuse(&b->system, line,
               "the program \"%s\" has no symbol \"%s\"; define it as a global variable, or "
               "correct the name",
               pd->program_path, symbol);
    } else if (!segment || (symbol_bytes && symbol_bytes < bytes)) {
        refuse(&b->system, line,
               "the symbol \"%s\" of the program \"%s\" has no room for %lu bytes; make it a "
               "variable of that size",
               symbol, pd->program_path, bytes);
    } else {
        memcpy(at(b, segment->paddr + (vaddr - segment->base)), value, bytes);
    }
}

static uint64_t setvar_value(const struct system *s, const struct setvar *v)
{
    return v->kind == SETVAR_VADDR   ? s->mappings[v->of].vaddr
           : v->kind == SETVAR_SIZE  ? s->regions[s->mappings[v->of].region].size
           : v->kind == SETVAR_PADDR ? s->regions[v->of].paddr
                                     : s->irqs[v->of].id;
}

/* The ids of a thread's channels that have the flag, as a mask. */
static uint64_t ids_with(const struct image_thread *thread, unsigned flag)
{
    uint64_t ids = 0;
    for (unsigned id = 0; id < IMAGE_MAX_CHANNEL; id++) {
        ids |= (uint64_t) !!(thread->channel[id].flags & flag) << id;
    }
    return ids;
}

/* The variables that every program has; `thread` is complete. */
static void patch_program(const struct build *b, const struct pd *pd, const struct image_thread *t)
{
    const uint64_t irqs = ids_with(t, IMAGE_IRQ), calls = ids_with(t, IMAGE_MAY_CALL);
    const uint64_t notifications = ids_with(t, IMAGE_MAY_NOTIFY);
    const unsigned long line = pd->program_line;
    const uint8_t passive = pd->passive;
    patch(b, pd, line, "microkit_name", t->name, sizeof t->name);
    patch(b, pd, line, "microkit_passive", &passive, sizeof passive);
    patch(b, pd, line, "microkit_irqs", &irqs, sizeof irqs);
    patch(b, pd, line, "microkit_notifications", &notifications, sizeof notifications);
    patch(b, pd, line, "microkit_pps", &calls, sizeof calls);
}

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
    memset(thread->child, 0xff, sizeof thread->child); /* IMAGE_NONE */
    memset(thread->vcpu, 0xff, sizeof thread->vcpu);
}

static void emit_pd(const struct system *s, struct image_thread *threads, const struct pd *pd)
{
    unsigned index = (unsigned)(pd - s->pds);
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

static void emit_vcpu(const struct system *s, struct image_thread *threads, const struct vcpu *vcpu)
{
    const struct vm *vm = &s->vms[vcpu->vm];
    unsigned index = s->num_pds + (unsigned)(vcpu - s->vcpus);
    struct image_thread *thread = &threads[index];
    init_thread(thread, IMAGE_VCPU, vm->name, &vm->schedule, vcpu->id);
    thread->space = vm->root_paddr | (uint64_t)(vcpu->vm + 1) << SPACE_ID_SHIFT;
    thread->frame_paddr = vcpu->frame_paddr;
    thread->parent = (uint16_t)vm->pd;
    threads[vm->pd].vcpu[vcpu->id] = (uint16_t)index;
}

static void emit_channels(const struct system *s, struct image_thread *threads,
                          struct image_irq *irqs)
{
    for (EACH(end, s, ends)) {
        const struct channel_end *peer = model_peer(s, end);
        threads[end->pd].channel[end->id] = (struct image_channel){
            .flags =
                (end->may_notify ? IMAGE_MAY_NOTIFY : 0) | (end->may_call ? IMAGE_MAY_CALL : 0),
            .peer_channel = (uint8_t)peer->id,
            .peer = (uint16_t)peer->pd,
        };
    }
    for (EACH(irq, s, irqs)) {
        threads[irq->pd].channel[irq->id] =
            (struct image_channel){ .flags = IMAGE_IRQ, .peer = (uint16_t)(irq - s->irqs) };
        irqs[irq - s->irqs] = (struct image_irq){ .intid = (uint32_t)irq->intid,
                                                  .thread = (uint16_t)irq->pd,
                                                  .channel = (uint8_t)irq->id,
                                                  .edge = irq->edge };
    }
}

static void emit_info(const struct build *b)
{
    const struct layout *l = &b->layout;
    const uint64_t offset = b->kernel.info.vaddr_offset;
    struct image_info info = {
        .magic = IMAGE_MAGIC,
        .kernel_ttbr1 = b->tables.kernel_ttbr1,
        .boot_ttbr0 = b->tables.boot_ttbr0,
        .idle_ttbr0 = b->tables.idle_ttbr0,
        .threads_vaddr = l->threads_paddr + offset,
        .objects_vaddr = l->objects_paddr + offset,
        .irqs_vaddr = l->irqs_paddr + offset,
        .zero_vaddr = l->zero_paddr + offset,
        .num_threads = b->system.num_pds + b->system.num_vcpus,
        .num_irqs = b->system.num_irqs,
        .num_zero = l->num_zero,
    };
    memcpy(at(b, b->kernel.image_info_vaddr - offset), &info, sizeof info);
    memcpy(at(b, l->zero_paddr), l->zero, l->num_zero * sizeof *l->zero);
    for (unsigned i = 0; i < b->tables.num_pages; i++) {
        memcpy(at(b, l->tables_paddr + i * MODEL_PAGE), b->tables.pages[i], MODEL_PAGE);
    }
}

bool emit_image(struct build *b)
{
    struct system *s = &b->system;
    b->image_bytes = model_align_up(b->layout.image_end, MODEL_PAGE) - b->layout.image_base;
    b->image = arena_alloc(&b->arena, b->image_bytes);
    copy_segments(b, &b->kernel.elf);
    /* In place: the layout has aligned them. */
    struct image_thread *threads = (void *)at(b, b->layout.threads_paddr);
    for (EACH(pd, s, pds)) {
        emit_pd(s, threads, pd);
    }
    for (EACH(vcpu, s, vcpus)) {
        emit_vcpu(s, threads, vcpu);
    }
    emit_channels(s, threads, (void *)at(b, b->layout.irqs_paddr));
    emit_info(b);
    for (EACH(r, s, regions)) {
        if (r->prefill_bytes) {
            memcpy(at(b, r->paddr), r->prefill, r->prefill_bytes);
        }
    }
    for (EACH(pd, s, pds)) {
        copy_segments(b, &pd->elf);
        patch_program(b, pd, &threads[pd - s->pds]);
    }
    for (EACH(v, s, setvars)) {
        uint64_t value = setvar_value(s, v);
        patch(b, &s->pds[v->pd], v->line, v->symbol, &value, sizeof value);
    }
    return model_good(s);
}
