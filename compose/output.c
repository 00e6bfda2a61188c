/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/output.h"

#include "compose/link.h"
#include "compose/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP 0x10000ul

/* The folder that is being written. */
struct output {
    struct arena *arena;
    struct diag *diag;
    const char *folder;
};

void *file_read(struct arena *arena, struct diag *diag, const char *path, size_t *bytes)
{
    char *buffer = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&buffer, &length);
    FILE *file = fopen(path, "rb");
    bool good = file != NULL && memory != NULL;
    char *step = arena_alloc(arena, READ_STEP);
    for (size_t got = READ_STEP; good && got == READ_STEP;) {
        got = fread(step, 1, READ_STEP, file);
        good = ferror(file) == 0 && fwrite(step, 1, got, memory) == got;
    }
    if (!good) {
        struct diag file_diag = { .out = diag->out, .file = path };
        diag_error(&file_diag, (struct mark){ 0 }, "cannot read: %s", strerror(errno));
        diag->errors++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (memory != NULL) {
        (void)fclose(memory);
    }
    void *copy = good ? arena_copy(arena, buffer, length) : NULL;
    *bytes = length;
    free(buffer);
    return copy;
}

static void tell(const struct output *output, const char *path)
{
    struct diag file_diag = { .out = output->diag->out, .file = path };
    diag_error(&file_diag, (struct mark){ 0 }, "cannot write: %s", strerror(errno));
    output->diag->errors++;
}

static const char *path_of(const struct output *output, const char *name)
{
    return arena_printf(output->arena, "%s/%s", output->folder, name);
}

/* Returns whether the file holds exactly these bytes. */
static bool holds(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    const char *expected = bytes;
    size_t at = 0;
    for (int c = fgetc(file); c != EOF; c = fgetc(file), at++) {
        if (at >= length || (char)c != expected[at]) {
            at = length + 1;
            break;
        }
    }
    (void)fclose(file);
    return at == length;
}

static void write_bytes(const struct output *output, const char *name, const void *bytes,
                        size_t length, bool always)
{
    const char *path = path_of(output, name);
    if (!always && holds(path, bytes, length)) {
        return;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        tell(output, path);
        return;
    }
    bool written = fwrite(bytes, 1, length, file) == length;
    if (fclose(file) != 0 || !written) {
        tell(output, path);
    }
}

static void write_tables(const struct output *output, const struct system *system)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    link_write(out, &system->plan);
    (void)fclose(out);
    write_bytes(output, "link.mk", text, length, false);
    free(text);

    out = open_memstream(&text, &length);
    link_write_depends(out, path_of(output, "system.xml"), &system->kernels, &system->initrds);
    (void)fclose(out);
    write_bytes(output, "system.d", text, length, false);
    free(text);

    out = open_memstream(&text, &length);
    xml_write(out, &system->plan);
    (void)fclose(out);
    write_bytes(output, "system.xml", text, length, true);
    free(text);
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
    char *path = arena_copy(output->arena, output->folder, strlen(output->folder));
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777); /* one that cannot be made is told of below */
        *slash = '/';
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        tell(output, path);
    }
}

bool output_write(struct arena *arena, struct diag *diag, const struct system *system,
                  const char *folder)
{
    unsigned errors = diag->errors;
    struct output output = { arena, diag, folder };
    make_folder(&output);
    for (const struct pd *pd = system->plan.pds; pd != NULL; pd = pd->next) {
        for (const struct record *record = pd->records; record != NULL; record = record->next) {
            write_bytes(&output, record->file, record->bytes, record->size_bytes, false);
        }
    }
    for (size_t i = 0; i < system->num_trees; i++) {
        const struct guest_tree *tree = &system->trees[i];
        write_bytes(&output, tree->file, tree->tree.bytes, tree->tree.size_bytes, false);
    }
    link_images(&output, &system->kernels);
    link_images(&output, &system->initrds);
    write_tables(&output, system);
    return diag->errors == errors;
}
