/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/report.h"
#include <inttypes.h>
#include <string.h>

#define SIZE_TEXT 16

static const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
    if (bytes >= 1ul << 20 && bytes % (1ul << 20) == 0)
        snprintf(text, SIZE_TEXT, "%" PRIu64 " MiB", bytes >> 20);
    else if (bytes >= 10ul << 20)
        snprintf(text, SIZE_TEXT, "%.1f MiB", (double)bytes / (1 << 20));
    else if (bytes >= 1024)
        snprintf(text, SIZE_TEXT, "%.*f KiB", bytes % 1024 ? 1 : 0, (double)bytes / 1024);
    else
        snprintf(text, SIZE_TEXT, "%" PRIu64 " B", bytes);
    return text;
}

static void perms_text(unsigned perms, char text[4])
{
    snprintf(text, 4, "%c%c%c", perms & PERM_READ ? 'r' : '-', perms & PERM_WRITE ? 'w' : '-',
             perms & PERM_EXECUTE ? 'x' : '-');
}

static const char *memory_kind(const struct region *region, bool cached)
{
    if (!region->in_ram)
        return "device";
    return cached ? "cached" : "uncached";
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static void write_image(const struct build *b, FILE *out)
{
    const struct layout *l = &b->layout;
    char text[SIZE_TEXT];

    fprintf(out, "IMAGE\n  0x%" PRIx64 " to 0x%" PRIx64 ", %s\n", l->image_base,
            l->image_base + b->image_bytes - 1, size_text(b->image_bytes, text));
    for (unsigned i = 0; i < l->num_parts; i++) {
        const char *what = l->parts[i].what;
        uint64_t sum = 0;
        unsigned count = 0;
        bool is_first = true;
        for (unsigned j = 0; j < l->num_parts; j++) {
            if (!l->parts[j].in_image || strcmp(l->parts[j].what, what) != 0)
                continue;
            is_first &= j >= i;
            sum += l->parts[j].bytes;
            count++;
        }
        if (l->parts[i].in_image && is_first)
            fprintf(out, "  %12s  %s%s\n", size_text(sum, text), what, count > 1 ? " (all)" : "");
    }
}

static void write_memory(const struct build *b, FILE *out)
{
    struct image_range ram[4];
    unsigned num_ram = layout_sure_ram(&b->kernel.info, ram);
    uint64_t total = 0, regions = 0;
    char text[SIZE_TEXT];

    for (unsigned i = 0; i < num_ram; i++)
        total += ram[i].size_bytes;
    for (unsigned i = 0; i < b->layout.num_parts; i++) {
        const struct layout_part *part = &b->layout.parts[i];
        if (!part->in_image && !part->is_device)
            regions += part->bytes;
    }
    fprintf(out, "\nMEMORY\n  %12s  RAM that the board is sure to have\n", size_text(total, text));
    fprintf(out, "  %12s  the image\n", size_text(b->image_bytes, text));
    fprintf(out, "  %12s  memory regions outside of the image\n", size_text(regions, text));
    fprintf(out, "  %12s  page tables (in the image): the kernel's %s", "",
            size_text(b->tables.kernel_pages * MODEL_PAGE, text));
    for (unsigned i = 0; i < b->system.num_pds; i++)
        fprintf(out, ", %s %s", b->system.pds[i].name,
                size_text(b->system.pds[i].table_pages * MODEL_PAGE, text));
    for (unsigned i = 0; i < b->system.num_vms; i++)
        fprintf(out, ", guest %s %s", b->system.vms[i].name,
                size_text(b->system.vms[i].table_pages * MODEL_PAGE, text));
    fprintf(out, "\n");
}

/* ---- Protection domains and virtual machines ------------------------------------------------- */

static void write_range(FILE *out, uint64_t vaddr, uint64_t paddr, uint64_t bytes, unsigned perms,
                        const char *kind, const char *name)
{
    char size[SIZE_TEXT], letters[4];

    perms_text(perms, letters);
    fprintf(out, "    0x%010" PRIx64 "  at 0x%010" PRIx64 "  %10s  %s  %-8s  %s\n", vaddr, paddr,
            size_text(bytes, size), letters, kind, name);
}

static void write_mappings(const struct system *s, bool in_vm, unsigned owner, FILE *out)
{
    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        const struct region *r = &s->regions[m->region];
        if (m->in_vm == in_vm && m->owner == owner)
            write_range(out, m->vaddr, r->paddr, r->size, m->perms, memory_kind(r, m->cached),
                        r->name);
    }
}

