/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/block/block_parts.h"

#include "vmm/core/vmm_log.h"

#include <stddef.h>
#include <string.h>

#define QUEUE          0
#define HEADER_BYTES   sizeof(struct virtio_blk_outhdr)
#define MAX_SEGMENTS   (VIRTIO_BLOCK_QUEUE_SIZE - 2) /* beside header and status */
#define MAX_SEGMENT    (1u << 20)                    /* a multiple of 4096 */
#define BLOCK_EXPONENT 3                             /* 512 << 3 is BLOCK_BYTES */
#define BLOCK_SECTORS  (BLOCK_BYTES / SECTOR_BYTES)
#define WCE            offsetof(struct virtio_blk_config, wce)
#define CONFIG_BYTES   offsetof(struct virtio_blk_config, max_secure_erase_sectors)

#define FEATURES                                                                                   \
    (VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) | VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) |                   \
     VIRTIO_FEATURE(VIRTIO_BLK_F_SIZE_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) |               \
     VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_FEATURE(VIRTIO_BLK_F_CONFIG_WCE))

_Static_assert(SECTOR_BYTES << BLOCK_EXPONENT == BLOCK_BYTES, "TOPOLOGY");
_Static_assert(WCE == 32, "virtIO 1.2, 5.2.4");

static struct virtio_block *block_of(struct virtio_device *device)
{
    return (struct virtio_block *)device;
}

/* ---- The disk below --------------------------------------------------------------------------*/

/* Features stand still while there is a driver: what the server tells later counts after a reset.
 */
static void offer_features(struct virtio_block *block)
{
    uint64_t features = FEATURES;
    uint16_t extensions = block->capacity > 0 ? block->info->extensions : 0;
    if (block->read_only) {
        features |= VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
    }
    if (block->record->discard != 0 && (extensions & BLK_EXT_DISCARD) != 0) {
        features |= VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD);
    }
    if (block->record->write_zeroes != 0 && (extensions & BLK_EXT_WRITE_ZEROES) != 0) {
        features |= VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
    }
    block->device.device_features = features;
}

/* Reads what the server tells of the disk. Without a server's word the disk has no blocks. */
static void look_at_disk(struct virtio_block *block)
{
    bool ready = blk_storage_ready(block->info);
    uint64_t capacity = ready ? __atomic_load_n(&block->info->capacity, __ATOMIC_RELAXED) : 0;
    block->capacity = capacity < MAX_CAPACITY ? capacity : MAX_CAPACITY;
    block->read_only = block->record->read_only != 0 || (ready && block->info->read_only != 0);
    if (virtio_mmio_is_reset(&block->device)) {
        offer_features(block);
    }
    if (block->config.capacity != block->capacity * BLOCK_SECTORS) {
        block->config.capacity = block->capacity * BLOCK_SECTORS;
        virtio_mmio_config_changed(&block->device);
    }
}

/* ---- The guest -------------------------------------------------------------------------------*/

/* Takes one chain. False: it is none that the device can answer. */
static bool take_chain(struct virtio_block *block, struct block_request *request)
{
    if (request->chain.writable_bytes == 0) {
        virtio_mmio_fail(&block->device, "a request without room for its status");
        return false;
    }
    if (request->chain.readable_bytes < HEADER_BYTES) {
        virtq_push(&block->queue, &request->chain, 0); /* what it asks for is not to be seen */
        return false;
    }
    block_request_read(block, request);
    block_arrived(block, request);
    return true;
}

static void block_notify(struct virtio_device *device, uint32_t index)
{
    struct virtio_block *block = block_of(device);
    struct virtq *q = &block->queue;
    enum virtq_result result;
    virtq_begin(q);
    do {
        struct block_request *request = block_new_request(block);
        result = virtq_pop(q, &request->chain);
        if (result != VIRTQ_CHAIN || !take_chain(block, request)) {
            block_free_request(block, request);
        }
    } while (result == VIRTQ_CHAIN);
    block_run(block);
    virtio_mmio_finish(device, index, result);
}

void virtio_block_notified(struct virtio_block *block)
{
    look_at_disk(block);
    block_take_responses(block);
    block_run(block);
    if (block->queue.running) {
        virtio_mmio_finish(&block->device, QUEUE, VIRTQ_EMPTY);
    } else if (block_num_ops(block) == 0) {
        virtio_mmio_quiescent(&block->device);
        look_at_disk(block); /* perhaps with other features for the next driver */
    }
}

/* ---- Device ----------------------------------------------------------------------------------*/

/* 5.2.5.2: without FLUSH the cache is said to be off. */
static bool block_features_ok(struct virtio_device *device, uint64_t accepted)
{
    block_of(device)->config.wce = (accepted & VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH)) != 0;
    return true;
}

/* Only the cache mode can be written, and only if that was agreed on (5.2.4). */
static void block_config_write(struct virtio_device *device, uint32_t offset, unsigned bytes,
                               uint64_t value)
{
    if (offset == WCE && bytes == 1 && virtio_mmio_has_feature(device, VIRTIO_BLK_F_CONFIG_WCE)) {
        block_of(device)->config.wce = value != 0;
    }
}

