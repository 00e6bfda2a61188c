/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/blk/blk_virt_start.h"

#include "sdk/libc/format.h"

#include <string.h>

#define SECTOR_BYTES 512u

enum { READ_HEAD = 0, READ_TAIL = 1 }; /* ids of the two reads */

/* ---- A client and its partition ---------------------------------------------------------------*/

static bool may_write(const struct virt_core *core, uint32_t index)
{
    return !core->config->clients[index].read_only && core->disk.read_only == 0;
}

/* A client before this one has some of its blocks, and one of the two may write. */
static bool is_shared(const struct virt_core *core, uint32_t index)
{
    const struct virt_client *a = &core->clients[index];
    bool shared = false;
    for (uint32_t i = 0; i < index; i++) {
        const struct virt_client *b = &core->clients[i];
        bool overlap = b->blocks > 0 && a->first_block < b->first_block + b->blocks &&
                       b->first_block < a->first_block + a->blocks;
        shared |= overlap && (may_write(core, index) || may_write(core, i));
    }
    return shared;
}

/* Gives a client its blocks; returns NULL, or why there are none. */
static const char *assign(struct virt_core *core, uint32_t index)
{
    struct virt_client *client = &core->clients[index];
    uint32_t number = core->config->clients[index].partition;
    if (core->disk.capacity == 0) {
        return "there is no disk";
    }
    if (number == BLK_WHOLE_DISK) {
        client->blocks = core->disk.capacity;
    } else if (core->table_unreadable) {
        return "the partition table cannot be read";
    } else if (partition_error_of(&core->table, number) != PARTITION_OK) {
        return partition_error_text(partition_error_of(&core->table, number));
    } else {
        client->first_block = core->table.partitions[number].first_block;
        client->blocks = core->table.partitions[number].blocks;
    }
    if (is_shared(core, index)) {
        client->blocks = 0;
        return "another client has it, and one of them may write";
    }
    return NULL;
}

static void report_missing(const struct virt_core *core, uint32_t index, const char *why)
{
    const struct blk_virt_client *record = &core->config->clients[index];
    char line[256];
    if (record->partition == BLK_WHOLE_DISK) {
        format_text(line, sizeof(line), "block: %s has no disk: %s\n", record->name, why);
    } else {
        format_text(line, sizeof(line), "block: %s has no disk: partition %u (from 0): %s\n",
                    record->name, record->partition, why);
    }
    core->ops->report(line);
}

/* Tells a client what its disk is; one without has a disk of no blocks. */
static void tell_client(struct virt_core *core, uint32_t index)
{
    struct virt_client *client = &core->clients[index];
    const struct sddf_blk_connection *conn = &core->config->clients[index].conn;
    struct blk_storage_info *info = (struct blk_storage_info *)(uintptr_t)conn->storage_info.vaddr;
    memset(info, 0, sizeof(*info));
    if (client->blocks > 0) {
        client->read_only = !may_write(core, index);
        memcpy(info->serial, core->disk.serial, sizeof(info->serial));
        info->read_only = client->read_only;
        info->sector_size = core->disk.sector_size;
        info->block_size = core->disk.block_size;
        info->queue_depth = (uint16_t)core->share;
        info->extensions = client->read_only ? 0 : core->disk.extensions;
        info->capacity = client->blocks;
    }
    blk_storage_set_ready(info);
    blk_server_begin(&client->queue);
    client->notify = true;
}

static void give_partitions(struct virt_core *core)
{
    for (uint32_t i = 0; i < core->num_clients; i++) {
        const char *why = assign(core, i);
        if (why != NULL) {
            report_missing(core, i, why);
        }
        tell_client(core, i);
    }
    core->state = VIRT_RUNS;
}

/* ---- The table --------------------------------------------------------------------------------*/

static bool needs_table(const struct virt_core *core)
{
    bool needed = false;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        needed |= core->config->clients[i].partition != BLK_WHOLE_DISK;
    }
    return needed && core->disk.capacity > 0;
}

