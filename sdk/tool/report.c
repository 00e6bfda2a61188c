/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include <string.h>

/* Rights as text, by value, like report_size(). */
struct perms_text {
    char bytes[4];
};

static struct perms_text perms_text(unsigned perms)
{
    return (struct perms_text){ { perms & PERM_READ ? 'r' : '-', perms & PERM_WRITE ? 'w' : '-',
                                  perms & PERM_EXECUTE ? 'x' : '-' } };
}

/* The bytes of all parts of the image that are `what`, and the first such part. */
static uint64_t sum_of(const struct layout *l, const char *what, const struct layout_part **first)
{
    uint64_t sum = 0;
    *first = NULL;
    for (EACH(part, l, parts)) {
        if (part->in_image && strcmp(part->what, what) == 0) {
            *first = *first ? *first : part;
            sum += part->bytes;
        }
    }
    return sum;
}

static void write_size(FILE *out, uint64_t bytes, const char *what, const char *which)
{
    fprintf(out, "  %12s  %s%s\n", report_size(bytes).bytes, what, which);
}

static void write_sums(const struct build *b, FILE *out)
{
    const struct layout *l = &b->layout;
    fprintf(out, "IMAGE\n  0x%lx to 0x%lx, %s\n", l->image_base, l->image_base + b->image_bytes - 1,
            report_size(b->image_bytes).bytes);
    for (EACH(part, l, parts)) {
        const struct layout_part *first;
        uint64_t sum = sum_of(l, part->what, &first);
        if (first == part) {
            write_size(out, sum, part->what, "");
        }
    }
    fprintf(out, "\nPAGE TABLES\n");
    write_size(out, b->tables.kernel_pages * MODEL_PAGE, "kernel", "");
    for (EACH(pd, &b->system, pds)) {
        write_size(out, pd->table_pages * MODEL_PAGE, "", pd->name);
    }
    for (EACH(vm, &b->system, vms)) {
        write_size(out, vm->table_pages * MODEL_PAGE, "guest ", vm->name);
    }
}

static void write_range(FILE *out, uint64_t vaddr, uint64_t paddr, uint64_t bytes, unsigned perms,
                        const char *kind, const char *name)
{
    fprintf(out, "    0x%010lx  at 0x%010lx  %10s  %s  %-8s  %s\n", vaddr, paddr,
            report_size(bytes).bytes, perms_text(perms).bytes, kind, name);
}

static void write_mappings(const struct system *s, bool in_vm, unsigned owner, FILE *out)
{
    for (EACH(m, s, mappings)) {
        const struct region *r = &s->regions[m->region];
        if (m->in_vm == in_vm && m->owner == owner) {
            write_range(out, m->vaddr, r->paddr, r->size, m->perms,
                        !r->in_ram  ? "device"
                        : m->cached ? "cached"
                                    : "uncached",
                        r->name);
        }
    }
}

static void write_address_space(const struct system *s, const struct pd *pd, FILE *out)
{
    const unsigned data = PERM_READ | PERM_WRITE;
    fprintf(out, "  memory (vaddr, paddr, size, rights)\n");
    for (EACH(segment, &pd->elf, segments)) {
        write_range(out, segment->base, segment->paddr, segment->bytes, segment->perms, "cached",
                    "(program)");
    }
    write_range(out, pd->ipc_vaddr, pd->ipc_paddr, MODEL_PAGE, data, "cached", "(IPC buffer)");
    write_mappings(s, false, (unsigned)(pd - s->pds), out);
    write_range(out, IMAGE_STACK_TOP_VADDR - pd->stack_bytes, pd->stack_paddr, pd->stack_bytes,
                data, "cached", "(stack)");
    for (EACH(vcpu, s, vcpus)) {
        if (vcpu->vm == pd->vm) {
            write_range(out, IMAGE_VCPU_FRAME_VADDR(vcpu->id), vcpu->frame_paddr, MODEL_PAGE, data,
                        "cached", "(registers of a vCPU)");
        }
    }
}

static void write_channels(const struct system *s, unsigned index, FILE *out)
{
    static const char *const verbs[] = { "hears", "notifies", "calls", "notifies and calls" };
    for (EACH(end, s, ends)) {
        if (end->pd == index) {
            fprintf(out, "  channel %lu: %s %s (its channel %lu)\n", end->id,
                    verbs[end->may_notify + 2 * end->may_call], model_peer(s, end)->pd_name,
                    model_peer(s, end)->id);
        }
    }
    for (EACH(irq, s, irqs)) {
        if (irq->pd != index) {
            continue;
        }
        fprintf(out, "  channel %lu: interrupt %lu, %s", irq->id, irq->named,
                irq->edge ? "edge" : "level");
        if (irq->intid != irq->named) {
            fprintf(out, " (INTID %lu here; the PD has the physical timer)", irq->intid);
        }
        fprintf(out, "\n");
    }
}

