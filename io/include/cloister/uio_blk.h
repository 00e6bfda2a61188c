/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the VMM of a guest that serves a disk to other guests, and the program in that guest that
 * does the work: one link for each client. Ours, not sDDF's; the queues in it are sDDF's, with the
 * VMM as client and the program as server. The guest sees a link as a device "generic-uio" named
 * UIO_BLK_NAME with an interrupt and three regions, in this order:
 *
 *     0  rings      UIO_BLK_RINGS_BYTES: struct uio_blk_page, then the two queues
 *     1  registers  one page: enum uio_blk_register, each 4 bytes, write-only; a write traps
 *     2  data       what io_or_offset of requests counts in: the client's data region
 *
 * Lives. What the server writes to a register is the life that it believes in, page->life as it
 * read it; what is of another life has no effect. A life begins with HELLO (its value is not looked
 * at): all that was in flight has failed, the queues are empty, page->life is a new number. The
 * server then fills in page->info and writes SERVE; from then on requests come. A life ends with
 * BYE, when the server breaks the protocol or leaves a request unanswered for too long, and when
 * the guest stops: page->life changes and the interrupt is raised. Between two lives nothing goes
 * to the data region; so a server says HELLO only when it works on nothing of an earlier life.
 *
 * Signals. The interrupt is a level: raised when requests have been put in or the life has ended,
 * lowered by ACK. A server that has been woken writes ACK, takes what there is, and waits again. It
 * writes KICK after it has put responses in. While page->awake is set nothing raises the interrupt:
 * the server looks at queue and life by itself, and once more between clearing it and its sleep.
 */
#pragma once

#include <sddf/blk_queue.h>

#define UIO_BLK_NAME         "uio_blk"
#define UIO_BLK_CLIENT_BYTES 64
#define UIO_BLK_ENTRIES      128u /* capacity of both queues */
#define UIO_BLK_WHOLE_DISK   0xffffu

/* Where things lie in region 0. */
#define UIO_BLK_REQ_OFFSET  0x1000u
#define UIO_BLK_RESP_OFFSET 0x3000u
#define UIO_BLK_RINGS_BYTES 0x4000u

enum uio_blk_register {
    UIO_BLK_HELLO = 0x0,
    UIO_BLK_SERVE = 0x4,
    UIO_BLK_ACK = 0x8,
    UIO_BLK_KICK = 0xc,
    UIO_BLK_BYE = 0x10,
};

struct uio_blk_page {
    uint32_t life;      /* the VMM's, as all up to `client` */
    uint32_t partition; /* which the client has, from 0, or UIO_BLK_WHOLE_DISK */
    uint32_t read_only; /* the client may not write */
    uint32_t reserved;
    char client[UIO_BLK_CLIENT_BYTES]; /* its name, for the log */
    struct blk_storage_info info;      /* the server's; `ready` is not looked at */
    uint32_t awake;                    /* the server's: no interrupt, please; HELLO clears it */
};

_Static_assert(sizeof(struct uio_blk_page) <= UIO_BLK_REQ_OFFSET, "the rings' layout");
_Static_assert(sizeof(struct blk_req_queue) + UIO_BLK_ENTRIES * sizeof(struct blk_req) <=
                   UIO_BLK_RESP_OFFSET - UIO_BLK_REQ_OFFSET,
               "the rings' layout");
_Static_assert(sizeof(struct blk_resp_queue) + UIO_BLK_ENTRIES * sizeof(struct blk_resp) <=
                   UIO_BLK_RINGS_BYTES - UIO_BLK_RESP_OFFSET,
               "the rings' layout");
