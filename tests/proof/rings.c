/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings in io/include against a hostile other side: whatever its index says and whatever lies
 * in an entry, no access leaves the ring, the data region or the caller's own memory. Both ends of
 * each ring, functions in any order, indices wherever they stand (they run free).
 */
#include <cloister/port.h>
#include <sddf/blk_queue.h>
#include <sddf/net_queue.h>
#include <sddf/serial_queue.h>

#define CAPACITY 64u
#define LOCAL    16u /* bytes of the caller */

/* ---- Serial */
static struct serial_queue serial;
static uint8_t data[CAPACITY];
static uint8_t local[LOCAL];

static void serial_produce(struct serial_producer *p)
{
    (void)serial_queue_producer_broken(p);
    (void)serial_queue_enqueue(p, local, (uint32_t)any_of(0, LOCAL));
    serial_queue_request_signal(p);
    serial_queue_cancel_signal(p);
    (void)serial_queue_must_notify(p);
}

static void serial_take(struct serial_consumer *c)
{
    const uint8_t *bytes;
    uint32_t count = serial_queue_peek(c, &bytes);
    if (count > 0) {
        local[0] = bytes[0];
        local[1] = bytes[count - 1];
    }
    (void)serial_queue_consumer_broken(c);
    (void)serial_queue_copy(c, (uint32_t)any, local, (uint32_t)any_of(0, LOCAL));
    (void)serial_queue_dequeue(c, local, (uint32_t)any_of(0, LOCAL));
    serial_queue_consume(c, (uint32_t)any);
    (void)serial_queue_must_signal(c);
    serial_queue_set_polling(c, any);
}

static void drive_serial(void)
{
    any_bytes(&serial, sizeof(serial));
    any_bytes(data, sizeof(data));
    struct serial_producer producer = serial_queue_producer(&serial, data, CAPACITY);
    struct serial_consumer consumer = serial_queue_consumer(&serial, data, CAPACITY);
    while (any) {
        serial_produce(&producer);
        serial_take(&consumer);
    }
}

/* ---- Block */
static uint64_t req_memory[(sizeof(struct blk_req_queue) + CAPACITY * sizeof(struct blk_req)) / 8];
static uint64_t
    resp_memory[(sizeof(struct blk_resp_queue) + CAPACITY * sizeof(struct blk_resp)) / 8 + 1];

static void drive_block(void)
{
    struct blk_req_queue *reqs = (struct blk_req_queue *)req_memory;
    struct blk_resp_queue *resps = (struct blk_resp_queue *)resp_memory;
    struct blk_req req = { 0 };
    struct blk_resp resp = { 0 };
    any_bytes(req_memory, sizeof(req_memory));
    any_bytes(resp_memory, sizeof(resp_memory));
    struct blk_client client = blk_queue_client(reqs, resps, CAPACITY);
    struct blk_server server = blk_queue_server(reqs, resps, CAPACITY);
    while (any) {
        (void)blk_client_broken(&client);
        (void)blk_client_send(&client, &req);
        (void)blk_server_broken(&server);
        (void)blk_server_receive(&server, &req);
        (void)blk_server_respond(&server, &resp);
        (void)blk_client_receive(&client, &resp);
    }
}

/* ---- Net */
static uint64_t
    net_memory[(sizeof(struct net_queue) + CAPACITY * sizeof(struct net_buff_desc)) / 8];

static void drive_net(void)
{
    struct sddf_region region = { (uint64_t)(uintptr_t)net_memory, sizeof(net_memory) };
    struct net_buff_desc desc = { 0 };
    any_bytes(net_memory, sizeof(net_memory));
    struct net_producer producer = net_producer(&region, CAPACITY);
    struct net_consumer consumer = net_consumer(&region, CAPACITY);
    net_queue_fill(&producer, any, (uint32_t)any_of(0, 2 * CAPACITY));
    while (any) {
        (void)net_producer_broken(&producer);
        (void)net_enqueue(&producer, &desc);
        (void)net_must_signal(&producer);
        (void)net_consumer_broken(&consumer);
        (void)net_dequeue(&consumer, &desc);
        (void)net_wait(&consumer);
    }
}

/* ---- A port of the switch */
static struct port port;

static void drive_port(void)
{
    struct port_end producer = { &port.send, (uint32_t)any };
    struct port_end consumer = { &port.send, (uint32_t)any };
    struct port_entry entry = { 0 };
    any_bytes(&port, sizeof(port));
    while (any) {
        if (port_room(&producer) > 0) {
            port_put(&producer, &entry);
        }
        (void)port_publish(&producer);
        port_peek(&consumer, (uint32_t)any, &entry);
        port_take(&consumer, (uint32_t)any);
        (void)port_wait(&consumer);
        (void)port_settled(&port.control);
        port_want_next(&port.control);
    }
}

int main(void)
{
    drive_serial();
    drive_block();
    drive_net();
    drive_port();
    return 0;
}