static void write_schedule(const struct schedule *schedule, FILE *out)
{
    fprintf(out, "  priority %lu, %lu us of each %lu us", schedule->priority, schedule->budget_us,
            schedule->period_us);
}

static void write_pd(const struct system *s, const struct pd *pd, FILE *out)
{
    fprintf(out, "\nPROTECTION DOMAIN %s\n  program %s\n", pd->name, pd->program_path);
    write_schedule(&pd->schedule, out);
    fprintf(out, "%s%s\n", pd->passive ? ", passive" : "",
            pd->smc ? ", may call the firmware (SMC)" : "");
    if (pd->parent != MODEL_NONE) {
        fprintf(out, "  child %lu of %s, which gets its faults\n", pd->id, s->pds[pd->parent].name);
    }
    if (pd->vm != MODEL_NONE) {
        fprintf(out, "  runs virtual machine %s\n", s->vms[pd->vm].name);
    }
    write_channels(s, (unsigned)(pd - s->pds), out);
    write_address_space(s, pd, out);
}

static void write_vm(const struct system *s, const struct vm *vm, FILE *out)
{
    unsigned index = (unsigned)(vm - s->vms);
    fprintf(out, "\nVIRTUAL MACHINE %s\n  run by %s; vCPUs:", vm->name, s->pds[vm->pd].name);
    for (EACH(vcpu, s, vcpus)) {
        if (vcpu->vm == index) {
            fprintf(out, " %lu", vcpu->id);
        }
    }
    fprintf(out, "\n");
    write_schedule(&vm->schedule, out);
    fprintf(out, "\n  memory (guest address, paddr, size, rights)\n");
    write_mappings(s, true, index, out);
}

/* Writes who has the region, if it is device memory or more than one has it. */
static void write_users(const struct system *s, const struct region *r, FILE *out)
{
    unsigned users = 0, index = (unsigned)(r - s->regions);
    for (EACH(m, s, mappings)) {
        users += m->region == index;
    }
    if (r->in_ram && users < 2) {
        return;
    }
    fprintf(out, "  %s (%s%s):", r->name, report_size(r->size).bytes, r->in_ram ? "" : ", device");
    for (EACH(m, s, mappings)) {
        if (m->region == index) {
            fprintf(out, "  %s%s %s", m->in_vm ? "guest " : "",
                    m->in_vm ? s->vms[m->owner].name : s->pds[m->owner].name,
                    perms_text(m->perms).bytes);
        }
    }
    fprintf(out, "\n");
}

static void write_sharing(const struct system *s, FILE *out)
{
    bool guest_has_device = false;
    fprintf(out, "\nWHO REACHES WHAT: regions of more than one, and device memory\n");
    for (EACH(r, s, regions)) {
        write_users(s, r, out);
    }
    for (EACH(m, s, mappings)) {
        guest_has_device |= m->in_vm && !s->regions[m->region].in_ram;
    }
    if (guest_has_device) {
        fprintf(out, "  No IOMMU stands between devices and RAM: a guest that has a device with "
                     "DMA reaches ALL memory.\n");
    }
}

static void write_part(uint64_t base, uint64_t bytes, const char *what, const char *who, FILE *out)
{
    fprintf(out, "  0x%010lx  %10s  %s %s\n", base, report_size(bytes).bytes, what, who);
}

/* The parts that lie in one range of RAM, and what is free between them. */
static void write_physical(const struct layout *l, const struct image_range *ram, FILE *out)
{
    uint64_t at = ram->base_paddr, end = at + ram->size_bytes;
    for (EACH(part, l, parts)) {
        if (part->base < ram->base_paddr || part->base >= end) {
            continue;
        }
        /* Gaps of less than a page come from alignment, and are nobody's. */
        if (part->base - at >= MODEL_PAGE) {
            write_part(at, part->base - at, "free", "", out);
        }
        write_part(part->base, part->bytes, part->what, part->owner, out);
        at = part->base + part->bytes;
    }
    if (at < end) {
        write_part(at, end - at, "free", "", out);
    }
}

void report_write(const struct build *b, const char *system, const char *config, FILE *out)
{
    const struct system *s = &b->system;
    report_head(b, system, config, out);
    write_sums(b, out);
    for (EACH(pd, s, pds)) {
        write_pd(s, pd, out);
    }
    for (EACH(vm, s, vms)) {
        write_vm(s, vm, out);
    }
    write_sharing(s, out);
    fprintf(out, "\nPHYSICAL MEMORY\n");
    for (EACH(ram, &b->layout, ram)) {
        write_physical(&b->layout, ram, out);
    }
}
