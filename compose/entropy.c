/* SPDX-License-Identifier: BSD-2-Clause */
/* The source of the guests' random bytes, and the file that may be mixed in. */
#include "compose/limits.h"
#include "compose/system.h"

#include <cloister/entropy.h>
#include <errno.h>
#include <string.h>

static bool is_wanted(const struct model *model)
{
    for (EACH_GUEST(guest, model)) {
        if (guest->rng.number != 0) {
            return true;
        }
    }
    return false;
}

static void read_seed(struct system *system, struct entropy_config *config)
{
    const struct value *key = &system->model->seed;
    const char *path = path_of_key(system, key, NULL);
    size_t bytes = 0;
    const void *seed = path == NULL ? NULL : arena_read(system->plan.arena, path, &bytes);
    if (path == NULL) {
        return;
    }
    if (seed == NULL) {
        diag_error(system->diag, key->at, "cannot read the seed '%s': %s; give the path of a file",
                   path, strerror(errno));
    } else if (bytes < ENTROPY_SEED_MIN || bytes > ENTROPY_SEED_MAX) {
        diag_error(system->diag, key->at,
                   "the seed '%s' has %zu bytes; it must have %u to %u, such as `head -c 64 "
                   "/dev/urandom` gives",
                   path, bytes, ENTROPY_SEED_MIN, ENTROPY_SEED_MAX);
    } else {
        memcpy(config->seed, seed, bytes);
        config->seed_bytes = (uint32_t)bytes;
        system->entropy.seed_path = path;
    }
}

void entropy_plan(struct system *system)
{
    if (!is_wanted(system->model)) {
        return;
    }
    struct pd *pd = plan_pd(&system->plan, "entropy", "entropy.elf", PRIORITY_ENTROPY);
    struct entropy_config *config =
        plan_record(&system->plan, pd, ".entropy_config", sizeof(*config));
    pd->passive = true;
    config->magic = ENTROPY_CONFIG_MAGIC;
    read_seed(system, config);
    system->entropy.pd = pd;
}

void entropy_plan_client(struct system *system, struct pd *vmm, struct vmm_config *config,
                         const struct guest *guest)
{
    if (guest->rng.number == 0) {
        return;
    }
    struct channel *channel = plan_channel(&system->plan, vmm, system->entropy.pd);
    channel->a.calls = true;
    config->entropy.channel = channel->a.id;
}

void entropy_write_note(FILE *out, const struct system *system)
{
    fputs("\nRANDOM BYTES: where the guests' come from\n", out);
    if (system->entropy.pd != NULL) {
        fputs("  from the jitter of the core's counter, which nobody has certified\n", out);
    }
    if (system->entropy.seed_path != NULL) {
        fprintf(out, "  and from %s, which whoever has this image can read\n",
                system->entropy.seed_path);
    }
    for (EACH_GUEST(guest, system->model)) {
        if (guest->rng.number == 0) {
            fprintf(out, "  none for %s\n", guest->name.text);
        }
    }
}
