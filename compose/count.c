/* SPDX-License-Identifier: BSD-2-Clause */
/* `count`: one guest of the file that stands for several, equal but for what names give them. */
#include "compose/limits.h"
#include "compose/model.h"

#include <string.h>

static size_t copies_of(const struct guest *guest)
{
    return value_given(&guest->count) ? guest->count.number : 1;
}

/* Tells what there would be too much of. */
static bool check_counts(struct diag *diag, const struct model *model, size_t *sum)
{
    for (EACH_GUEST(guest, model)) {
        *sum += copies_of(guest);
        if (value_given(&guest->count) && *sum > MAX_GUESTS) {
            diag_error(diag, guest->count.at,
                       "the guests up to this one are %zu; a system has at most %d", *sum,
                       MAX_GUESTS);
            return false;
        }
        size_t digits = guest->count.number > 10 ? 2 : 1;
        if (value_given(&guest->count) && strlen(guest->name.text) + digits > NAME_MAX_LENGTH) {
            diag_error(diag, guest->name.at,
                       "with an index behind it '%s' is longer than %d characters; shorten it",
                       guest->name.text, NAME_MAX_LENGTH);
            return false;
        }
    }
    return true;
}

static void make_copy(struct arena *arena, const struct guest *guest, size_t index,
                      struct guest *copy)
{
    size_t bytes = guest->net.count * sizeof(struct guest_net);
    *copy = *guest;
    copy->name.text = arena_printf(arena, "%s%zu", guest->name.text, index);
    if (bytes != 0) { /* each copy's cards get addresses and ports of their own */
        copy->net.items = arena_alloc(arena, bytes);
        memcpy(copy->net.items, guest->net.items, bytes);
    }
}

bool expand_counts(struct diag *diag, struct model *model)
{
    size_t sum = 0;
    if (!check_counts(diag, model, &sum)) {
        return false;
    }
    struct guest *all = arena_alloc(diag->arena, sum * sizeof(*all));
    struct guest *end = all;
    for (EACH_GUEST(guest, model)) {
        if (!value_given(&guest->count)) {
            *end++ = *guest;
            continue;
        }
        for (size_t i = 0; i < copies_of(guest); i++) {
            make_copy(diag->arena, guest, i, end++);
        }
    }
    model->guests.items = all;
    model->guests.count = sum;
    return true;
}
