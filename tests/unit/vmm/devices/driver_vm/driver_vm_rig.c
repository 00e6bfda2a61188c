/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/devices/driver_vm/driver_vm_rig.h"

struct driver_vm driver_vm;
struct vmm_served_disk records[CLIENTS];
struct rig_client clients[CLIENTS];
struct rig_server servers[CLIENTS];
unsigned num_timeouts, num_cleaned, num_dropped;

static bool timeout_pending;
static struct mmio_region regions[CLIENTS];

static void notify(unsigned channel)
{
    assert_in_range(channel, FIRST_CHANNEL, FIRST_CHANNEL + CLIENTS - 1);
    clients[channel - FIRST_CHANNEL].notified++;
}

static void set_line(void *controller, uint32_t intid, bool level)
{
    (void)controller;
    assert_in_range(intid, FIRST_INTID, FIRST_INTID + CLIENTS - 1);
    servers[intid - FIRST_INTID].irq = level;
}

static void set_timeout(uint64_t ns)
{
    assert_int_equal(ns, DRIVER_VM_TICK_NS);
    assert_false(timeout_pending);
    timeout_pending = true;
    num_timeouts++;
}

/* Only whole blocks of a data region. */
static uint64_t blocks_of(uint64_t vaddr, uint64_t bytes)
{
    bool inside = false;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint64_t data = (uintptr_t)servers[i].data;
        inside |= vaddr >= data && vaddr + bytes <= data + DATA_BYTES;
    }
    assert_true(inside && vaddr % 4096 == 0 && bytes % 4096 == 0);
    return bytes / 4096;
}

static void cache_clean(uint64_t vaddr, uint64_t bytes)
{
    num_cleaned += blocks_of(vaddr, bytes);
}

static void cache_drop(uint64_t vaddr, uint64_t bytes)
{
    num_dropped += blocks_of(vaddr, bytes);
}

static const struct driver_vm_ops ops = { { notify, cache_clean, cache_drop }, set_timeout };

static void add(uint32_t i)
{
    struct rig_client *client = &clients[i];
    struct irq_line irq = { NULL, FIRST_INTID + i, set_line };
    records[i] = (struct vmm_served_disk){
        .conn = { .storage_info = { (uintptr_t)&client->info, sizeof(client->info) },
                  .req = { (uintptr_t)client->req_queue, sizeof(client->req_queue) },
                  .resp = { (uintptr_t)client->resp_queue, sizeof(client->resp_queue) },
                  .num_buffers = CAPACITY,
                  .channel = (uint8_t)(FIRST_CHANNEL + i) },
        .rings_vaddr = (uintptr_t)servers[i].rings,
        .data_vaddr = (uintptr_t)servers[i].data,
        .data_bytes = DATA_BYTES,
        .partition = i + 3,
        .client = "guest",
    };
    client->queue = blk_queue_connect_client(&records[i].conn);
    assert_true(driver_vm_add(&driver_vm, &records[i], &irq, &ops));
    regions[i] = driver_vm_region(&driver_vm, 0x10000000, 0x1000);
}

void rig_start(void)
{
    memset(&driver_vm, 0, sizeof(driver_vm));
    memset(clients, 0, sizeof(clients));
    memset(servers, 0, sizeof(servers));
    num_timeouts = num_cleaned = num_dropped = 0;
    timeout_pending = false;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        add(i);
    }
}

void rig_write(uint32_t i, uint64_t offset, uint32_t value)
{
    regions[i].write(regions[i].device, offset, 4, value);
    driver_vm_end_event(&driver_vm);
}

void rig_hello(uint32_t i)
{
    rig_write(i, UIO_BLK_HELLO, 0);
    servers[i].life = page_of(i)->life;
    servers[i].queue = blk_queue_server(
        (struct blk_req_queue *)(servers[i].rings + UIO_BLK_REQ_OFFSET),
        (struct blk_resp_queue *)(servers[i].rings + UIO_BLK_RESP_OFFSET), UIO_BLK_ENTRIES);
}

void rig_serve(uint32_t i, uint64_t blocks)
{
    rig_hello(i);
    page_of(i)->info = (struct blk_storage_info){ .capacity = blocks,
                                                  .sector_size = 512,
                                                  .extensions = BLK_EXT_WRITE_ZEROES };
    rig_write(i, UIO_BLK_SERVE, servers[i].life);
}

struct blk_req rig_take(uint32_t i)
{
    struct blk_req req;
    assert_true(blk_server_receive(&servers[i].queue, &req));
    return req;
}

void rig_reply(uint32_t i, const struct blk_req *req, uint32_t status, uint16_t count)
{
    struct blk_resp resp = { status, count, req->id };
    assert_true(blk_server_respond(&servers[i].queue, &resp));
}

void rig_kick(uint32_t i)
{
    rig_write(i, UIO_BLK_KICK, servers[i].life);
}

void rig_send(uint32_t i, uint32_t code, uint64_t block, uint16_t count, uint64_t offset,
              uint32_t id)
{
    struct blk_req req = { code, offset, block, count, id };
    assert_true(blk_client_send(&clients[i].queue, &req));
    driver_vm_notified(&driver_vm, FIRST_CHANNEL + i);
    driver_vm_end_event(&driver_vm);
}

void rig_expect(uint32_t i, uint32_t id, uint32_t status, uint16_t count)
{
    struct blk_resp resp;
    assert_true(blk_client_receive(&clients[i].queue, &resp));
    assert_int_equal(resp.id, id);
    assert_int_equal(resp.status, status);
    assert_int_equal(resp.success_count, count);
    assert_true(clients[i].notified > 0);
}

void rig_expect_nothing(uint32_t i)
{
    struct blk_resp resp;
    assert_false(blk_client_receive(&clients[i].queue, &resp));
}

void rig_second(void)
{
    if (timeout_pending) {
        timeout_pending = false;
        driver_vm_timeout(&driver_vm);
        driver_vm_end_event(&driver_vm);
    }
}
