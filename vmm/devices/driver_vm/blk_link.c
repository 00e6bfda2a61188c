/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/driver_vm/blk_link.h"

#include "vmm/core/vmm_log.h"
#include "vmm/devices/driver_vm/blk_link_move.h"

#include <string.h>

#define MAX_CAPACITY (UINT64_C(1) << 50) /* blocks: its bytes fit into 63 bits */
#define SECTOR_BYTES 512u

/* ---- Set-up -----------------------------------------------------------------------------------*/

static void *rings_at(const struct blk_link *link, uint64_t offset)
{
    return (void *)(uintptr_t)(link->record->rings_vaddr + offset);
}

/* Empty queues to the server, and what it has to know; it may have spoilt both. */
static void clear_rings(struct blk_link *link)
{
    struct blk_req_queue *req = rings_at(link, UIO_BLK_REQ_OFFSET);
    struct blk_resp_queue *resp = rings_at(link, UIO_BLK_RESP_OFFSET);
    memset(req, 0, sizeof(*req));
    memset(resp, 0, sizeof(*resp));
    link->server = (struct blk_client){ .req = req, .resp = resp, .capacity = UIO_BLK_ENTRIES };
    link->page->partition = link->record->partition;
    link->page->read_only = link->record->read_only;
    link->page->awake = 0;
    memcpy(link->page->client, link->record->client, sizeof(link->page->client));
}

static bool record_ok(const struct vmm_served_disk *record)
{
    uint32_t capacity = record->conn.num_buffers;
    return record->rings_vaddr != 0 && record->data_vaddr != 0 && capacity > 0 &&
           (capacity & (capacity - 1)) == 0 && record->data_vaddr % BLK_TRANSFER_SIZE == 0 &&
           record->data_bytes % BLK_TRANSFER_SIZE == 0;
}

bool blk_link_init(struct blk_link *link, const struct vmm_served_disk *record,
                   const struct irq_line *irq, const struct blk_link_ops *ops)
{
    if (!record_ok(record)) {
        return false;
    }
    memset(link, 0, sizeof(*link));
    link->record = record;
    link->ops = ops;
    link->irq = *irq;
    link->client = blk_queue_connect_server(&record->conn);
    link->client_info = (struct blk_storage_info *)(uintptr_t)record->conn.storage_info.vaddr;
    link->page = rings_at(link, 0);
    link->num_free = UIO_BLK_ENTRIES;
    for (uint16_t i = 0; i < UIO_BLK_ENTRIES; i++) {
        link->free[i] = (uint16_t)(UIO_BLK_ENTRIES - 1 - i);
    }
    clear_rings(link);
    /* Our guest does not run yet: nobody works on what a former life of the VMM was asked for. */
    __atomic_store_n(&link->client_info->ready, 0, __ATOMIC_RELEASE);
    blk_server_begin(&link->client);
    return true;
}

/* ---- The end of a life ------------------------------------------------------------------------*/

/* The first, and then each that doubles the count. */
static bool is_worth_a_line(uint32_t count)
{
    return (count & (count - 1)) == 0;
}

/* What is in flight fails. The server may still touch it: it gets nothing else until its HELLO. */
static void end_life(struct blk_link *link)
{
    blk_link_fail_requests(link);
    if (link->state == BLK_LINK_UP) {
        __atomic_store_n(&link->client_info->ready, 0, __ATOMIC_RELEASE);
        link->notify_client = true;
    }
    link->state = BLK_LINK_DOWN;
    link->broken = false;
    __atomic_store_n(&link->page->life, ++link->life, __ATOMIC_RELAXED);
    link->raise_irq = true;
}

static void go_down(struct blk_link *link, const char *why)
{
    if (link->state == BLK_LINK_UP && is_worth_a_line(link->num_lives)) {
        vmm_log("disk of %s: no server: %s; %u requests fail", link->record->client, why,
                (unsigned)link->in_flight);
    }
    end_life(link);
}

/* The fence: a server that goes to sleep sees what we have put in, or we see that it does. */
static bool server_is_awake(const struct blk_link *link)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&link->page->awake, __ATOMIC_RELAXED) != 0;
}

