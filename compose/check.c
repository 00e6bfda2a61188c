/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/keys.h"
#include "compose/limits.h"

#include <string.h>

/* Names that the system's own PDs have, or will have. */
static const char *const reserved[] = { "serial_driver", "serial_virt_tx", "serial_virt_rx",
                                        "timer_driver",  "supervisor",     "console",
                                        "blk_driver",    "blk_virt",       "net_driver",
                                        "net_virt_rx",   "net_virt_tx",    "uplink",
                                        "entropy" };

/* Names of PDs that are made from others. */
static const char *const suffixes[] = { "_vmm", "_switch" };

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *reserved_suffix(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length >= suffix && strcmp(name + length - suffix, suffixes[i]) == 0) {
            return suffixes[i];
        }
    }
    return NULL;
}

static void check_name(struct diag *diag, const struct model *model, size_t index)
{
    const struct value *name = &model_guest(model, index)->name;
    if (is_reserved(name->text)) {
        diag_error(
            diag, name->at,
            "'%s' is the name of a part of the system; give the guest another, such as guest%zu",
            name->text, index);
    }
    const char *suffix = reserved_suffix(name->text);
    if (suffix != NULL) {
        diag_error(diag, name->at,
                   "the guest's name '%s' ends with '%s', as names of %s do; give it another, "
                   "such as guest%zu",
                   name->text, suffix, suffix == suffixes[0] ? "VMMs" : "switches", index);
    }
    for (size_t i = 0; i < index; i++) {
        const struct value *other = &model_guest(model, i)->name;
        if (strcmp(name->text, other->text) == 0) {
            diag_error(
                diag, name->at,
                "there is a guest named '%s' already, in line %u; give each a name of its own",
                name->text, other->at.line);
            return;
        }
    }
}

static void check_window(struct diag *diag, const struct guest_console *console)
{
    bool columns = value_given(&console->columns);
    bool rows = value_given(&console->rows);
    if (columns != rows) {
        const struct value *given = columns ? &console->columns : &console->rows;
        diag_error(diag, given->at, "the console has '%s' without '%s'; give both or neither",
                   columns ? "columns" : "rows", columns ? "rows" : "columns");
    }
}

static void check_vcpus(struct diag *diag, const struct model *model)
{
    uint64_t vcpus = 0;
    for (EACH_GUEST(guest, model)) {
        uint64_t before = vcpus;
        vcpus += guest->vcpus.number;
        if (before <= MAX_VCPUS && vcpus > MAX_VCPUS) {
            struct mark at = value_given(&guest->vcpus) ? guest->vcpus.at : guest->at;
            diag_error(diag, at,
                       "the guests up to this one have %lu vCPUs together; a system has at most "
                       "%d, give some guests fewer",
                       (unsigned long)vcpus, MAX_VCPUS);
        }
    }
}

static void check_switch(struct diag *diag, const struct model *model)
{
    const struct value *keys = &model->console.switch_keys;
    if (keys->number == SERIAL_SWITCH_AT && model->guests.count > MAX_GUESTS_SWITCHED_BY_AT) {
        diag_error(diag, keys->at,
                   "'at' names a guest by one digit and reaches %d, there are %zu; use "
                   "ctrl-backslash or return-at",
                   MAX_GUESTS_SWITCHED_BY_AT, model->guests.count);
    }
}

static void check_line(struct diag *diag, const struct value *cmdline)
{
    /* A console= of the user's is welcome; a second hostname= would fight with the name. */
    if (cmdline->text != NULL && strstr(cmdline->text, "hostname=") != NULL) {
        diag_error(diag, cmdline->at,
                   "'cmdline' sets hostname= in %s; the guest's `name` is its host name, remove it",
                   diag_quote(diag->arena, cmdline->text));
    }
}

