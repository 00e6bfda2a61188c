/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk: its driver, the virtualiser that gives each guest a partition, and each guest's way to
 * it. A guest's data region is its RAM, and right behind it in the board's RAM a bounce area of its
 * VMM: so the disk moves whole blocks into and out of the guest itself, at addresses that the
 * virtualiser has checked.
 */
#include "compose/limits.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <stdio.h>
#include <string.h>

#include <sddf/blk_queue.h>

#define INFO_BYTES          PAGE_BYTES
#define DRIVER_DMA_BYTES    0x30000ul
#define VIRT_DATA_BYTES     0x10000ul
#define NUM_DRIVER_REQUESTS 1024
#define NUM_CLIENT_REQUESTS 256 /* all that the virtIO device can use */

static uint64_t req_bytes(uint16_t capacity)
{
    return sizeof(struct blk_req_queue) + capacity * sizeof(struct blk_req);
}

static uint64_t resp_bytes(uint16_t capacity)
{
    return sizeof(struct blk_resp_queue) + capacity * sizeof(struct blk_resp);
}

/* Queues and what the server tells of its disk, mapped by both. */
void disk_connect(struct plan *plan, const char *name, uint16_t capacity, struct pd *client,
                  struct sddf_blk_connection *client_end, struct pd *server,
                  struct sddf_blk_connection *server_end)
{
    const struct {
        const char *what;
        uint64_t bytes;
        struct sddf_region *client, *server;
    } parts[] = {
        { "info", INFO_BYTES, &client_end->storage_info, &server_end->storage_info },
        { "req", req_bytes(capacity), &client_end->req, &server_end->req },
        { "resp", resp_bytes(capacity), &client_end->resp, &server_end->resp },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *region_name = arena_printf(plan->arena, "%s_%s", name, parts[i].what);
        const struct region *region = plan_region(plan, region_name, parts[i].bytes, PAGE_BYTES);
        *parts[i].client = sddf_map(plan, client, region, "rw");
        *parts[i].server = sddf_map(plan, server, region, "rw");
    }
    const struct channel *channel = plan_channel(plan, client, server);
    client_end->num_buffers = server_end->num_buffers = capacity;
    client_end->channel = channel->a.id;
    server_end->channel = channel->b.id;
}

void disk_plan(struct system *system)
{
    struct plan *plan = &system->plan;
    struct disk *disk = &system->disk;
    struct pd *driver =
        plan_pd(plan, "blk_driver", "blk_driver_virtio_mmio.elf", PRIORITY_BLK_DRIVER);
    disk->pd = plan_pd(plan, "blk_virt", "blk_virt.elf", PRIORITY_BLK_VIRT);
    disk->virt = plan_record(plan, disk->pd, ".blk_virt_config", sizeof(*disk->virt));
    sddf_set_magic(&disk->virt->magic, SDDF_BLOCK);
    sddf_plan_virtio_driver(plan, driver, &system->board->slots[BOARD_DISK_SLOT], DRIVER_DMA_BYTES);
    struct sddf_blk_driver_config *config =
        plan_record(plan, driver, ".blk_driver_config", sizeof(*config));
    sddf_set_magic(&config->magic, SDDF_BLOCK);
    disk_connect(plan, "blk_driver", NUM_DRIVER_REQUESTS, disk->pd, &disk->virt->driver, driver,
                 &config->virt);
    disk->virt->data = sddf_plan_dma(plan, disk->pd, "blk_virt_data", VIRT_DATA_BYTES);
}

/* RAM and bounce area, one behind the other. */
static void plan_data(struct plan *plan, struct pd *vmm, const struct region *ram,
                      struct vmm_block *block, struct blk_virt_client *client)
{
    const char *name = arena_printf(plan->arena, "%s_bounce", client->name);
    struct region *bounce = plan_region(plan, name, DISK_BOUNCE_BYTES, PAGE_BYTES);
    client->data.region.size_bytes = ram->bytes + bounce->bytes;
    client->data.io_addr = ram->phys_addr;
    client->guest_ram = true;
    bounce->phys_addr = ram->phys_addr + ram->bytes;
    block->bounce_vaddr = plan_map(plan, vmm, bounce, "rw");
    block->bounce_bytes = bounce->bytes;
    block->bounce_offset = ram->bytes;
    block->guest_ram = true;
}

static void note(struct plan *plan, const struct guest *guest)
{
    plan_note(plan, arena_printf(plan->arena,
                                 "%s: the board's disk reads and writes its RAM (partition %u%s), "
                                 "at addresses that blk_virt has checked; blk_driver is trusted "
                                 "not to change them",
                                 guest->name.text, (unsigned)guest->partition.number,
                                 guest->readonly.number != 0 ? ", read-only" : ""));
}

void disk_describe(struct vmm_block *block, const char *guest, bool read_only)
{
    char id[NAME_MAX_LENGTH + sizeof("-disk")];
    (void)snprintf(id, sizeof(id), "%s-disk", guest);
    memcpy(block->id, id, strnlen(id, sizeof(block->id)));
    block->read_only = read_only;
    block->discard = true;
    block->write_zeroes = true;
}

void disk_plan_client(struct system *system, struct pd *vmm, const struct region *ram,
                      struct vmm_block *block, const struct guest *guest)
{
    struct plan *plan = &system->plan;
    struct blk_virt_config *virt = system->disk.virt;
    struct blk_virt_client *client = &virt->clients[virt->num_clients++];
    struct sddf_blk_client_config *config =
        plan_record(plan, vmm, ".blk_client_config", sizeof(*config));
    const char *name = guest->name.text;
    sddf_set_magic(&config->magic, SDDF_BLOCK);
    sddf_set_name(client->name, name);
    client->partition = (uint16_t)guest->partition.number;
    client->read_only = guest->readonly.number != 0;
    disk_connect(plan, arena_printf(plan->arena, "%s_blk", name), NUM_CLIENT_REQUESTS, vmm,
                 &config->virt, system->disk.pd, &client->conn);
    plan_data(plan, vmm, ram, block, client);
    config->data.size_bytes = client->data.region.size_bytes;
    disk_describe(block, name, client->read_only);
    note(plan, guest);
}