static void write_address_space(const struct system *s, unsigned index, FILE *out)
{
    const struct pd *pd = &s->pds[index];

    fprintf(out, "  memory (vaddr, paddr, size, rights)\n");
    for (unsigned i = 0; i < pd->elf.num_segments; i++) {
        const struct elf_segment *segment = &pd->elf.segments[i];
        write_range(out, model_segment_base(segment), segment->paddr, model_segment_bytes(segment),
                    segment->perms, "cached", "(program)");
    }
    write_range(out, IMAGE_STACK_TOP_VADDR - pd->stack_bytes, pd->stack_paddr, pd->stack_bytes,
                PERM_READ | PERM_WRITE, "cached", "(stack)");
    write_range(out, pd->ipc_vaddr, pd->ipc_paddr, MODEL_PAGE, PERM_READ | PERM_WRITE, "cached",
                "(IPC buffer)");
    for (unsigned i = 0; i < s->num_vcpus; i++)
        if (s->vcpus[i].vm == pd->vm)
            write_range(out, IMAGE_VCPU_FRAME_VADDR(s->vcpus[i].id), s->vcpus[i].frame_paddr,
                        MODEL_PAGE, PERM_READ | PERM_WRITE, "cached", "(registers of a vCPU)");
    write_mappings(s, false, index, out);
}

static const char *verb_of(const struct channel_end *end)
{
    if (end->may_call)
        return end->may_notify ? "notifies and calls" : "calls";
    return end->may_notify ? "notifies" : "hears";
}

static void write_channels(const struct system *s, unsigned index, FILE *out)
{
    for (unsigned i = 0; i < s->num_channels; i++)
        for (unsigned side = 0; side < 2; side++) {
            const struct channel_end *end = &s->channels[i].end[side];
            const struct channel_end *peer = &s->channels[i].end[!side];
            if (end->pd == index)
                fprintf(out, "  channel %" PRIu64 ": %s %s (its channel %" PRIu64 ")\n", end->id,
                        verb_of(end), peer->pd_name, peer->id);
        }
    for (unsigned i = 0; i < s->num_irqs; i++) {
        const struct irq *irq = &s->irqs[i];
        if (irq->pd != index)
            continue;
        fprintf(out, "  channel %" PRIu64 ": interrupt %" PRIu64 ", %s", irq->id, irq->named,
                irq->edge ? "edge" : "level");
        if (irq->intid != irq->named)
            fprintf(out, " (INTID %" PRIu64 " here; the PD has the physical timer)", irq->intid);
        fprintf(out, "\n");
    }
}

static void write_schedule(const struct schedule *schedule, FILE *out)
{
    fprintf(out, "  priority %" PRIu64 ", %" PRIu64 " us of each %" PRIu64 " us",
            schedule->priority, schedule->budget_us, schedule->period_us);
}

static void write_pd(const struct system *s, unsigned index, FILE *out)
{
    const struct pd *pd = &s->pds[index];

    fprintf(out, "\nPROTECTION DOMAIN %s\n  program %s\n", pd->name, pd->program_path);
    write_schedule(&pd->schedule, out);
    fprintf(out, "%s%s\n", pd->passive ? ", passive" : "",
            pd->smc ? ", may call the firmware (SMC)" : "");
    if (pd->parent != MODEL_NONE)
        fprintf(out, "  child %" PRIu64 " of %s, which gets its faults\n", pd->id,
                s->pds[pd->parent].name);
    if (pd->vm != MODEL_NONE)
        fprintf(out, "  runs virtual machine %s\n", s->vms[pd->vm].name);
    write_channels(s, index, out);
    write_address_space(s, index, out);
}

static void write_vm(const struct system *s, unsigned index, FILE *out)
{
    const struct vm *vm = &s->vms[index];

    fprintf(out, "\nVIRTUAL MACHINE %s\n  run by %s; vCPUs:", vm->name, s->pds[vm->pd].name);
    for (unsigned i = 0; i < s->num_vcpus; i++)
        if (s->vcpus[i].vm == index)
            fprintf(out, " %" PRIu64, s->vcpus[i].id);
    fprintf(out, "\n");
    write_schedule(&vm->schedule, out);
    fprintf(out, "\n  memory (guest address, paddr, size, rights)\n");
    write_mappings(s, true, index, out);
}

/* ---- Who reaches what ------------------------------------------------------------------------ */

/* May this mapping's PD or VM have been named by an earlier mapping of the region? */
static bool is_named_before(const struct system *s, unsigned mapping)
{
    for (unsigned i = 0; i < mapping; i++)
        if (s->mappings[i].region == s->mappings[mapping].region &&
            s->mappings[i].in_vm == s->mappings[mapping].in_vm &&
            s->mappings[i].owner == s->mappings[mapping].owner)
            return true;
    return false;
}

/* All rights that the PD or VM of `mapping` has on its region. */
static unsigned rights_of(const struct system *s, const struct mapping *mapping)
{
    unsigned perms = 0;

    for (unsigned i = 0; i < s->num_mappings; i++)
        if (s->mappings[i].region == mapping->region && s->mappings[i].in_vm == mapping->in_vm &&
            s->mappings[i].owner == mapping->owner)
            perms |= s->mappings[i].perms;
    return perms;
}

