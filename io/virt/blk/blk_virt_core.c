/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/blk/blk_virt_core.h"

#include "io/virt/blk/blk_virt_start.h"

#include <cloister/blk_check.h>
#include <string.h>

void virt_core_init(struct virt_core *core, const struct blk_virt_config *config,
                    const struct virt_ops *ops)
{
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->num_clients =
        config->num_clients < SDDF_MAX_CLIENTS ? config->num_clients : SDDF_MAX_CLIENTS;
    core->driver = blk_queue_connect_client(&config->driver);
    core->stale = blk_client_in_flight(&core->driver);
    for (uint32_t i = 0; i < core->num_clients; i++) {
        core->clients[i].counts = core->clients[i].own_counts;
        core->clients[i].queue = blk_queue_connect_server(&config->clients[i].conn);
    }
    /* As many as the driver's queues hold: then neither of them can overflow. */
    core->num_free = core->driver.capacity < VIRT_REQUESTS ? core->driver.capacity : VIRT_REQUESTS;
    for (uint32_t i = 0; i < core->num_free; i++) {
        core->free[i] = (uint16_t)(core->num_free - 1 - i);
    }
    core->share = core->num_clients > 0 ? core->num_free / core->num_clients : 0;
    core->share = core->share > 0 ? core->share : 1;
}

/* ---- What is wrong with a request -------------------------------------------------------------*/

static uint32_t check(const struct virt_core *core, uint32_t index, const struct blk_req *req)
{
    const struct virt_client *client = &core->clients[index];
    struct blk_limits limits = {
        .blocks = client->blocks,
        .data_bytes = core->config->clients[index].data.region.size_bytes,
        .extensions = core->disk.extensions,
        .read_only = client->read_only,
    };
    return blk_check_request(&limits, req);
}

/* ---- From clients to the driver ---------------------------------------------------------------*/

/* Room was seen when the request was taken. If it is gone, the client lies, and loses its answer.
 */
static void answer(struct virt_client *client, uint32_t status, uint16_t count, uint32_t id)
{
    struct blk_resp resp = { status, count, id };
    (void)blk_server_respond(&client->queue, &resp);
    client->notify = true;
}

/* Said once for each client: what follows a lie is of no interest. */
static void tell_of(struct virt_core *core, uint32_t index, const char *what)
{
    if (core->clients[index].told) {
        return;
    }
    core->clients[index].told = true;
    core->ops->report("block: ");
    core->ops->report(core->config->clients[index].name);
    core->ops->report(what);
}

/* A request that is in order cannot go to the driver yet. */
static bool must_wait(const struct virt_core *core, const struct virt_client *client,
                      const struct blk_req *req)
{
    bool crowded = client->in_flight > 0 && blk_moves_data(req->code) &&
                   client->blocks_in_flight + req->count > VIRT_BLOCKS;
    return core->num_free == 0 || blk_client_room(&core->driver) == 0 ||
           client->in_flight >= core->share || crowded ||
           (req->code == BLK_REQ_FLUSH && client->writes_in_flight > 0) ||
           (req->code == BLK_REQ_BARRIER && client->in_flight > 0);
}

/* Adds a request to what its client has in flight, or takes it off. */
static void count_in_flight(struct virt_client *client, uint32_t code, uint16_t count, bool on)
{
    uint32_t blocks = blk_moves_data(code) ? count : 0;
    uint32_t write = blk_changes_disk(code);
    client->in_flight = on ? client->in_flight + 1 : client->in_flight - 1;
    client->writes_in_flight =
        on ? client->writes_in_flight + write : client->writes_in_flight - write;
    client->blocks_in_flight =
        on ? client->blocks_in_flight + blocks : client->blocks_in_flight - blocks;
    if (code == BLK_REQ_BARRIER) {
        client->barrier = on;
    }
}

static void count_request(uint64_t *counts, const struct blk_req *req)
{
    bool moves = blk_moves_data(req->code);
    counts[req->code == BLK_REQ_READ ? COUNT_BLK_READS
                                     : (moves ? COUNT_BLK_WRITES : COUNT_BLK_OTHERS)]++;
    counts[COUNT_BLK_BLOCKS] += moves ? req->count : 0;
}

static void send(struct virt_core *core, struct virt_request *request)
{
    request->sent = core->driver.req_tail;
    core->sent |= blk_client_send(&core->driver, &request->send);
}

/* Passes a request on that has been checked, with the disk's blocks and physical memory. */
static void pass_on(struct virt_core *core, uint32_t index, const struct blk_req *req)
{
    struct virt_client *client = &core->clients[index];
    struct blk_req out = { .code = req->code, .id = core->free[--core->num_free] };
    if (blk_flushes(req->code)) {
        out.code = BLK_REQ_FLUSH;
    } else {
        out.block_number = client->first_block + req->block_number;
        out.count = req->count;
    }
    if (blk_moves_data(req->code)) {
        out.io_or_offset = core->config->clients[index].data.io_addr + req->io_or_offset;
    }
    core->requests[out.id] = (struct virt_request){
        .busy = true,
        .client = (uint8_t)index,
        .count = out.count,
        .code = req->code,
        .id = req->id,
        .send = out,
    };
    count_in_flight(client, req->code, out.count, true);
    send(core, &core->requests[out.id]);
}

