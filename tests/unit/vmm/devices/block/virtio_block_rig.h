/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A block device between a guest and a server, both played by the test. The server has a disk with
 * a cache: what is on `stable` alone survives. It checks what the device sends: places, counts,
 * ids, and that nothing in flight touches the same block twice unless it only reads.
 */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/devices/block/virtio_block.h"

#include <string.h>

#define VERSION_1   VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define EVENT_IDX   VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)
#define F_INDIRECT  VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define F_FLUSH     VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH)
#define F_WCE       VIRTIO_FEATURE(VIRTIO_BLK_F_CONFIG_WCE)
#define F_RO        VIRTIO_FEATURE(VIRTIO_BLK_F_RO)
#define F_DISCARD   VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD)
#define F_ZEROES    VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES)
#define F_RANGES    (F_DISCARD | F_ZEROES)
#define ALL         (VERSION_1 | EVENT_IDX | F_INDIRECT | F_FLUSH | F_WCE)
#define SIZE        VIRTIO_BLOCK_QUEUE_SIZE
#define CONFIG      VIRTIO_MMIO_CONFIG
#define WCE_OFFSET  (CONFIG + 32)

#define DISK_BLOCKS 64u
#define DISK_BYTES  (DISK_BLOCKS * BLK_TRANSFER_SIZE)
#define SECTORS     (DISK_BLOCKS * 8u)
#define CHANNEL     11

#define OK          VIRTIO_BLK_S_OK
#define IOERR       VIRTIO_BLK_S_IOERR
#define UNSUPP      VIRTIO_BLK_S_UNSUPP
#define IN          VIRTIO_BLK_T_IN
#define OUT         VIRTIO_BLK_T_OUT
#define FLUSH       VIRTIO_BLK_T_FLUSH

/* Data buffers: 32 blocks of RAM. Headers and status bytes lie among the tables. */
#define BUF(i)    (BUFFERS_GPA + 0x1000 * (gpa_t)(i))
#define HEADER(n) (TABLES_GPA + 64 * (gpa_t)(n))
#define STATUS(n) (HEADER(n) + 32)

struct block_rig {
    bool guest_ram;
    uint32_t bounce_blocks;
    uint16_t capacity; /* of the queues */
    bool read_only;
    bool ranges; /* discard and write zeroes */
    bool not_ready;
};

/* A request that the server has taken and not answered. */
struct taken {
    struct blk_req req;
    uint8_t *snapshot; /* FLUSH: what was on the disk when it was taken */
    uint64_t version;
};

extern struct guest guest;
extern struct virtio_block block;
extern struct mmio_region region;
extern struct ring ring;
extern struct blk_storage_info info;
extern struct vmm_block record;
extern struct blk_server server;
extern uint8_t disk[DISK_BYTES];
extern uint8_t stable[DISK_BYTES];
extern struct taken taken[512];
extern unsigned num_taken;
extern unsigned notified; /* how often the device has notified the server */
extern unsigned sent[6];  /* requests seen, by code; the two extensions last */
enum { SENT_DISCARD = 4, SENT_ZEROES = 5 };

void rig_create(const struct block_rig *rig);
void rig_destroy(void);
void replace_rig(const struct block_rig *rig); /* another one in place of setup()'s */
int setup(void **state); /* guest RAM is the data region, room for everything */
int teardown(void **state);

/* The driver. */
void drive(uint64_t features);
void snapshot(void); /* takes the oracle's picture anew; the used ring may change */
void kick(void);
void set_header(unsigned n, uint32_t type, uint64_t sector);
/* Request n in descriptors 3n to 3n+2: header, one data buffer (0 bytes: none), status. */
void submit(unsigned n, uint32_t type, uint64_t sector, gpa_t data, uint32_t bytes);
uint8_t status_of(unsigned n);
/* Request n comes next in the used ring. */
void expect(unsigned n, uint8_t status, uint32_t length);

/* Request 0, served; `length` is that of used.len, and nothing else may be written. */
void one(uint32_t type, uint64_t sector, gpa_t data, uint32_t bytes, uint8_t status,
         uint32_t length);

/* The server. */
unsigned server_take(void); /* returns how many there are now */
void server_respond(uint32_t id, uint32_t status, uint16_t success_count);
void server_answer(unsigned i);                /* does what taken[i] asks for */
void server_fail(unsigned i, uint32_t status); /* does nothing, says so */
void server_notify(void);
void server_serve(void); /* takes, answers and notifies until nothing comes any more */

void nothing_was_sent(void);

/*
 * Four requests in flight: direct, bounced, read-modify-write, and one that waits for it. The
 * server has taken the first three.
 */
void start_some(void);

/* O1, O4: a driver that begins anew finds a working device. */
void assert_works_after_reset(void);