static void check_without_disk(struct diag *diag, const struct guest *guest)
{
    const struct value *given = value_given(&guest->partition)  ? &guest->partition
                                : value_given(&guest->readonly) ? &guest->readonly
                                                                : NULL;
    if (guest->disk.number == 0 && given != NULL) {
        diag_error(diag, given->at,
                   "%s has no disk that '%s' could be about; add `disk: true` or remove it",
                   guest->name.text, given == &guest->partition ? "partition" : "readonly");
    }
}

/* Returns the guest before `end` that has been given the partition, or NULL. */
static const struct guest *partition_owner(const struct model *model, const struct guest *end,
                                           uint64_t partition)
{
    for (const struct guest *guest = model_guest(model, 0); guest < end; guest++) {
        if (guest->disk.number != 0 && value_given(&guest->partition) &&
            guest->partition.number == partition) {
            return guest;
        }
    }
    return NULL;
}

static void check_shared(struct diag *diag, const struct model *model, const struct guest *guest)
{
    const struct guest *other = partition_owner(model, guest, guest->partition.number);
    if (other != NULL && (guest->readonly.number == 0 || other->readonly.number == 0)) {
        diag_error(diag, guest->partition.at,
                   "%s and %s both have partition %lu and would spoil each other's file system; "
                   "give them different ones, or `readonly: true` to both",
                   other->name.text, guest->name.text, (unsigned long)guest->partition.number);
    }
}

/* Written partitions first; the others then get the lowest that are left. */
static void give_partitions(const struct model *model)
{
    const struct guest *end = model_guest(model, model->guests.count);
    for (EACH_GUEST(guest, model)) {
        if (guest->disk.number == 0 || value_given(&guest->partition)) {
            continue;
        }
        while (partition_owner(model, end, guest->partition.number) != NULL) {
            guest->partition.number++;
        }
        guest->partition.at = guest->at;
    }
}

/* Returns why a guest cannot serve, or NULL; `disks` is the number of guests with a disk. */
static const char *fault_of_server(const struct model *model, const struct guest *guest,
                                   unsigned disks)
{
    if (guest != model_server(model)) {
        return "serves the disk as another guest does; there is one disk, let one of them serve it";
    }
    if (guest->disk.number != 0) {
        return "serves the disk and has `disk: true`; its disk is its own, remove one of the two";
    }
    if (guest->passthrough.count == 0) {
        return "serves a disk that it has not; add the board's, such as `passthrough: [{node: "
               "/virtio_mmio@a001e00, qemu: disk}]`";
    }
    if (disks == 0) {
        return "serves the disk to nobody; add `disk: true` to other guests";
    }
    return disks > VMM_MAX_SERVED ? "serves more guests than it can; give a disk to 8 at most"
                                  : NULL;
}

static void check_servers(struct diag *diag, const struct model *model)
{
    unsigned disks = 0;
    for (EACH_GUEST(guest, model)) {
        disks += guest->disk.number != 0;
    }
    for (EACH_GUEST(guest, model)) {
        const char *fault = guest->serves.number != 0 ? fault_of_server(model, guest, disks) : NULL;
        if (fault != NULL) {
            diag_error(diag, guest->serves.at, "%s %s", guest->name.text, fault);
        }
    }
}

static void check_disks(struct diag *diag, const struct model *model)
{
    check_servers(diag, model);
    for (EACH_GUEST(guest, model)) {
        check_without_disk(diag, guest);
        if (guest->disk.number != 0 && value_given(&guest->partition)) {
            check_shared(diag, model, guest);
        }
    }
    give_partitions(model);
}

bool check_model(struct diag *diag, struct model *model)
{
    unsigned errors = diag->errors;
    for (size_t i = 0; i < model->guests.count; i++) {
        struct guest *guest = model_guest(model, i);
        check_name(diag, model, i);
        check_window(diag, &guest->console);
        check_line(diag, &guest->cmdline);
        if (!value_given(&guest->color)) {
            guest->color.number = i % NUM_COLORS;
        }
    }
    check_vcpus(diag, model);
    check_switch(diag, model);
    check_disks(diag, model);
    check_networks(diag, model);
    check_sockets(diag, model);
    return diag->errors == errors;
}