/*
 * The queue is stopped: what is on the way below is waited for, since it may work on guest memory,
 * and since a write must not arrive after those of the guest's next life. If the answers never
 * come, this line is the last that one sees of the guest.
 */
static bool forget_requests(struct virtio_block *block)
{
    block_run(block);
    unsigned waiting = block_num_ops(block);
    if (waiting == 0) {
        return true;
    }
    block->num_waits++;
    if ((block->num_waits & (block->num_waits - 1)) == 0) { /* as virtio_mmio_fail() does */
        vmm_log("%s: stopped with %u requests at the disk; waits for them (wait %lu)",
                block->device.name, waiting, (unsigned long)block->num_waits);
    }
    return false;
}

static bool block_stop_queue(struct virtio_device *device, uint32_t index)
{
    (void)index;
    return forget_requests(block_of(device));
}

static bool block_reset(struct virtio_device *device)
{
    struct virtio_block *block = block_of(device);
    block->config.wce = 1;
    offer_features(block);
    return forget_requests(block);
}

static void block_start(struct virtio_device *device)
{
    block_notify(device, QUEUE);
}

static const struct virtio_device_ops block_ops = {
    .features_ok = block_features_ok,
    .config_write = block_config_write,
    .start = block_start,
    .notify = block_notify,
    .reset = block_reset,
    .stop_queue = block_stop_queue,
};

/* ---- Set-up ----------------------------------------------------------------------------------*/

static bool is_multiple(uint64_t value)
{
    return value % BLOCK_BYTES == 0;
}

static bool records_ok(const struct guest_ram *ram, const struct vmm_block *record,
                       const struct sddf_blk_client_config *client)
{
    uint32_t capacity = client->virt.num_buffers;
    uint64_t ram_bytes = record->guest_ram != 0 ? ram->size_bytes : 0;
    return sddf_magic_ok(&client->magic, SDDF_BLOCK) && capacity > 0 &&
           (capacity & (capacity - 1)) == 0 && record->bounce_bytes >= BLOCK_BYTES &&
           is_multiple(record->bounce_bytes) && is_multiple(record->bounce_offset) &&
           is_multiple((uint64_t)(uintptr_t)ram->base) && is_multiple(ram->gpa) &&
           record->bounce_offset >= ram_bytes;
}

static uint16_t at_most(uint64_t value, uint16_t most)
{
    return value < most ? (uint16_t)value : most;
}

static void init_config(struct virtio_blk_config *config)
{
    *config = (struct virtio_blk_config){
        .size_max = MAX_SEGMENT,
        .seg_max = MAX_SEGMENTS,
        .blk_size = SECTOR_BYTES,
        .physical_block_exp = BLOCK_EXPONENT,
        .min_io_size = BLOCK_SECTORS,
        .wce = 1,
        .max_discard_sectors = MAX_RANGE_SECTORS,
        .max_discard_seg = 1,
        .discard_sector_alignment = BLOCK_SECTORS,
        .max_write_zeroes_sectors = MAX_RANGE_SECTORS,
        .max_write_zeroes_seg = 1,
    };
}

static void init_slots(struct virtio_block *block)
{
    for (unsigned i = 0; i < VIRTIO_BLOCK_SLOTS; i++) {
        block->free_requests[i] = (uint8_t)(VIRTIO_BLOCK_SLOTS - 1 - i);
    }
    block->num_free_requests = VIRTIO_BLOCK_SLOTS;
    block_ops_init(block);
}

static void connect(struct virtio_block *block, const struct sddf_blk_client_config *client,
                    void (*notify)(unsigned channel))
{
    block->client = blk_queue_connect_client(&client->virt);
    block->info = (const struct blk_storage_info *)(uintptr_t)client->virt.storage_info.vaddr;
    block->notify = notify;
    block->channel = client->virt.channel;
    block->stale = blk_client_in_flight(&block->client);
    if (block->stale > 0) {
        notify(block->channel); /* perhaps the server has not been told of them */
    }
    block->max_ops = at_most(client->virt.num_buffers, VIRTIO_BLOCK_MAX_OPS);
    block->bounce_blocks =
        at_most(block->record->bounce_bytes / BLOCK_BYTES, VIRTIO_BLOCK_MAX_BOUNCE);
}

bool virtio_block_init(struct virtio_block *block, const char *name, const struct guest_ram *ram,
                       const struct irq_line *irq, const struct vmm_block *record,
                       const struct sddf_blk_client_config *client,
                       void (*notify)(unsigned channel))
{
    if (!records_ok(ram, record, client)) {
        return false;
    }
    memset(block, 0, sizeof(*block)); /* too large for a compound literal on the stack */
    block->device = (struct virtio_device){
        .name = name,
        .ops = &block_ops,
        .device_id = VIRTIO_ID_BLOCK,
        .queues = &block->queue,
        .num_queues = 1,
        .config = &block->config,
        .config_bytes = CONFIG_BYTES,
        .irq = *irq,
    };
    block->ram = ram;
    block->record = record;
    connect(block, client, notify);
    init_config(&block->config);
    init_slots(block);
    virtq_init(&block->queue, ram, VIRTIO_BLOCK_QUEUE_SIZE);
    virtio_mmio_init(&block->device);
    look_at_disk(block);
    return true;
}
