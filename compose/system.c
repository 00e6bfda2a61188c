/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/system.h"

#include "compose/guest_plan.h"
#include "compose/limits.h"
#include "compose/serial.h"

#include <string.h>

static struct pd *plan_timer(struct plan *plan, const struct board *board)
{
    struct pd *timer = plan_pd(plan, "timer_driver", "timer_driver.elf", PRIORITY_TIMER);
    struct sddf_device_resources *resources =
        plan_record(plan, timer, ".device_resources", sizeof(*resources));
    memcpy(resources->magic.sddf, "sDDF", sizeof(resources->magic.sddf));
    resources->magic.type = SDDF_DEVICE;
    resources->num_irqs = 1;
    resources->irqs[0].channel = plan_irq(plan, timer, board->timer.intid, board->timer.is_edge);
    return timer;
}

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

/* Tells the first guest that the board's RAM does not suffice for. */
static bool check_memory(struct arena *arena, struct diag *diag, const struct model *model,
                         const struct plan *plan, uint64_t board_bytes)
{
    uint64_t guest_bytes = 0;
    for (size_t i = 0; i < model->guests.count; i++) {
        guest_bytes += model_guest(model, i)->memory.number;
    }
    uint64_t other_bytes = plan_memory_bytes(plan) - guest_bytes + SYSTEM_RAM_BYTES;
    uint64_t free_bytes = board_bytes > other_bytes ? board_bytes - other_bytes : 0;
    free_bytes -= free_bytes % GUEST_PAGE_BYTES;
    uint64_t sum = 0;
    for (size_t i = 0; i < model->guests.count; i++) {
        const struct guest *guest = model_guest(model, i);
        sum += guest->memory.number;
        if (sum > free_bytes) {
            diag_error(diag, guest->memory.at,
                       "the guests' memory is %s in all, the board has %s and room for %s of it; "
                       "give the guests less, or the board more (QEMU_MEMORY=)",
                       arena_size(arena, guest_bytes), arena_size(arena, board_bytes),
                       arena_size(arena, free_bytes));
            return false;
        }
    }
    return true;
}

static bool find_boots(struct guest_boot *boots, struct arena *arena, struct diag *diag,
                       const struct model *model, const struct boot_files *files)
{
    bool good = true;
    for (size_t i = 0; i < model->guests.count; i++) {
        good = guest_find_images(&boots[i], arena, diag, model_guest(model, i), files) && good;
    }
    return good;
}

/* The PDs in the order of their priorities. A supervisor will be the first, as their parent. */
static void plan_all(struct system *system, const struct model *model, const struct board *board,
                     const struct guest_boot *boots)
{
    struct plan *plan = &system->plan;
    struct pd *timer = plan_timer(plan, board);
    struct serial serial = serial_plan(plan, board, timer, model);
    plan_images(plan, &system->kernels);
    plan_images(plan, &system->initrds);
    const struct region *gicv = guest_plan_gicv(plan, board);
    system->num_trees = model->guests.count;
    system->trees = arena_alloc(plan->arena, system->num_trees * sizeof(*system->trees));
    for (size_t i = 0; i < model->guests.count; i++) {
        const struct guest *guest = model_guest(model, i);
        struct pd *vmm = guest_plan(plan, guest, &boots[i], gicv, &system->trees[i]);
        serial_plan_client(plan, &serial, vmm, guest);
    }
    serial_plan_log(plan, &serial);
}

bool system_plan(struct system *system, struct arena *arena, struct diag *diag,
                 const struct model *model, const struct board *board, const char *folder,
                 const struct defaults *defaults)
{
    memset(system, 0, sizeof(*system));
    plan_init(&system->plan, arena);
    images_init(&system->kernels, "kernel");
    images_init(&system->initrds, "initrd");
    struct boot_files files = { &system->kernels, &system->initrds, folder, defaults };
    struct guest_boot *boots = arena_alloc(arena, model->guests.count * sizeof(*boots));
    if (!find_boots(boots, arena, diag, model, &files)) {
        return false;
    }
    plan_all(system, model, board, boots);
    return check_memory(arena, diag, model, &system->plan, board->ram_bytes);
}
