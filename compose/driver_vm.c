/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that serves its disk to the others. Its VMM takes the virtualiser's place: each client
 * has a link (cloister/uio_blk.h), which that VMM and a program in the guest share. A client's
 * data region is a bounce area of its VMM, and never its guest's RAM.
 */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <cloister/uio_blk.h>
#include <string.h>

#define DATA_BYTES   0x200000ul /* two of the longest requests of Linux */
#define NUM_REQUESTS 256        /* all that the virtIO device can use */

/* A link in the guest: GUEST_SERVED_BYTES from the one before. */
#define RINGS_OFFSET     0ul
#define REGISTERS_OFFSET 0x10000ul
#define DATA_OFFSET      0x200000ul

_Static_assert(DATA_OFFSET + DATA_BYTES <= GUEST_SERVED_BYTES, "a link's place in the guest");
_Static_assert(RINGS_OFFSET + UIO_BLK_RINGS_BYTES <= REGISTERS_OFFSET, "likewise");

static bool is_client(const struct guest *guest)
{
    return guest->disk.number != 0;
}

static void fill_served(struct vmm_served_disk *served, const struct guest *client, uint64_t gpa)
{
    served->rings_gpa = gpa + RINGS_OFFSET;
    served->data_gpa = gpa + DATA_OFFSET;
    served->data_bytes = DATA_BYTES;
    served->partition = (uint32_t)client->partition.number;
    served->read_only = client->readonly.number != 0;
    strncpy(served->client, client->name.text, sizeof(served->client) - 1);
}

void driver_vm_add_devices(const struct model *model, struct vmm_config *config)
{
    unsigned n = 0;
    for (EACH_GUEST(client, model)) {
        if (!is_client(client)) {
            continue;
        }
        uint64_t gpa = GUEST_SERVED_GPA + n * GUEST_SERVED_BYTES;
        config->devices[config->num_devices] = (struct vmm_device){
            .type = VMM_DEVICE_SERVED_DISK,
            .intid = guest_next_intid(config),
            .gpa = gpa + REGISTERS_OFFSET,
            .size_bytes = PAGE_BYTES,
        };
        config->num_devices++;
        fill_served(&config->served[n++], client, gpa);
    }
}

/* What only the server's VMM and its guest share. */
static void plan_rings(struct plan *plan, struct pd *server, struct vmm_served_disk *served)
{
    const char *name = arena_printf(plan->arena, "%s_rings", served->client);
    struct region *rings = plan_region(plan, name, UIO_BLK_RINGS_BYTES, PAGE_BYTES);
    rings->is_uncached = true;
    served->rings_vaddr = plan_map(plan, server, rings, "rw");
    plan_map_vm(plan, server->vm, rings, served->rings_gpa, "rw");
}

/* What the client shares with both. */
static void plan_data(struct plan *plan, struct pd *server, struct vmm_served_disk *served,
                      struct pd *client, struct vmm_block *block)
{
    const char *name = arena_printf(plan->arena, "%s_bounce", served->client);
    const struct region *data = plan_region(plan, name, DATA_BYTES, PAGE_BYTES);
    served->data_vaddr = plan_map(plan, server, data, "rw");
    plan_map_vm(plan, server->vm, data, served->data_gpa, "rw");
    block->bounce_vaddr = plan_map(plan, client, data, "rw");
    block->bounce_bytes = DATA_BYTES;
}

static void plan_link(struct plan *plan, const struct guest_boot *server,
                      struct vmm_served_disk *served, const struct guest_boot *client)
{
    struct sddf_blk_client_config *config =
        plan_record(plan, client->vmm, ".blk_client_config", sizeof(*config));
    sddf_set_magic(&config->magic, SDDF_BLOCK);
    disk_connect(plan, arena_printf(plan->arena, "%s_blk", served->client), NUM_REQUESTS,
                 client->vmm, &config->virt, server->vmm, &served->conn);
    config->data.size_bytes = DATA_BYTES;
    plan_rings(plan, server->vmm, served);
    plan_data(plan, server->vmm, served, client->vmm, &client->config->block);
    disk_describe(&client->config->block, served->client, served->read_only != 0);
    client->config->awaits_disk = true;
}

void driver_vm_plan(struct system *system, struct pd *timer)
{
    struct plan *plan = &system->plan;
    const struct guest *serving = model_server(system->model);
    if (serving == NULL) {
        return;
    }
    const struct guest_boot *server = &system->boots[serving - model_guest(system->model, 0)];
    struct vmm_served_disk *served = server->config->served;
    server->config->timer_channel = sddf_connect_timer(plan, server->vmm, timer);
    for (EACH_GUEST(client, system->model)) {
        if (!is_client(client)) {
            continue;
        }
        plan_link(plan, server, served++, &system->boots[client - model_guest(system->model, 0)]);
        plan_note(plan,
                  arena_printf(plan->arena,
                               "%s: its disk is served by %s (partition %u%s), which sees and can "
                               "change all that is on it, but nothing of its RAM by that",
                               client->name.text, serving->name.text,
                               (unsigned)client->partition.number,
                               client->readonly.number != 0 ? ", read-only" : ""));
    }
}