static unsigned count_users(const struct system *s, unsigned region)
{
    unsigned users = 0;

    for (unsigned i = 0; i < s->num_mappings; i++)
        users += s->mappings[i].region == region && !is_named_before(s, i);
    return users;
}

static void write_users(const struct system *s, unsigned region, FILE *out)
{
    const struct region *r = &s->regions[region];
    char size[SIZE_TEXT], letters[4];

    fprintf(out, "  %s (%s%s):", r->name, size_text(r->size, size),
            r->in_ram ? "" : ", device memory");
    for (unsigned i = 0; i < s->num_mappings; i++) {
        const struct mapping *m = &s->mappings[i];
        if (m->region != region || is_named_before(s, i))
            continue;
        perms_text(rights_of(s, m), letters);
        fprintf(out, "  %s%s %s", m->in_vm ? "guest " : "",
                m->in_vm ? s->vms[m->owner].name : s->pds[m->owner].name, letters);
    }
    fprintf(out, "\n");
}

static void write_sharing(const struct system *s, FILE *out)
{
    bool has_guest_device = false;

    fprintf(out, "\nWHO REACHES WHAT: regions of more than one\n");
    for (unsigned i = 0; i < s->num_regions; i++)
        if (count_users(s, i) > 1)
            write_users(s, i, out);
    fprintf(out, "\nWHO REACHES WHAT: device memory\n");
    for (unsigned i = 0; i < s->num_regions; i++)
        if (!s->regions[i].in_ram)
            write_users(s, i, out);
    for (unsigned i = 0; i < s->num_mappings; i++)
        has_guest_device |= s->mappings[i].in_vm && !s->regions[s->mappings[i].region].in_ram;
    if (has_guest_device)
        fprintf(out, "  No IOMMU stands between devices and RAM: a guest that has a device with "
                     "DMA reaches ALL memory.\n");
}

/* ---- Physical memory ------------------------------------------------------------------------- */

static void write_gap(uint64_t base, uint64_t end, FILE *out)
{
    char size[SIZE_TEXT];

    if (base < end)
        fprintf(out, "  0x%010" PRIx64 "  %10s  free\n", base, size_text(end - base, size));
}

static void write_part(const struct layout_part *part, FILE *out)
{
    char size[SIZE_TEXT];

    fprintf(out, "  0x%010" PRIx64 "  %10s  %s%s%s%s\n", part->base, size_text(part->bytes, size),
            part->what, part->owner[0] ? " " : "", part->owner,
            part->in_image ? "" : " (cleared at boot)");
}

static void write_physical(const struct build *b, FILE *out)
{
    const struct layout *l = &b->layout;
    struct image_range ram[4];
    unsigned num_ram = layout_sure_ram(&b->kernel.info, ram);

    fprintf(out, "\nPHYSICAL MEMORY\n");
    for (unsigned i = 0; i < num_ram; i++) {
        uint64_t at = ram[i].base_paddr, end = at + ram[i].size_bytes;
        for (unsigned j = 0; j < l->num_parts; j++) {
            const struct layout_part *part = &l->parts[j];
            if (part->base < ram[i].base_paddr || part->base >= end)
                continue;
            /* Gaps of less than a page come from alignment, and are nobody's. */
            if (part->base - at >= MODEL_PAGE)
                write_gap(at, part->base, out);
            write_part(part, out);
            at = part->base + part->bytes;
        }
        write_gap(at, end, out);
    }
    for (unsigned i = 0; i < b->system.num_regions; i++) {
        const struct region *r = &b->system.regions[i];
        if (r->in_ram && r->fixed &&
            r->paddr >= ram[num_ram - 1].base_paddr + ram[num_ram - 1].size_bytes)
            fprintf(out,
                    "  NOTE: %s lies beyond the RAM that the board is sure to have; it needs "
                    "RAM up to 0x%" PRIx64 "\n",
                    r->name, r->paddr + r->size - 1);
    }
}

void report_write(const struct build *b, FILE *out)
{
    const struct system *s = &b->system;

    fprintf(out,
            "Board %.32s: %u protection domains, %u virtual machines with %u vCPUs, %u memory "
            "regions, %u channels, %u interrupts\n\n",
            b->kernel.info.board, s->num_pds, s->num_vms, s->num_vcpus, s->num_regions,
            s->num_channels, s->num_irqs);
    write_image(b, out);
    write_memory(b, out);
    for (unsigned i = 0; i < s->num_pds; i++)
        write_pd(s, i, out);
    for (unsigned i = 0; i < s->num_vms; i++)
        write_vm(s, i, out);
    write_sharing(s, out);
    write_physical(b, out);
}
