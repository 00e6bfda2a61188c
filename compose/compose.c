/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/compose.h"

#include "compose/limits.h"
#include "compose/output.h"
#include "compose/sddf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Adds the images' regions: each file lies once in the system, prefilled. */
static void plan_images(struct plan *plan, struct images *images)
{
    for (struct image *image = images->first; image != NULL; image = image->next) {
        /* Large pages spare every VMM that maps a large image its translation tables. */
        uint64_t page = image->file_bytes >= GUEST_PAGE_BYTES ? GUEST_PAGE_BYTES : PAGE_BYTES;
        struct region *region = plan_region(plan, image->name, image->file_bytes, page);
        region->prefill = image->name;
        image->region = region;
    }
}

/* The PDs in the order of their priorities. */
static void plan_all(struct system *system)
{
    struct plan *plan = &system->plan;
    const struct board *board = system->board;
    supervisor_plan(system);
    struct pd *timer = plan_pd(plan, "timer_driver", "timer_driver.elf", PRIORITY_TIMER);
    plan->next_paddr = board->ram_paddr;
    plan->ram_bytes = board->ram_bytes;
    plan->num_guests = (unsigned)system->model->guests.count;
    sddf_plan_driver(plan, timer, &board->timer, NULL, NULL);
    plan_images(plan, &system->kernels);
    plan_images(plan, &system->initrds);
    serial_plan(system, timer);
    entropy_plan(system);
    if (model_first_disk(system->model) != NULL && model_server(system->model) == NULL) {
        disk_plan(system);
    }
    net_plan(system, timer);
    uint64_t bytes = board->gicv.bytes < GUEST_GICC_BYTES ? board->gicv.bytes : GUEST_GICC_BYTES;
    system->gicv = plan_device(plan, "gicv", board->gicv.addr, bytes);
    for (EACH_GUEST(guest, system->model)) {
        struct guest_boot *boot = &system->boots[guest - model_guest(system->model, 0)];
        serial_plan_client(system, guest_plan(system, guest, boot), guest);
    }
    serial_plan_log(system);
    driver_vm_plan(system, timer);
    counters_plan(system);
}

/* Tells what the board lacks. */
static bool check_slot(const struct system *system, const struct value *wanted, const char *what,
                       unsigned slot)
{
    if (wanted == NULL || system->board->slots[slot].registers.bytes != 0) {
        return true;
    }
    diag_error(system->diag, wanted->at,
               "the board has no %s: its device tree has no virtio,mmio slot %u; use another "
               "board, or remove this",
               what, slot);
    return false;
}

static bool check_board(const struct system *system)
{
    const struct guest *guest = model_first_disk(system->model);
    const struct network *network = model_first_uplink(system->model);
    if (model_server(system->model) != NULL) {
        guest = NULL; /* it brings the disk */
    }
    return check_slot(system, guest == NULL ? NULL : &guest->disk, "disk", BOARD_DISK_SLOT) &&
           check_slot(system, network == NULL ? NULL : &network->uplink, "network card",
                      BOARD_NET_SLOT);
}

static bool check_pds(const struct system *system)
{
    int pds = 0;
    for (const struct pd *pd = system->plan.pds; pd != NULL; pd = pd->next) {
        pds++;
    }
    if (pds <= MAX_PDS) {
        return true;
    }
    diag_error(system->diag, system->model->guests.at,
               "this system has %d protection domains, a VMM for each guest among them; the "
               "Microkit has at most %d, remove %d guests",
               pds, MAX_PDS, pds - MAX_PDS);
    return false;
}

static uint64_t largest_memory(const struct model *model)
{
    uint64_t most = 0;
    for (EACH_GUEST(guest, model)) {
        most = guest->memory.number > most ? guest->memory.number : most;
    }
    return most;
}

/* Plans the system of a checked model. */
static bool plan_system(struct system *system)
{
    size_t count = system->model->guests.count;
    bool good = true;
    system->plan.arena = system->diag->arena;
    system->kernels = images_of_kernels;
    system->initrds = images_of_initrds;
    system->initrds.most_bytes = largest_memory(system->model);
    system->boots = arena_alloc(system->plan.arena, count * sizeof(*system->boots));
    for (size_t i = 0; i < count; i++) {
        good = guest_find_images(system, model_guest(system->model, i), &system->boots[i]) && good;
    }
    if (!good || !check_board(system)) {
        return false;
    }
    unsigned errors = system->diag->errors;
    plan_all(system);
    if (system->diag->errors != errors || !check_pds(system)) {
        return false;
    }
    supervisor_adopt(system);
    return memory_check(system);
}

/* Reads a file whole; tells the error and returns NULL if that fails. */
static const void *read_file(struct diag *diag, const char *path, size_t *bytes)
{
    const void *contents = arena_read(diag->arena, path, bytes);
    if (contents == NULL) {
        diag_error(diag, mark_file(path), "cannot read: %s", strerror(errno));
    }
    return contents;
}

/* The folder of a file's path. */
static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "." : arena_copy(arena, path, (size_t)(slash - path));
}

/* The command line's word on the first disk's partition counts for more than the file's. */
static bool set_partition(struct diag *diag, const struct model *model, const char *text)
{
    struct guest *guest = model_first_disk(model);
    unsigned long number = strtoul(text, NULL, 10);
    if (guest == NULL || number > MAX_PARTITION || text[strspn(text, "0123456789")] != '\0') {
        diag_error(diag, (struct mark){ 0 },
                   guest == NULL
                       ? "PARTITION is %s, but no guest has a disk; add `disk: true` to one"
                       : "PARTITION is %s; it must be a number from 0 to %d",
                   diag_quote(diag->arena, text), MAX_PARTITION);
        return false;
    }
    guest->partition = (struct value){ .at = guest->at, .text = text, .number = number };
    return true;
}

/* More RAM than the Microkit's tool uses is as good as none. */
static void bound_ram(struct board *board, uint64_t most_bytes)
{
    if (most_bytes != 0 && board->ram_bytes > most_bytes) {
        board->ram_bytes = most_bytes;
    }
}

/* Each step works on what the one before has found good. */
static bool run(struct diag *diag, const struct compose_options *options)
{
    struct model model;
    struct board board;
    size_t bytes;
    const void *yaml = read_file(diag, options->system_path, &bytes);
    const char *partition = options->defaults.partition;
    if (yaml == NULL || !yaml_read(diag, yaml, bytes, &model) || !expand_counts(diag, &model) ||
        (partition != NULL && !set_partition(diag, &model, partition)) ||
        !check_model(diag, &model)) {
        return false;
    }
    struct system system = { .diag = diag,
                             .model = &model,
                             .board = &board,
                             .folder = folder_of(diag->arena, options->system_path),
                             .defaults = &options->defaults };
    const void *dtb = read_file(diag, options->board_path, &bytes);
    if (dtb == NULL || !board_read(diag, options->board_path, dtb, bytes, &board)) {
        return false;
    }
    bound_ram(&board, options->defaults.most_ram_bytes);
    return plan_system(&system) && output_write(&system, options->out_folder);
}

bool compose(const struct compose_options *options, FILE *err)
{
    struct arena arena = { 0 };
    struct diag diag = { .arena = &arena, .out = err, .file = options->system_path };
    bool good = run(&diag, options);
    arena_free(&arena);
    return good;
}