static void send_signals(struct blk_link *link)
{
    bool raise = link->raise_irq && !server_is_awake(link);
    link->raise_irq = false;
    if (raise) {
        irq_line_set(&link->irq, true);
    }
    if (link->notify_client) {
        link->notify_client = false;
        link->ops->notify(link->record->conn.channel);
    }
}

void blk_link_run(struct blk_link *link)
{
    if (link->state == BLK_LINK_UP) {
        blk_link_take_answers(link);
    }
    blk_link_serve_client(link);
    if (link->broken) {
        go_down(link, "it has broken its queues");
        blk_link_serve_client(link); /* what is left, with errors */
    }
    send_signals(link);
}

/* ---- The server's registers -------------------------------------------------------------------*/

static void hello(struct blk_link *link)
{
    go_down(link, "a new one has come");
    clear_rings(link);
    link->state = BLK_LINK_GREETED;
    link->raise_irq = false;
    irq_line_set(&link->irq, false);
}

/* What makes no sense in the server's words is left out. */
static void read_info(struct blk_link *link, struct blk_storage_info *info)
{
    *info = *(const volatile struct blk_storage_info *)&link->page->info;
    uint16_t sector = info->sector_size;
    if (sector < SECTOR_BYTES || sector > BLK_TRANSFER_SIZE || (sector & (sector - 1)) != 0) {
        info->sector_size = SECTOR_BYTES;
    }
    info->capacity = info->capacity <= MAX_CAPACITY ? info->capacity : 0;
    info->read_only = info->read_only != 0 || link->record->read_only != 0;
    info->extensions &= info->read_only ? 0 : BLK_EXT_DISCARD | BLK_EXT_WRITE_ZEROES;
    info->queue_depth = UIO_BLK_ENTRIES;
    info->ready = 0;
}

static void serve(struct blk_link *link)
{
    struct blk_storage_info info;
    if (link->state != BLK_LINK_GREETED) {
        return;
    }
    read_info(link, &info);
    link->limits = (struct blk_limits){ .blocks = info.capacity,
                                        .data_bytes = link->record->data_bytes,
                                        .extensions = info.extensions,
                                        .read_only = info.read_only };
    link->state = BLK_LINK_UP;
    link->num_lives++;
    memcpy(link->client_info, &info, sizeof(info));
    blk_storage_set_ready(link->client_info);
    link->notify_client = true;
    if (is_worth_a_line(link->num_lives)) {
        vmm_log("disk of %s: served, %lu blocks", link->record->client, info.capacity);
    }
}

static void acknowledge(struct blk_link *link)
{
    irq_line_set(&link->irq, false);
}

static void bye(struct blk_link *link)
{
    go_down(link, "it has said goodbye");
}

/* KICK is in no table: the queues are looked at after each of them. */
void blk_link_write(struct blk_link *link, uint64_t offset, uint32_t value)
{
    static void (*const of_this_life[])(struct blk_link * link) = {
        [UIO_BLK_SERVE / 4] = serve,
        [UIO_BLK_ACK / 4] = acknowledge,
        [UIO_BLK_BYE / 4] = bye,
    };
    uint64_t index = offset / 4;
    if (offset == UIO_BLK_HELLO) {
        hello(link);
    } else if (offset % 4 == 0 && index < sizeof(of_this_life) / sizeof(of_this_life[0]) &&
               of_this_life[index] != NULL && value == link->life) {
        of_this_life[index](link);
    }
    blk_link_run(link);
}

void blk_link_stop(struct blk_link *link)
{
    go_down(link, "its guest has stopped");
    blk_link_run(link);
}

void blk_link_tick(struct blk_link *link)
{
    bool late = false;
    link->ticks++;
    for (uint32_t i = 0; i < UIO_BLK_ENTRIES; i++) {
        const struct blk_link_request *request = &link->requests[i];
        late |= request->busy && link->ticks - request->sent_at > BLK_LINK_PATIENCE;
    }
    if (late) {
        go_down(link, "it has not answered in time");
    }
    blk_link_run(link);
}
