/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include <stdio.h>

struct size_text report_size(uint64_t bytes)
{
    struct size_text text;
    if (bytes >= 10ul << 20 || (bytes >= 1ul << 20 && bytes % (1ul << 20) == 0)) {
        snprintf(text.bytes, sizeof text.bytes, "%.*f MiB", bytes % (1ul << 20) != 0 ? 1 : 0,
                 (double)bytes / (1 << 20));
    } else if (bytes >= 1024) {
        snprintf(text.bytes, sizeof text.bytes, "%.*f KiB", bytes % 1024 ? 1 : 0,
                 (double)bytes / 1024);
    } else {
        snprintf(text.bytes, sizeof text.bytes, "%lu B", bytes);
    }
    return text;
}

static const char legend[] =
    "HOW TO READ THIS\n"
    "  A protection domain (PD) is a program in an address space of its own: a driver, a\n"
    "  virtualiser, a virtual machine monitor (VMM). A virtual machine is a guest; a VMM's PD\n"
    "  runs it. A channel joins two PDs that may notify or call each other. A memory region is\n"
    "  a stretch of RAM, or of a device's registers, that PDs and guests have mapped.\n"
    "  IMAGE              what loader.img is made of, in bytes; regions in it are files\n"
    "  PAGE TABLES        their size for the kernel, each PD and each guest\n"
    "  PROTECTION DOMAIN  its program; its priority, 0 to 254 (the highest that is ready\n"
    "                     runs), and its processor time in each period; its channels, by\n"
    "                     its own numbers; its memory\n"
    "  VIRTUAL MACHINE    the same of a guest\n"
    "  memory             a line a range: virtual address (of a guest: guest address),\n"
    "                     physical address, size, rights (r read, w write, x execute), kind,\n"
    "                     region; what is in parentheses belongs to this PD alone\n"
    "  kind               cached or uncached RAM, or the registers of a device\n"
    "  WHO REACHES WHAT   a line a region that several have mapped, or that is a device's:\n"
    "                     its size, and each one's rights\n"
    "  PHYSICAL MEMORY    all RAM, by address: size, what lies there, and whose it is\n"
    "\n";

static void write_line(FILE *out, const char *what)
{
    fprintf(out, "  %-20s", what);
}

void report_head(const struct build *b, const char *system, const char *config, FILE *out)
{
    const struct system *s = &b->system;
    const struct layout *l = &b->layout;
    uint64_t total = 0, used = b->image_bytes, end = l->image_base + b->image_bytes;
    for (EACH(ram, l, ram)) {
        total += ram->size_bytes;
    }
    for (EACH(part, l, parts)) {
        used += part->in_image ? 0 : part->bytes;
        end = part->base + part->bytes > end ? part->base + part->bytes : end;
    }
    fprintf(out, "SUMMARY\n");
    write_line(out, "system");
    fprintf(out, "%s\n", system);
    write_line(out, "board");
    fprintf(out, "%.32s, configuration %s\n", b->kernel.info.board, config);
    write_line(out, "image");
    fprintf(out, "%s, loaded at 0x%lx\n", report_size(b->image_bytes).bytes, l->image_base);
    write_line(out, "protection domains");
    fprintf(out, "%u\n", s->num_pds);
    write_line(out, "virtual machines");
    fprintf(out, "%u, of %u vCPUs\n", s->num_vms, s->num_vcpus);
    write_line(out, "channels");
    fprintf(out, "%u, and %u interrupts\n", s->num_channels, s->num_irqs);
    write_line(out, "memory regions");
    fprintf(out, "%u\n", s->num_regions);
    write_line(out, "RAM");
    fprintf(out, "%s that each such board has: ", report_size(total).bytes);
    fprintf(out, "%s in use, ", report_size(used).bytes);
    fprintf(out, "%s left; memory in use ends at 0x%lx\n\n%s", report_size(total - used).bytes, end,
            legend);
}
