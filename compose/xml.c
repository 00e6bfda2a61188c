/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/limits.h"
#include "compose/output.h"

#include <inttypes.h>

#define NOT_A_CHILD -1 /* the number before the first child's */

/* Nothing here needs escaping: names are letters, digits, '-' and '_', and files are named so. */

static void write_region(FILE *out, const struct region *region)
{
    fprintf(out,
            "    <memory_region name=\"%s\" size=\"0x%" PRIx64 "\" page_size=\"0x%" PRIx64 "\"",
            region->name, region->bytes, region->page_bytes);
    if (region->phys_addr != 0) {
        fprintf(out, " phys_addr=\"0x%" PRIx64 "\"", region->phys_addr);
    }
    if (region->prefill != NULL) {
        fprintf(out, " prefill_path=\"%s\"", region->prefill);
    }
    fputs("/>\n", out);
}

static void write_maps(FILE *out, const char *indent, const struct map *map)
{
    for (; map != NULL; map = map->next) {
        fprintf(out, "%s<map mr=\"%s\" vaddr=\"0x%" PRIx64 "\" perms=\"%s\"%s/>\n", indent,
                map->region->name, map->vaddr, map->perms,
                map->region->is_device || map->region->is_uncached ? " cached=\"false\"" : "");
    }
}

static void write_vm(FILE *out, const struct vm *vm)
{
    fprintf(out,
            "        <virtual_machine name=\"%s\" priority=\"%d\" budget=\"%d\" period=\"%d\">\n",
            vm->name, PRIORITY_GUEST, GUEST_SLICE_US, GUEST_SLICE_US);
    for (unsigned id = 0; id < vm->num_vcpus; id++) {
        fprintf(out, "            <vcpu id=\"%u\"/>\n", id);
    }
    write_maps(out, "            ", vm->maps);
    fputs("        </virtual_machine>\n", out);
}

/* A child with its id, or with NOT_A_CHILD the supervisor, which its children end. */
static void write_pd(FILE *out, const struct pd *pd, int id)
{
    fprintf(out, "\n    <protection_domain name=\"%s\" priority=\"%u\"", pd->name, pd->priority);
    if (id != NOT_A_CHILD) {
        fprintf(out, " id=\"%d\"", id);
    }
    if (pd->budget_us != 0) {
        fprintf(out, " budget=\"%u\" period=\"%u\"", pd->budget_us, pd->period_us);
    }
    fprintf(out, "%s%s>\n", pd->passive ? " passive=\"true\"" : "", pd->smc ? " smc=\"true\"" : "");
    fprintf(out, "        <program_image path=\"%s.elf\"/>\n", pd->name);
    write_maps(out, "        ", pd->maps);
    for (const struct irq *irq = pd->irqs; irq != NULL; irq = irq->next) {
        fprintf(out, "        <irq irq=\"%" PRIu32 "\" id=\"%u\" trigger=\"%s\"/>\n", irq->intid,
                irq->id, irq->is_edge ? "edge" : "level");
    }
    if (pd->vm != NULL) {
        write_vm(out, pd->vm);
    }
    if (id != NOT_A_CHILD) {
        fputs("    </protection_domain>\n", out);
    }
}

static void write_end(FILE *out, const struct end *end)
{
    fprintf(out, "        <end pd=\"%s\" id=\"%u\"%s/>\n", end->pd->name, end->id,
            end->calls ? " pp=\"true\"" : "");
}

static void write_channel(FILE *out, const struct channel *channel)
{
    fputs("    <channel>\n", out);
    write_end(out, &channel->a);
    write_end(out, &channel->b);
    fputs("    </channel>\n", out);
}

void xml_write(FILE *out, const struct system *system, const char *folder)
{
    const struct plan *plan = &system->plan;
    (void)folder;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Written by compose; the system's YAML "
          "file is what to change. -->\n<system>\n",
          out);
    for (const struct region *region = plan->regions; region != NULL; region = region->next) {
        write_region(out, region);
    }
    int id = NOT_A_CHILD;
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        write_pd(out, pd, id++);
    }
    fputs("    </protection_domain>\n\n", out);
    for (const struct channel *channel = plan->channels; channel != NULL; channel = channel->next) {
        write_channel(out, channel);
    }
    fputs("</system>\n", out);
}
