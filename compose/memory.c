/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether everything has a place in the board's RAM, as the Microkit's tool of sdk/ places it: the
 * image at its address, regions with a place of their own there, then the others, those with large
 * pages and the largest first, each in the lowest piece that holds it.
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
    if (base >= end)
        return;
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

/* Takes a place for a region; false: no piece holds it. */
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
    for (EACH(piece, ram, pieces))
        bytes += piece->end - piece->base;
    return bytes;
}

/* The longest piece for guest RAM. */
static uint64_t free_largest(const struct free_ram *ram)
{
    uint64_t most = 0;
    for (EACH(piece, ram, pieces)) {
        uint64_t base = round_up(piece->base, GUEST_PAGE_BYTES);
        uint64_t end = piece->end - piece->end % GUEST_PAGE_BYTES;
        if (base < end && end - base > most)
            most = end - base;
    }
    return most;
}

/* ---- What is placed ---------------------------------------------------------------------------*/

static bool is_placed_by_tool(const struct region *region)
{
    return region->phys_addr == 0 && region->prefill == NULL;
}

/* Equals as in the file. */
static bool is_before(const struct region *a, unsigned a_index, const struct region *b,
                      unsigned b_index)
{
    return a->page_bytes != b->page_bytes ? a->page_bytes > b->page_bytes
           : a->bytes != b->bytes         ? a->bytes > b->bytes
                                          : a_index < b_index;
}

/* The region to be placed behind `last` (NULL: the first), or NULL; *index is its number. */
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

/* The guest whose RAM the region is, or whose VMM's buffers lie behind that RAM; NULL: nobody's. */
static const struct guest *guest_of(const struct system *system, const struct region *region)
{
    for (EACH_GUEST(guest, system->model)) {
        const struct region *ram = system->boots[guest - model_guest(system->model, 0)].ram;
        if (region == ram ||
            (ram->phys_addr != 0 && region->phys_addr == ram->phys_addr + ram->bytes))
            return guest;
    }
    return NULL;
}

/* ---- What is told -----------------------------------------------------------------------------*/

/* Whether the board's RAM is all that the Microkit's tool uses. */
static bool is_bounded(const struct system *system)
{
    return system->board->ram_bytes == system->defaults->most_ram_bytes;
}

/* What has no place, in words. */
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
    if (guest != NULL)
        at = guest->memory.at;
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
    if (BOARD_IMAGE_PADDR >= board->ram_paddr && end_paddr <= board->ram_paddr + board->ram_bytes)
        return true;
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

/* What devices reach has its place already: tells what has none in the RAM. */
static bool check_fixed(const struct system *system, struct free_ram *ram)
{
    uint64_t end_paddr = system->board->ram_paddr + system->board->ram_bytes;
    const struct region *missing = NULL;
    for (const struct region *region = system->plan.regions; region != NULL;
         region = region->next) {
        if (region->is_device || region->phys_addr == 0)
            continue;
        if (region->phys_addr + region->bytes <= end_paddr)
            free_take(ram, region->phys_addr, region->phys_addr + region->bytes);
        else if (missing == NULL)
            missing = region;
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
    if (!check_image(system, image_end) || !check_fixed(system, &ram))
        return false;
    unsigned index = 0;
    for (const struct region *region = next_region(plan, NULL, &index); region != NULL;
         region = next_region(plan, region, &index))
        if (!free_place(&ram, region))
            return refuse(system, region, &ram);
    return true;
}
