/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on their way through a link: from the client to the server, and answers back. */
#include "vmm/devices/driver_vm/blk_link_move.h"

#include "vmm/core/vmm_log.h"

/* A request's id at the server: which entry of link->requests, and which of its lives. */
#define ID(index, generation) ((uint32_t)(generation) << 16 | (uint32_t)(index))
#define ID_INDEX(id)          ((id)&0xffff)
#define ID_GENERATION(id)     ((id) >> 16)

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
void blk_link_take_answers(struct blk_link *link)
{
    struct blk_resp resp;
    uint32_t count = 0;
    while (count < UIO_BLK_ENTRIES && blk_client_receive(&link->server, &resp)) {
        take_answer(link, &resp);
        count++;
    }
    link->broken |= blk_client_broken(&link->server);
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
    /* There is room for all that can be in flight. */
    link->broken |= !blk_client_send(&link->server, &out);
    link->raise_irq = true;
}

/* Takes one request of the client, if that is possible now. */
static bool step(struct blk_link *link)
{
    struct blk_req req;
    if (link->broken || link->barrier || blk_server_requests(&link->client) == 0 ||
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
void blk_link_serve_client(struct blk_link *link)
{
    uint32_t budget = blk_server_requests(&link->client);
    if (blk_server_broken(&link->client)) {
        tell_of_client(link, "has broken its queues: ignored");
    }
    while (budget > 0 && step(link)) {
        budget--;
    }
}

void blk_link_fail_requests(struct blk_link *link)
{
    for (uint32_t i = 0; i < UIO_BLK_ENTRIES; i++) {
        if (link->requests[i].busy) {
            finish(link, &link->requests[i], BLK_RESP_ERR_NO_DEVICE, 0);
        }
    }
}