/* Takes one request of a client, if that is possible now. */
static bool step(struct virt_core *core, uint32_t index)
{
    struct virt_client *client = &core->clients[index];
    struct blk_req req;
    if (client->budget == 0 || client->barrier || blk_server_requests(&client->queue) == 0 ||
        blk_server_room(&client->queue) <= client->in_flight) {
        return false;
    }
    blk_server_peek(&client->queue, &req);
    uint32_t status = check(core, index, &req);
    if (status == BLK_RESP_OK && must_wait(core, client, &req)) {
        return false;
    }
    blk_server_consume(&client->queue);
    client->budget--;
    if (status == BLK_RESP_OK) {
        count_request(client->counts, &req);
        pass_on(core, index, &req);
        return true;
    }
    client->counts[COUNT_BLK_REFUSED]++;
    if (status == BLK_RESP_ERR_INVALID_PARAM) {
        tell_of(core, index, " asks for what it may not have: refused (said once)\n");
    }
    answer(client, status, 0, req.id);
    return true;
}

/* Up to a burst of one client's requests; false if there was none. */
static bool burst(struct virt_core *core, uint32_t index)
{
    uint32_t taken = 0;
    while (taken < VIRT_BURST && step(core, index)) {
        taken++;
    }
    return taken > 0;
}

/*
 * In turn until nothing can be taken any more. Bounded by the budgets: a client that adds to its
 * queue meanwhile notifies, and what waits for the driver is looked at when the driver notifies.
 */
static void serve_clients(struct virt_core *core)
{
    uint32_t idle = 0;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        core->clients[i].budget = blk_server_requests(&core->clients[i].queue);
        if (blk_server_broken(&core->clients[i].queue)) {
            tell_of(core, i, " has broken its queue: ignored (said once)\n");
        }
    }
    while (idle < core->num_clients) {
        idle = burst(core, core->turn) ? 0 : idle + 1;
        core->turn = (core->turn + 1) % core->num_clients;
    }
}

/* ---- From the driver to clients ---------------------------------------------------------------*/

/* The driver has been started again and has lost the request that was sent first. */
static void send_oldest(struct virt_core *core)
{
    struct virt_request *oldest = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < VIRT_REQUESTS; i++) {
        struct virt_request *request = &core->requests[i];
        uint32_t age = core->driver.req_tail - request->sent; /* of one in flight at least 1 */
        if (request->busy && age > most) {
            oldest = request;
            most = age;
        }
    }
    if (oldest != NULL) {
        send(core, oldest);
    }
}

static void finish(struct virt_core *core, const struct blk_resp *resp)
{
    if (resp->status == BLK_RESP_LOST) {
        send_oldest(core);
        return;
    }
    if (resp->id >= VIRT_REQUESTS || !core->requests[resp->id].busy) {
        if (!core->told) {
            core->told = true;
            core->ops->report("block: the driver answers what it was not asked (said once)\n");
        }
        return;
    }
    struct virt_request *request = &core->requests[resp->id];
    struct virt_client *client = &core->clients[request->client];
    uint16_t count = resp->success_count;
    request->busy = false;
    core->free[core->num_free++] = (uint16_t)resp->id;
    count_in_flight(client, request->code, request->count, false);
    uint32_t status = blk_check_status(request->code, request->count, resp);
    client->counts[COUNT_BLK_FAILED] += status != BLK_RESP_OK;
    answer(client, status, count < request->count ? count : request->count, request->id);
}

/* Bounded: a driver that answers without end has its turn later. */
static void take_answers(struct virt_core *core)
{
    struct blk_resp resp;
    for (uint32_t i = 0; i < core->driver.capacity; i++) {
        if (!blk_client_receive(&core->driver, &resp)) {
            return;
        }
        if (core->stale > 0) {
            core->stale--;
        } else if (core->state == VIRT_RUNS) {
            finish(core, &resp);
        } else {
            virt_start_answer(core, &resp);
        }
    }
}

static void send_signals(struct virt_core *core)
{
    if (core->sent) {
        core->sent = false;
        core->ops->notify(core->config->driver.channel);
    }
    for (uint32_t i = 0; i < core->num_clients; i++) {
        if (core->clients[i].notify) {
            core->clients[i].notify = false;
            core->ops->notify(core->config->clients[i].conn.channel);
        }
    }
}

void virt_core_run(struct virt_core *core)
{
    take_answers(core);
    if (core->state == VIRT_WAITS_FOR_DRIVER && core->stale == 0) {
        virt_start(core);
    }
    if (core->state == VIRT_RUNS) {
        serve_clients(core);
    }
    send_signals(core);
}
