/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/keys.h"

#include "compose/limits.h"

#include <inttypes.h>
#include <sddf/config.h>

#define MIB (1ul << 20)

/* In the order of enum serial_switch. */
static const char *const switch_words[] = { "ctrl-backslash", "at", "return-at", NULL };

const char *const color_words[] = { "red",     "green", "yellow", "blue",
                                    "magenta", "cyan",  "none",   NULL };
const char *const color_sgr[] = { "31", "32", "33", "34", "35", "36", "" };

#define TABLE(words, structure, array)                                                             \
    {                                                                                              \
        .what = (words), .bytes = sizeof(structure), .keys = (array),                              \
        .num_keys = sizeof(array) / sizeof((array)[0])                                             \
    }

static const struct key guest_console_keys[] = {
    { .name = "enabled",
      .kind = KEY_CHOICE,
      .offset = offsetof(struct guest_console, enabled),
      .choices = (const char *const[]){ "false", "true", NULL },
      .initial = 1,
      .fallback = "true",
      .help = "whether the guest has a virtIO console" },
    { .name = "columns",
      .kind = KEY_COUNT,
      .offset = offsetof(struct guest_console, columns),
      .min = 1,
      .max = 65535,
      .fallback = "not told to the guest",
      .help = "width of the terminal" },
    { .name = "rows",
      .kind = KEY_COUNT,
      .offset = offsetof(struct guest_console, rows),
      .min = 1,
      .max = 65535,
      .fallback = "not told to the guest",
      .help = "height of the terminal" },
};
static const struct key_table guest_console_table =
    TABLE("a guest's console", struct guest_console, guest_console_keys);

static const struct key guest_keys[] = {
    { .name = "name",
      .kind = KEY_NAME,
      .required = true,
      .offset = offsetof(struct guest, name),
      .help = "its name, also its host name; its VMM is called NAME_vmm" },
    { .name = "memory",
      .kind = KEY_SIZE,
      .required = true,
      .offset = offsetof(struct guest, memory),
      .min = GUEST_PAGE_BYTES,
      .max = GUEST_MAX_RAM_BYTES,
      .multiple = GUEST_PAGE_BYTES,
      .help = "its RAM" },
    { .name = "kernel",
      .kind = KEY_PATH,
      .offset = offsetof(struct guest, kernel),
      .fallback = "the guest kernel that is built, or LINUX=",
      .help = "an arm64 Image, not compressed; from the YAML file's folder on" },
    { .name = "initrd",
      .kind = KEY_PATH,
      .offset = offsetof(struct guest, initrd),
      .fallback = "the root file system that is built, or INITRD=",
      .help = "an initial RAM disk, or `none`" },
    { .name = "cmdline",
      .kind = KEY_TEXT,
      .offset = offsetof(struct guest, cmdline),
      .fallback = "nothing",
      .help = "added to the kernel's command line" },
    { .name = "color",
      .kind = KEY_CHOICE,
      .offset = offsetof(struct guest, color),
      .choices = color_words,
      .fallback = "the next of the six",
      .help = "the colour of its output" },
    { .name = "vcpus",
      .kind = KEY_COUNT,
      .offset = offsetof(struct guest, vcpus),
      .initial = 1,
      .min = 1,
      .max = GUEST_MAX_VCPUS,
      .fallback = "1",
      .help = "how many cores it sees" },
    { .name = "console",
      .kind = KEY_SWITCH_MAP,
      .offset = offsetof(struct guest, console),
      .table = &guest_console_table,
      .fallback = "true",
      .help = "its virtIO console: `true`, `false` or a map" },
};
static const struct key_table guest_table = TABLE("a guest", struct guest, guest_keys);

static const struct key system_console_keys[] = {
    { .name = "switch",
      .kind = KEY_CHOICE,
      .offset = offsetof(struct system_console, switch_keys),
      .choices = switch_words,
      .initial = SERIAL_SWITCH_CTRL_BACKSLASH,
      .fallback = "ctrl-backslash",
      .help =
          "what moves the input: `ctrl-backslash` (Ctrl-\\, index from 0, Enter), `at` (`@` and "
          "a digit from 1) or `return-at` (Return, `@`, index from 0)" },
};
static const struct key_table system_console_table =
    TABLE("the console", struct system_console, system_console_keys);

static const struct key top_keys[] = {
    { .name = "system",
      .kind = KEY_NAME,
      .required = true,
      .offset = offsetof(struct model, name),
      .help = "the system's name" },
    { .name = "console",
      .kind = KEY_MAP,
      .offset = offsetof(struct model, console),
      .table = &system_console_table,
      .fallback = "its keys' defaults",
      .help = "the terminal that all guests share" },
    { .name = "guests",
      .kind = KEY_LIST,
      .required = true,
      .offset = offsetof(struct model, guests),
      .min = 1,
      .max = MAX_GUESTS,
      .table = &guest_table,
      .help = "the guests; the first has index 0" },
};
const struct key_table system_keys = TABLE("a system", struct model, top_keys);

/* What a value of the key looks like, in words. */
static void describe_kind(FILE *out, const struct key *key)
{
    static const char *const kinds[] = {
        [KEY_NAME] = "a name", [KEY_TEXT] = "text",   [KEY_PATH] = "a file",
        [KEY_SIZE] = "a size", [KEY_COUNT] = "",      [KEY_CHOICE] = "",
        [KEY_MAP] = "a map",   [KEY_LIST] = "a list", [KEY_SWITCH_MAP] = "`true`, `false`, a map",
    };
    fputs(kinds[key->kind], out);
    for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL; i++) {
        fprintf(out, "%s`%s`", i == 0 ? "" : ", ", key->choices[i]);
    }
    if (key->kind == KEY_COUNT) {
        fprintf(out, "%" PRIu64 " to %" PRIu64, key->min, key->max);
    }
    if (key->kind == KEY_SIZE) {
        fprintf(out, ", a multiple of %luM", key->multiple / MIB);
    }
}

static void reference_of(FILE *out, const struct key_table *table)
{
    fprintf(out, "\n### Keys of %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
            table->what);
    for (size_t i = 0; i < table->num_keys; i++) {
        const struct key *key = &table->keys[i];
        fprintf(out, "| `%s` | ", key->name);
        describe_kind(out, key);
        fprintf(out, " | %s | %s |\n", key->required ? "must be given" : key->fallback, key->help);
    }
    for (size_t i = 0; i < table->num_keys; i++) {
        if (table->keys[i].table != NULL) {
            reference_of(out, table->keys[i].table);
        }
    }
}

void keys_reference(FILE *out)
{
    reference_of(out, &system_keys);
}
