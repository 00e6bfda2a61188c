/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/output.h"

static void write_copy(FILE *out, const struct pd *pd)
{
    fprintf(out, "\n$(SYSTEM_DIR)/%s.elf: $(PROGRAM_DIR)/%s", pd->name, pd->program);
    for (const struct record *record = pd->records; record != NULL; record = record->next) {
        fprintf(out, " \\\n    $(SYSTEM_DIR)/%s", record->file);
    }
    fputs(" \\\n    $(LINK_MK)\n\t@$(OBJCOPY)", out);
    for (const struct record *record = pd->records; record != NULL; record = record->next) {
        fprintf(out, " \\\n\t    --update-section %s=$(SYSTEM_DIR)/%s", record->section,
                record->file);
    }
    fputs(" \\\n\t    $< $@\n", out);
}

/* What a PD's writable memory begins with. */
static void write_start(FILE *out, const struct pd *pd)
{
    fprintf(out,
            "\n$(SYSTEM_DIR)/%s.start: $(SYSTEM_DIR)/%s.elf $(LINK_MK)\n"
            "\t@$(OBJCOPY) -O binary -R .text -R .rodata -R .init_array $< $@\n",
            pd->name, pd->name);
}

void link_write(FILE *out, const struct system *system, const char *folder)
{
    const struct plan *plan = &system->plan;
    (void)folder;
    fputs("# Written by compose: each PD's copy of its program, with the PD's records in it.\n"
          "# PROGRAM_DIR holds the programs, SYSTEM_DIR the records and the copies.\n"
          "# The file `linked` is as old as the last copy.\n"
          "OBJCOPY ?= llvm-objcopy\nSYSTEM_DIR ?= .\n"
          "LINK_MK := $(lastword $(MAKEFILE_LIST))\n"
          ".DELETE_ON_ERROR:\n.PHONY: all\nall: $(SYSTEM_DIR)/linked\n\t@:\n"
          "$(SYSTEM_DIR)/linked:",
          out);
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        fprintf(out, " \\\n    $(SYSTEM_DIR)/%s.elf", pd->name);
    }
    for (const struct pd *pd = plan->supervisor->next; pd != NULL; pd = pd->next) {
        fprintf(out, " \\\n    $(SYSTEM_DIR)/%s.start", pd->name);
    }
    fputs("\n\t@touch $@\n", out);
    for (const struct pd *pd = plan->pds; pd != NULL; pd = pd->next) {
        write_copy(out, pd);
    }
    for (const struct pd *pd = plan->supervisor->next; pd != NULL; pd = pd->next) {
        write_start(out, pd);
    }
}

/* A path as make reads it. */
static void write_path(FILE *out, const char *path)
{
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == ' ' || *c == '#' || *c == '\\') {
            fputc('\\', out);
        }
        if (*c == '$') {
            fputc('$', out);
        }
        fputc(*c, out);
    }
}

void link_write_depends(FILE *out, const struct system *system, const char *folder)
{
    const struct image *const lists[] = { system->kernels.first, system->initrds.first };
    write_path(out, folder);
    fputs("/system.xml:", out);
    for (size_t i = 0; i < 2; i++) {
        for (const struct image *image = lists[i]; image != NULL; image = image->next) {
            fputs(" ", out);
            write_path(out, image->path);
        }
    }
    if (system->entropy.seed_path != NULL) {
        fputs(" ", out);
        write_path(out, system->entropy.seed_path);
    }
    fputs("\n", out);
    /* An empty rule for each, so that a file that is gone makes compose run, and not make stop. */
    for (size_t i = 0; i < 2; i++) {
        for (const struct image *image = lists[i]; image != NULL; image = image->next) {
            write_path(out, image->path);
            fputs(":\n", out);
        }
    }
}
