/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's VMM that serves its disk to two clients; the test is the clients and the server. */
#pragma once

#include "vmm/devices/driver_vm/driver_vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS         2u
#define CAPACITY        256u /* of a client's queues */
#define BLOCKS          1000u
#define DATA_BYTES      (64u * 4096u)
#define FIRST_CHANNEL   10u
#define FIRST_INTID     60u
#define MAX_CACHE_LINES 4096u

struct rig_client {
    uint64_t req_queue[(16 + CAPACITY * 32) / 8];
    uint64_t resp_queue[(8 + CAPACITY * 12 + 7) / 8];
    struct blk_storage_info info;
    struct blk_client queue;
    unsigned notified;
};

struct rig_server {
    uint8_t rings[UIO_BLK_RINGS_BYTES] __attribute__((aligned(4096)));
    uint8_t data[DATA_BYTES] __attribute__((aligned(4096)));
    struct blk_server queue;
    uint32_t life;
    bool irq;
};

extern struct driver_vm driver_vm;
extern struct vmm_served_disk records[CLIENTS];
extern struct rig_client clients[CLIENTS];
extern struct rig_server servers[CLIENTS];
extern unsigned num_timeouts, num_cleaned, num_dropped; /* blocks of 4096 */

/* Everything anew, without servers. */
void rig_start(void);

static inline struct uio_blk_page *page_of(uint32_t i)
{
    return (struct uio_blk_page *)servers[i].rings;
}

/* The guest writes a register of link i. */
void rig_write(uint32_t i, uint64_t offset, uint32_t value);

/* A server greets, and serves a disk of this many blocks. */
void rig_hello(uint32_t i);
void rig_serve(uint32_t i, uint64_t blocks);

/* The server gets its next request; it answers; it says so. */
struct blk_req rig_take(uint32_t i);
void rig_reply(uint32_t i, const struct blk_req *req, uint32_t status, uint16_t count);
void rig_kick(uint32_t i);

/* The client sends, and its VMM notifies. */
void rig_send(uint32_t i, uint32_t code, uint64_t block, uint16_t count, uint64_t offset,
              uint32_t id);

/* The next answer that the client gets, or that there is none. */
void rig_expect(uint32_t i, uint32_t id, uint32_t status, uint16_t count);
void rig_expect_nothing(uint32_t i);

/* A second passes, if somebody has asked for it. */
void rig_second(void);
