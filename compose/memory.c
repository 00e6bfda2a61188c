/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks that the board's RAM holds all regions. Allocates them as the Microkit tool of sdk/ does:
 * first the image and the regions with a fixed address, then the others, by page size and then by
 * size in descending order, each at the lowest free address.
 */
#include "compose/limits.h"
#include "compose/system.h"

struct piece {
    uint64_t base, end;
};

/* The free RAM, in ascending pieces. */
struct free_ram {
    struct arena *arena;
    size_t num_pieces;
    struct piece *pieces;
};

static void free_add(struct free_ram *ram, uint64_t base, uint64_t end)
{
    if (base >= end) {
        return;
    }
    ram->pieces = arena_grow(ram->arena, ram->pieces, ram->num_pieces, sizeof(*ram->pieces));
    ram->pieces[ram->num_pieces++] = (struct piece){ base, end };
}

static void free_take(struct free_ram *ram, uint64_t base, uint64_t end)
{
    struct free_ram left = { .arena = ram->arena };
    for (EACH(piece, ram, pieces)) {
        free_add(&left, piece->base, base < piece->end ? base : piece->end);
        free_add(&left, end > piece->base ? end : piece->base, piece->end);
    }
    *ram = left;
}

/* Allocates a region first-fit. Returns false if no piece is large enough. */
static bool free_place(struct free_ram *ram, const struct region *region)
{
    for (EACH(piece, ram, pieces)) {
        uint64_t base = round_up(piece->base, region->page_bytes);
        if (base <= piece->end && region->bytes <= piece->end - base) {
            free_take(ram, base, base + region->bytes);
            return true;
        }
    }
    return false;
}

static uint64_t free_bytes(const struct free_ram *ram)
{
    uint64_t bytes = 0;
    for (EACH(piece, ram, pieces)) {
        bytes += piece->end - piece->base;
    }
    return bytes;
}

/* The largest guest RAM that fits into one piece. */
static uint64_t free_largest(const struct free_ram *ram)
{
    uint64_t most = 0;
    for (EACH(piece, ram, pieces)) {
        uint64_t base = round_up(piece->base, GUEST_PAGE_BYTES);
        uint64_t end = piece->end - piece->end % GUEST_PAGE_BYTES;
        if (base < end && end - base > most) {
            most = end - base;
        }
    }
    return most;
}

/* ---- The tool's order of allocation -----------------------------------------------------------*/

static bool is_placed_by_tool(const struct region *region)
{
    return region->phys_addr == 0 && region->prefill == NULL;
}

/* Regions of equal sizes keep the order of system.xml. */
static bool is_before(const struct region *a, unsigned a_index, const struct region *b,
                      unsigned b_index)
{
    return a->page_bytes != b->page_bytes ? a->page_bytes > b->page_bytes
           : a->bytes != b->bytes         ? a->bytes > b->bytes
                                          : a_index < b_index;
}

/* Returns the region to allocate after `last` (NULL: the first one), or NULL; sets *index to its
 * number in the plan. */
static const struct region *next_region(const struct plan *plan, const struct region *last,
                                        unsigned *index)
{
    const struct region *next = NULL;
    unsigned i = 0, last_index = *index;
    for (const struct region *region = plan->regions; region != NULL; region = region->next, i++) {
        if (is_placed_by_tool(region) && (last == NULL || is_before(last, last_index, region, i)) &&
            (next == NULL || is_before(region, i, next, *index))) {
            next = region;
            *index = i;
        }
    }
    return next;
}

/* Returns the guest whose RAM, or whose buffers behind that RAM, the region is, or NULL. */
static const struct guest *guest_of(const struct system *system, const struct region *region)
{
    for (EACH_GUEST(guest, system->model)) {
        const struct region *ram = system->boots[guest - model_guest(system->model, 0)].ram;
        if (region == ram ||
            (ram->phys_addr != 0 && region->phys_addr == ram->phys_addr + ram->bytes)) {
            return guest;
        }
    }
    return NULL;
}

