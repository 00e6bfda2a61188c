/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that is being written. */
struct output {
    struct diag *diag;
    const char *folder;
};

/* The board's devices that the system needs, for who starts it. */
static void write_devices(FILE *out, const struct system *system, const char *folder)
{
    (void)folder;
    if (system->disk.pd != NULL) {
        fputs("disk\n", out);
    }
    if (system->net.virt_tx != NULL) {
        fputs("net\n", out);
    }
    passthrough_write_slots(out, system);
}

/* How many partitions the disk must have for the guests, for who makes it. */
static void write_partitions(FILE *out, const struct system *system, const char *folder)
{
    uint64_t count = 0;
    (void)folder;
    for (EACH_GUEST(guest, system->model)) {
        if (guest->disk.number != 0 && guest->partition.number >= count) {
            count = guest->partition.number + 1;
        }
    }
    fprintf(out, "%" PRIu64 "\n", count);
}

/* The end of the report: what the description of the system does not say. */
static void write_notes(FILE *out, const struct system *system, const char *folder)
{
    (void)folder;
    fputs("\nDEVICES THAT REACH MEMORY\n", out);
    for (const struct note *note = system->plan.notes; note != NULL; note = note->next) {
        fprintf(out, "  %s\n", note->text);
    }
    if (system->plan.notes == NULL) {
        fputs("  none\n", out);
    }
    entropy_write_note(out, system);
}

/* The files that describe the whole system. */
static const struct {
    const char *name;
    void (*write)(FILE *out, const struct system *system, const char *folder);
    bool always;
} tables[] = {
    { "link.mk", link_write, false },
    { "system.d", link_write_depends, false },
    { "system.dot", picture_write, false },
    { "system.devices", write_devices, false },
    { "system.partitions", write_partitions, false },
    { "console.txt", serial_write_keys, false },
    { "notes.txt", write_notes, false },
    { "system.xml", xml_write, true }, /* the last: make looks at its age */
};

static void tell(const struct output *output, const char *path)
{
    diag_error(output->diag, mark_file(path), "cannot write: %s", strerror(errno));
}

static const char *path_of(const struct output *output, const char *name)
{
    return arena_printf(output->diag->arena, "%s/%s", output->folder, name);
}

/* Writes a file, unless it holds exactly these bytes already. */
static void write_bytes(const struct output *output, const char *name, const void *bytes,
                        size_t length, bool always)
{
    const char *path = path_of(output, name);
    size_t old_length = 0;
    const void *old = always ? NULL : arena_read(output->diag->arena, path, &old_length);
    if (old != NULL && old_length == length && memcmp(old, bytes, length) == 0) {
        return;
    }
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(bytes, 1, length, file) == length;
    if (file == NULL || fclose(file) != 0 || !written) {
        tell(output, path);
    }
}

static void write_tables(const struct output *output, const struct system *system)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        tables[i].write(out, system, output->folder);
        (void)fclose(out);
        write_bytes(output, tables[i].name, text, length, tables[i].always);
        free(text);
    }
}

/* A link, not a copy: images are large. The plain name keeps the machine's paths out of the XML. */
static void link_images(const struct output *output, const struct images *images)
{
    for (const struct image *image = images->first; image != NULL; image = image->next) {
        const char *path = path_of(output, image->name);
        char *target = realpath(image->path, NULL);
        (void)unlink(path);
        if (target == NULL || symlink(target, path) != 0) {
            tell(output, path);
        }
        free(target);
    }
}

static void make_folder(const struct output *output)
{
    char *path = arena_copy(output->diag->arena, output->folder, strlen(output->folder));
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777); /* one that cannot be made is told of below */
        *slash = '/';
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        tell(output, path);
    }
}

bool output_write(const struct system *system, const char *folder)
{
    unsigned errors = system->diag->errors;
    struct output output = { system->diag, folder };
    make_folder(&output);
    for (const struct pd *pd = system->plan.pds; pd != NULL; pd = pd->next) {
        for (const struct record *record = pd->records; record != NULL; record = record->next) {
            write_bytes(&output, record->file, record->bytes, record->size_bytes, false);
        }
    }
    for (size_t i = 0; i < system->model->guests.count; i++) {
        const struct guest_boot *boot = &system->boots[i];
        write_bytes(&output, boot->tree_file, boot->tree.bytes, boot->tree.size_bytes, false);
    }
    link_images(&output, &system->kernels);
    link_images(&output, &system->initrds);
    write_tables(&output, system);
    return system->diag->errors == errors;
}