/* Bytes at each end of the disk that are read. */
static uint32_t window_bytes(const struct virt_core *core)
{
    uint64_t most = PARTITION_WINDOW / BLK_TRANSFER_SIZE;
    uint64_t blocks = core->disk.capacity < most ? core->disk.capacity : most;
    return (uint32_t)blocks * BLK_TRANSFER_SIZE;
}

/* Cannot fail: the queue is empty so far. If it does, the driver lies, and nothing comes of it. */
static void read_end(struct virt_core *core, uint32_t id, uint64_t first_block)
{
    struct blk_req req = {
        .code = BLK_REQ_READ,
        .io_or_offset = core->config->data.io_addr + (uint64_t)id * PARTITION_WINDOW,
        .block_number = first_block,
        .count = (uint16_t)(window_bytes(core) / BLK_TRANSFER_SIZE),
        .id = id,
    };
    core->sent |= blk_client_send(&core->driver, &req);
    core->reads_pending |= 1u << id;
}

/* The one line about a GPT that works, but not as it should. */
static void report_copies(const struct virt_core *core)
{
    const struct partition_table *table = &core->table;
    bool primary_bad = table->primary != PARTITION_OK;
    char line[256];
    if (!table->gpt || (!primary_bad && table->backup == PARTITION_OK)) {
        return;
    }
    format_text(line, sizeof(line), "block: the disk's %s GPT is bad (%s)\n",
                primary_bad ? "primary" : "backup",
                partition_error_text(primary_bad ? table->primary : table->backup));
    core->ops->report(line);
}

static void parse_table(struct virt_core *core)
{
    const uint8_t *data = (const uint8_t *)(uintptr_t)core->config->data.region.vaddr;
    struct partition_disk disk = {
        .head = data,
        .tail = data + PARTITION_WINDOW,
        .window_bytes = window_bytes(core),
        .sector_bytes = core->disk.sector_size,
        .blocks = core->disk.capacity,
    };
    partition_parse(&disk, &core->table);
    report_copies(core);
}

void virt_start_answer(struct virt_core *core, const struct blk_resp *resp)
{
    if (resp->status == BLK_RESP_LOST) { /* the driver begins anew, and so do we */
        core->state = VIRT_WAITS_FOR_DRIVER;
        core->stale = blk_client_in_flight(&core->driver);
        core->reads_pending = 0;
        return;
    }
    if (resp->id > READ_TAIL || !(core->reads_pending & 1u << resp->id)) {
        return;
    }
    core->reads_pending &= ~(1u << resp->id);
    core->table_unreadable |= resp->status != BLK_RESP_OK;
    if (core->reads_pending > 0) {
        return;
    }
    if (!core->table_unreadable) {
        parse_table(core);
    }
    give_partitions(core);
}

/* A driver's sector size that makes no sense is taken for the usual one. */
static void read_disk(struct virt_core *core, const struct blk_storage_info *info)
{
    memcpy(&core->disk, info, sizeof(core->disk));
    uint16_t sector = core->disk.sector_size;
    if (sector < SECTOR_BYTES || sector > BLK_TRANSFER_SIZE || (sector & (sector - 1)) != 0) {
        core->disk.sector_size = SECTOR_BYTES;
    }
    if (core->disk.capacity > PARTITION_BLOCKS_MAX) {
        core->disk.capacity = 0;
    }
    core->disk.extensions &= BLK_EXT_DISCARD | BLK_EXT_WRITE_ZEROES;
}

void virt_start(struct virt_core *core)
{
    const struct blk_storage_info *info =
        (const struct blk_storage_info *)(uintptr_t)core->config->driver.storage_info.vaddr;
    if (!blk_storage_ready(info)) {
        return; /* the driver notifies */
    }
    read_disk(core, info);
    if (!needs_table(core)) {
        give_partitions(core);
        return;
    }
    core->state = VIRT_READS_TABLE;
    read_end(core, READ_HEAD, 0);
    read_end(core, READ_TAIL, core->disk.capacity - window_bytes(core) / BLK_TRANSFER_SIZE);
}