/* ---- Errors -----------------------------------------------------------------------------------*/

/* Whether the board has as much RAM as the Microkit tool can use. */
static bool is_bounded(const struct system *system)
{
    return system->board->ram_bytes == system->defaults->most_ram_bytes;
}

/* Describes a region that does not fit. */
static const char *name_of(const struct system *system, const struct region *region,
                           const struct guest *guest)
{
    struct arena *arena = system->plan.arena;
    const char *size = arena_size(arena, region->bytes);
    return guest == NULL ? arena_printf(arena, "%s of the system's queues and buffers ('%s')", size,
                                        region->name)
                         : arena_printf(arena, "the %s of %s", size, guest->name.text);
}

static bool refuse(const struct system *system, const struct region *region,
                   const struct free_ram *ram)
{
    struct arena *arena = system->plan.arena;
    const struct guest *guest = guest_of(system, region);
    struct mark at = model_guest(system->model, system->model->guests.count - 1)->memory.at;
    uint64_t free = free_bytes(ram);
    if (guest != NULL) {
        at = guest->memory.at;
    }
    diag_error(system->diag, at,
               "the board's RAM (%s) has no place for %s; beside the image and what is placed "
               "before it, %s are free, in one piece %s at most; give the guests less%s",
               arena_size(arena, system->board->ram_bytes), name_of(system, region, guest),
               arena_size(arena, free - free % (1ul << 20)), arena_size(arena, free_largest(ram)),
               is_bounded(system) ? "" : ", or the board more (QEMU_MEMORY=)");
    return false;
}

static bool check_image(const struct system *system, uint64_t end_paddr)
{
    const struct board *board = system->board;
    if (BOARD_IMAGE_PADDR >= board->ram_paddr && end_paddr <= board->ram_paddr + board->ram_bytes) {
        return true;
    }
    struct arena *arena = system->plan.arena;
    diag_error(system->diag, system->model->guests.at,
               "the image needs %s from 0x%lx on, but the board's RAM is %s from 0x%lx on; give it "
               "%s or more (QEMU_MEMORY=), or the guests smaller images",
               arena_size(arena, round_up(end_paddr - BOARD_IMAGE_PADDR, 1ul << 20)),
               BOARD_IMAGE_PADDR, arena_size(arena, board->ram_bytes),
               (unsigned long)board->ram_paddr,
               arena_size(arena, round_up(end_paddr - board->ram_paddr, 1ul << 20)));
    return false;
}

/* Removes the regions with a fixed address from the free RAM. Reports the first one that lies
 * beyond the RAM's end. */
static bool check_fixed(const struct system *system, struct free_ram *ram)
{
    uint64_t end_paddr = system->board->ram_paddr + system->board->ram_bytes;
    const struct region *missing = NULL;
    for (const struct region *region = system->plan.regions; region != NULL;
         region = region->next) {
        if (region->is_device || region->phys_addr == 0) {
            continue;
        }
        if (region->phys_addr + region->bytes <= end_paddr) {
            free_take(ram, region->phys_addr, region->phys_addr + region->bytes);
        } else if (missing == NULL) {
            missing = region;
        }
    }
    return missing == NULL || refuse(system, missing, ram);
}

bool memory_check(const struct system *system)
{
    const struct plan *plan = &system->plan;
    const struct board *board = system->board;
    struct free_ram ram = { .arena = plan->arena };
    uint64_t image_end = plan_image_end(plan);
    free_add(&ram, board->ram_paddr, board->ram_paddr + board->ram_bytes);
    free_take(&ram, BOARD_IMAGE_PADDR, image_end);
    if (!check_image(system, image_end) || !check_fixed(system, &ram)) {
        return false;
    }
    unsigned index = 0;
    for (const struct region *region = next_region(plan, NULL, &index); region != NULL;
         region = next_region(plan, region, &index)) {
        if (!free_place(&ram, region)) {
            return refuse(system, region, &ram);
        }
    }
    return true;
}
