/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/driver_vm/blk_link.h"

#include "vmm/log.h"

#include <string.h>

#define MAX_CAPACITY (UINT64_C(1) << 50) /* blocks: its bytes fit into 63 bits */
#define SECTOR_BYTES 512u

/* A request's id at the server: which entry of link->requests, and which of its lives. */
#define ID(index, generation) ((uint32_t)(generation) << 16 | (uint32_t)(index))
#define ID_INDEX(id)          ((id)&0xffff)
#define ID_GENERATION(id)     ((id) >> 16)

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
    return true;
}

/* ---- To the client ----------------------------------------------------------------------------*/

/* Room was seen when the request was taken. If it is gone, the client lies, and loses its answer.
 */
static void answer(struct blk_link *link, uint32_t status, uint16_t count, uint32_t id)
{
    struct blk_resp resp = { status, count, id };
    (void)blk_server_respond(&link->client, &resp);
    link->notify_client = true;
}

/* Said once: what follows a lie is of no interest. */
static void tell_of_client(struct blk_link *link, const char *what)
{
    if (!link->told) {
        vmm_log("disk of %s: it %s (said once)", link->record->client, what);
    }
    link->told = true;
}

/* Takes a request off what is in flight, and answers it. */
static void finish(struct blk_link *link, struct blk_link_request *request, uint32_t status,
                   uint16_t count)
{
    request->busy = false;
    request->generation++;
    link->free[link->num_free++] = (uint16_t)(request - link->requests);
    link->in_flight--;
    link->writes_in_flight -= blk_changes_disk(request->code);
    link->barrier &= request->code != BLK_REQ_BARRIER;
    answer(link, status, count < request->count ? count : request->count, request->id);
}

static void *data_at(const struct blk_link *link, uint64_t offset)
{
    return (void *)(uintptr_t)(link->record->data_vaddr + offset);
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
    for (uint32_t i = 0; i < UIO_BLK_ENTRIES; i++) {
        if (link->requests[i].busy) {
            finish(link, &link->requests[i], BLK_RESP_ERR_NO_DEVICE, 0);
        }
    }
    if (link->state == BLK_LINK_UP) {
        __atomic_store_n(&link->client_info->ready, 0, __ATOMIC_RELEASE);
        link->notify_client = true;
    }
    link->state = BLK_LINK_DOWN;
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

/* ---- From the server --------------------------------------------------------------------------*/

static void take_answer(struct blk_link *link, const struct blk_resp *resp)
{
    struct blk_link_request *request = &link->requests[ID_INDEX(resp->id) % UIO_BLK_ENTRIES];
    if (ID_INDEX(resp->id) >= UIO_BLK_ENTRIES || !request->busy ||
        request->generation != ID_GENERATION(resp->id)) {
        link->bad_answers++;
        return;
    }
    if (request->code == BLK_REQ_READ) {
        link->ops->cache_drop((uintptr_t)data_at(link, request->offset),
                              (uint64_t)request->count * BLK_TRANSFER_SIZE);
    }
    finish(link, request, blk_check_status(request->code, request->count, resp),
           resp->success_count);
}

/* As many as can have been asked for; a server that adds meanwhile kicks again. */
static void take_answers(struct blk_link *link)
{
    struct blk_resp resp;
    uint32_t count = 0;
    while (count < UIO_BLK_ENTRIES && blk_client_receive(&link->server, &resp)) {
        take_answer(link, &resp);
        count++;
    }
    if (blk_client_broken(&link->server)) {
        go_down(link, "it has broken its queues");
    }
}

/* ---- To the server ----------------------------------------------------------------------------*/

/* A request that is in order cannot go on yet. */
static bool must_wait(const struct blk_link *link, uint32_t code)
{
    return link->num_free == 0 || (code == BLK_REQ_FLUSH && link->writes_in_flight > 0) ||
           (code == BLK_REQ_BARRIER && link->in_flight > 0);
}

/* What a cache holds of the region goes to memory: the data, or what would later overwrite it. */
static void hand_over(const struct blk_link *link, const struct blk_req *req)
{
    uint64_t bytes = (uint64_t)req->count * BLK_TRANSFER_SIZE;
    uint64_t at = (uintptr_t)data_at(link, req->io_or_offset);
    if (req->code == BLK_REQ_WRITE) {
        link->ops->cache_clean(at, bytes);
    } else if (req->code == BLK_REQ_READ) {
        link->ops->cache_drop(at, bytes);
    }
}

/* Passes on a request that has been checked. */
static void pass_on(struct blk_link *link, const struct blk_req *req)
{
    uint16_t index = link->free[--link->num_free];
    struct blk_link_request *request = &link->requests[index];
    bool flushes = blk_flushes(req->code);
    struct blk_req out = {
        .code = flushes ? BLK_REQ_FLUSH : req->code,
        .io_or_offset = blk_moves_data(req->code) ? req->io_or_offset : 0,
        .block_number = flushes ? 0 : req->block_number,
        .count = flushes ? 0 : req->count,
        .id = ID(index, request->generation),
    };
    *request = (struct blk_link_request){
        .busy = true,
        .generation = request->generation,
        .count = out.count,
        .code = req->code,
        .id = req->id,
        .sent_at = link->ticks,
        .offset = out.io_or_offset,
    };
    link->in_flight++;
    link->writes_in_flight += blk_changes_disk(req->code);
    link->barrier |= req->code == BLK_REQ_BARRIER;
    hand_over(link, &out);
    if (blk_client_send(&link->server, &out)) {
        link->raise_irq = true;
    } else { /* there is room for all that can be in flight */
        go_down(link, "it has broken its queues");
    }
}

/* Takes one request of the client, if that is possible now. */
static bool step(struct blk_link *link)
{
    struct blk_req req;
    if (link->barrier || blk_server_requests(&link->client) == 0 ||
        blk_server_room(&link->client) <= link->in_flight) {
        return false;
    }
    blk_server_peek(&link->client, &req);
    uint32_t status = link->state == BLK_LINK_UP ? blk_check_request(&link->limits, &req)
                                                 : BLK_RESP_ERR_NO_DEVICE;
    if (status == BLK_RESP_OK && must_wait(link, req.code)) {
        return false;
    }
    blk_server_consume(&link->client);
    if (status == BLK_RESP_OK) {
        pass_on(link, &req);
        return true;
    }
    if (status == BLK_RESP_ERR_INVALID_PARAM) {
        tell_of_client(link, "asks for what it may not have: refused");
    }
    answer(link, status, 0, req.id);
    return true;
}

/* What stands in its queue now: a client that adds meanwhile notifies. */
static void serve_client(struct blk_link *link)
{
    uint32_t budget = blk_server_requests(&link->client);
    if (blk_server_broken(&link->client)) {
        tell_of_client(link, "has broken its queues: ignored");
    }
    while (budget > 0 && step(link)) {
        budget--;
    }
}

static void send_signals(struct blk_link *link)
{
    if (link->raise_irq) {
        link->raise_irq = false;
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
        take_answers(link);
    }
    serve_client(link);
    send_signals(link);
}

/* ---- The server's registers
 * ----------------------------------------------------------------------*/

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
