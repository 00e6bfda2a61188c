/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block queues of sDDF 0.6/0.7: requests go from a client to a server (a VMM to the
 * virtualiser, the virtualiser to the driver), responses come back, through memory that both map.
 * Indices run free and are reduced modulo the capacity, a power of two.
 *
 * The other side may be hostile. Each side therefore keeps its own indices in private memory and
 * only publishes them; the other side's index is read once for each decision, and a distance
 * beyond the capacity counts as "nothing there" or "no room" (blk_*_broken() tells that apart).
 * Entries are copied out whole before anyone looks at them.
 *
 * Signals. Always notify after a batch, in both directions; there is no flag. A client waits for
 * blk_storage_ready() before it sends the first request: the server notifies it then. A server
 * takes a request only where there is room for its answer; so a client that lets more requests wait
 * than there are responses in the queue (capacity) also notifies when it has taken responses.
 *
 * A server answers every request exactly once, in any order; so the difference of a client's two
 * indices is what it has in flight. A server that is started again knows nothing of what was in
 * flight: it answers that with as many BLK_RESP_LOST (ours), each of which means the client's
 * oldest request, to be sent again. What two requests in
 * flight do to the same block is undefined. FLUSH puts on the disk at least every write that was
 * answered before it was sent; our virtualiser also those that were sent before it.
 */
#pragma once

#include <sddf/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLK_TRANSFER_SIZE 4096u /* bytes in a block, the unit of all numbers here */
#define BLK_QUEUE_MAX     32768u
#define BLK_COUNT_MAX     UINT16_MAX

enum blk_req_code {
    BLK_REQ_READ = 0,
    BLK_REQ_WRITE = 1,
    BLK_REQ_FLUSH = 2,   /* block_number, count and io_or_offset mean nothing */
    BLK_REQ_BARRIER = 3, /* a FLUSH of all sent before it, done before what follows begins */
    /*
     * Ours, far from sDDF's own: block_number and count as in WRITE, no data. Only for a server
     * whose storage_info says so (enum blk_extension); upstream drivers leave that at 0.
     */
    BLK_REQ_DISCARD = 0x100,      /* the contents are no longer needed */
    BLK_REQ_WRITE_ZEROES = 0x101, /* reads as zeroes from now on */
};

enum blk_resp_status {
    BLK_RESP_OK = 0,
    BLK_RESP_ERR_UNSPEC = 1,
    BLK_RESP_ERR_INVALID_PARAM = 2, /* no such request; the disk has not been touched */
    BLK_RESP_ERR_IO = 3,
    BLK_RESP_ERR_NO_DEVICE = 4, /* there is no disk, or not this partition */
    /* Ours: the oldest request in flight is lost, whatever `id` says; nothing works on it. */
    BLK_RESP_LOST = 0x100,
};

struct blk_req {
    uint32_t code;         /* enum blk_req_code */
    uint64_t io_or_offset; /* client: offset in its data region; driver: physical address */
    uint64_t block_number;
    uint16_t count; /* of blocks */
    uint32_t id;    /* the client's own, comes back in the response */
};

struct blk_resp {
    uint32_t status;        /* enum blk_resp_status */
    uint16_t success_count; /* blocks from the first one that were moved */
    uint32_t id;
};

/* In shared memory; written as sDDF's C structures lie. The client produces requests. */
struct blk_req_queue {
    uint32_t head;   /* the server's: next request is taken here */
    uint32_t tail;   /* the client's: next request is put here */
    uint8_t plugged; /* sDDF's bool: the client wants nothing taken before it unplugs, notifies */
    struct blk_req entries[];
};

/* The server produces responses. */
struct blk_resp_queue {
    uint32_t head; /* the client's */
    uint32_t tail; /* the server's */
    struct blk_resp entries[];
};

enum blk_extension { BLK_EXT_DISCARD = 1, BLK_EXT_WRITE_ZEROES = 2 };

/* Written by the server, read by the client. sDDF's bools are bytes here: any value may come. */
struct blk_storage_info {
    char serial[64];      /* ends with a NUL if it is shorter */
    uint8_t read_only;    /* bool */
    uint8_t ready;        /* bool: the rest is valid and requests are answered */
    uint16_t sector_size; /* bytes that the device can write in one piece */
    uint16_t block_size;  /* best transfer size, in blocks; 0: unknown */
    uint16_t queue_depth; /* requests that the device works on at once; 0: unknown */
    uint16_t cylinders;   /* 0: there is no geometry */
    uint16_t heads;
    uint16_t blocks;
    uint16_t extensions; /* enum blk_extension, or-ed; padding in sDDF, so 0 from upstream */
    uint64_t capacity;   /* in blocks; 0 with ready: no disk, every request gets NO_DEVICE */
};

_Static_assert(sizeof(struct blk_req) == 32 && offsetof(struct blk_req, id) == 28, "sDDF layout");
_Static_assert(offsetof(struct blk_req, io_or_offset) == 8, "sDDF layout");
_Static_assert(offsetof(struct blk_req, block_number) == 16, "sDDF layout");
_Static_assert(offsetof(struct blk_req, count) == 24, "sDDF layout");
_Static_assert(sizeof(struct blk_resp) == 12 && offsetof(struct blk_resp, id) == 8, "sDDF layout");
_Static_assert(offsetof(struct blk_resp, success_count) == 4, "sDDF layout");
_Static_assert(offsetof(struct blk_req_queue, plugged) == 8, "sDDF layout");
_Static_assert(offsetof(struct blk_req_queue, entries) == 16, "sDDF layout");
_Static_assert(offsetof(struct blk_resp_queue, entries) == 8, "sDDF layout");
_Static_assert(sizeof(struct blk_storage_info) == 88, "sDDF layout");
_Static_assert(offsetof(struct blk_storage_info, read_only) == 64, "sDDF layout");
_Static_assert(offsetof(struct blk_storage_info, sector_size) == 66, "sDDF layout");
_Static_assert(offsetof(struct blk_storage_info, queue_depth) == 70, "sDDF layout");
_Static_assert(offsetof(struct blk_storage_info, capacity) == 80, "sDDF layout");

/* ---- Set-up -----------------------------------------------------------------------------------*/

/* Bytes that queues of `capacity` entries take. */
static inline uint64_t blk_req_queue_bytes(uint32_t capacity)
{
    return sizeof(struct blk_req_queue) + (uint64_t)capacity * sizeof(struct blk_req);
}

static inline uint64_t blk_resp_queue_bytes(uint32_t capacity)
{
    return sizeof(struct blk_resp_queue) + (uint64_t)capacity * sizeof(struct blk_resp);
}

/* The largest capacity (a power of two, or 0) for regions of these sizes: num_buffers. */
static inline uint32_t blk_queue_fitting(uint64_t req_bytes, uint64_t resp_bytes)
{
    uint32_t capacity = BLK_QUEUE_MAX;
    while (capacity > 0 && (blk_req_queue_bytes(capacity) > req_bytes ||
                            blk_resp_queue_bytes(capacity) > resp_bytes)) {
        capacity /= 2;
    }
    return capacity;
}

/* Sends requests. */
struct blk_client {
    struct blk_req_queue *req;
    struct blk_resp_queue *resp;
    uint32_t capacity;
    uint32_t req_tail;  /* the truth; req->tail is a copy for the server */
    uint32_t resp_head; /* the truth; resp->head is a copy for the server */
};

/* Answers them. */
struct blk_server {
    struct blk_req_queue *req;
    struct blk_resp_queue *resp;
    uint32_t capacity;
    uint32_t req_head;  /* the truth; req->head is a copy for the client */
    uint32_t resp_tail; /* the truth; resp->tail is a copy for the client */
};

/* Requests without an answer. */
static inline uint32_t blk_client_in_flight(const struct blk_client *c)
{
    return c->req_tail - c->resp_head;
}

/* Makes the client's end. Goes on where the queues stand. */
static inline struct blk_client blk_queue_client(struct blk_req_queue *req,
                                                 struct blk_resp_queue *resp, uint32_t capacity)
{
    return (struct blk_client){ req, resp, capacity, __atomic_load_n(&req->tail, __ATOMIC_RELAXED),
                                __atomic_load_n(&resp->head, __ATOMIC_RELAXED) };
}

/* Makes the server's end, likewise. */
static inline struct blk_server blk_queue_server(struct blk_req_queue *req,
                                                 struct blk_resp_queue *resp, uint32_t capacity)
{
    return (struct blk_server){ req, resp, capacity, __atomic_load_n(&req->head, __ATOMIC_RELAXED),
                                __atomic_load_n(&resp->tail, __ATOMIC_RELAXED) };
}

/* The client's end of a connection in a configuration record. */
static inline struct blk_client blk_queue_connect_client(const struct sddf_blk_connection *conn)
{
    return blk_queue_client((struct blk_req_queue *)(uintptr_t)conn->req.vaddr,
                            (struct blk_resp_queue *)(uintptr_t)conn->resp.vaddr,
                            conn->num_buffers);
}

/* The server's end. */
static inline struct blk_server blk_queue_connect_server(const struct sddf_blk_connection *conn)
{
    return blk_queue_server((struct blk_req_queue *)(uintptr_t)conn->req.vaddr,
                            (struct blk_resp_queue *)(uintptr_t)conn->resp.vaddr,
                            conn->num_buffers);
}

/* True once the server has filled in its storage_info. */
static inline bool blk_storage_ready(const struct blk_storage_info *info)
{
    /* Acquire: the other fields are valid after it. */
    return __atomic_load_n(&info->ready, __ATOMIC_ACQUIRE) != 0;
}

static inline void blk_storage_set_ready(struct blk_storage_info *info)
{
    /* Release: who sees it sees the other fields. */
    __atomic_store_n(&info->ready, 1, __ATOMIC_RELEASE);
}

/* ---- Client -----------------------------------------------------------------------------------*/

static inline uint32_t blk_client_claimed_fill(const struct blk_client *c)
{
    /* Acquire: the server has read the entries that it gave back before we write new ones. */
    return c->req_tail - __atomic_load_n(&c->req->head, __ATOMIC_ACQUIRE);
}

static inline uint32_t blk_client_claimed_responses(const struct blk_client *c)
{
    /* Acquire: the entries before this tail, and the data that they tell of, are visible. */
    return __atomic_load_n(&c->resp->tail, __ATOMIC_ACQUIRE) - c->resp_head;
}

/* The server's indices make no sense. */
static inline bool blk_client_broken(const struct blk_client *c)
{
    return blk_client_claimed_fill(c) > c->capacity ||
           blk_client_claimed_responses(c) > c->capacity;
}

/* How many requests fit now. 0 if the server lies. */
static inline uint32_t blk_client_room(const struct blk_client *c)
{
    uint32_t fill = blk_client_claimed_fill(c);
    return fill > c->capacity ? 0 : c->capacity - fill;
}

/* Puts one request in; false if there is no room. The caller notifies after the batch. */
static inline bool blk_client_send(struct blk_client *c, const struct blk_req *req)
{
    if (blk_client_room(c) == 0) {
        return false;
    }
    c->req->entries[c->req_tail & (c->capacity - 1)] = *req;
    c->req_tail++;
    /* Release: who sees the new tail sees the entry, and the data that it points to. */
    __atomic_store_n(&c->req->tail, c->req_tail, __ATOMIC_RELEASE);
    return true;
}

/* Takes one response; false if there is none, or the server lies. Its fields are unchecked. */
static inline bool blk_client_receive(struct blk_client *c, struct blk_resp *resp)
{
    uint32_t count = blk_client_claimed_responses(c);
    if (count == 0 || count > c->capacity) {
        return false;
    }
    *resp = c->resp->entries[c->resp_head & (c->capacity - 1)];
    c->resp_head++;
    /* Release: our read is done before the server may overwrite the entry. */
    __atomic_store_n(&c->resp->head, c->resp_head, __ATOMIC_RELEASE);
    return true;
}

/* ---- Server -----------------------------------------------------------------------------------*/

static inline uint32_t blk_server_claimed_requests(const struct blk_server *s)
{
    /* Acquire: the entries before this tail, and the data that they point to, are visible. */
    return __atomic_load_n(&s->req->tail, __ATOMIC_ACQUIRE) - s->req_head;
}

static inline uint32_t blk_server_claimed_fill(const struct blk_server *s)
{
    /* Acquire: the client has read the responses that it gave back before we write new ones. */
    return s->resp_tail - __atomic_load_n(&s->resp->head, __ATOMIC_ACQUIRE);
}

/* The client's indices make no sense. */
static inline bool blk_server_broken(const struct blk_server *s)
{
    return blk_server_claimed_requests(s) > s->capacity || blk_server_claimed_fill(s) > s->capacity;
}

/* How many requests can be taken. 0 if the client lies or has plugged its queue. */
static inline uint32_t blk_server_requests(const struct blk_server *s)
{
    uint32_t count = blk_server_claimed_requests(s);
    bool plugged = __atomic_load_n(&s->req->plugged, __ATOMIC_RELAXED) != 0;
    return count > s->capacity || plugged ? 0 : count;
}

/* Copies out the request at the front; call only after blk_server_requests() said 1 or more. */
static inline void blk_server_peek(const struct blk_server *s, struct blk_req *req)
{
    *req = s->req->entries[s->req_head & (s->capacity - 1)];
}

/* Gives the front entry back to the client; the request has been copied out. */
static inline void blk_server_consume(struct blk_server *s)
{
    s->req_head++;
    /* Release: our read is done before the client may overwrite the entry. */
    __atomic_store_n(&s->req->head, s->req_head, __ATOMIC_RELEASE);
}

/* Takes one request; false if there is none. Its fields are unchecked. */
static inline bool blk_server_receive(struct blk_server *s, struct blk_req *req)
{
    if (blk_server_requests(s) == 0) {
        return false;
    }
    blk_server_peek(s, req);
    blk_server_consume(s);
    return true;
}

/* How many responses fit now. 0 if the client lies. */
static inline uint32_t blk_server_room(const struct blk_server *s)
{
    uint32_t fill = blk_server_claimed_fill(s);
    return fill > s->capacity ? 0 : s->capacity - fill;
}

/* Puts one response in; false if there is no room. The caller notifies after the batch. */
static inline bool blk_server_respond(struct blk_server *s, const struct blk_resp *resp)
{
    if (blk_server_room(s) == 0) {
        return false;
    }
    s->resp->entries[s->resp_tail & (s->capacity - 1)] = *resp;
    s->resp_tail++;
    /* Release: who sees the new tail sees the entry. */
    __atomic_store_n(&s->resp->tail, s->resp_tail, __ATOMIC_RELEASE);
    return true;
}

/*
 * A server begins, perhaps not for the first time: nothing that was asked for until now is being
 * worked on any more. The clients are told so; the caller notifies.
 */
static inline void blk_server_begin(struct blk_server *s)
{
    const struct blk_resp lost = { .status = BLK_RESP_LOST, .id = UINT32_MAX };
    uint32_t tail = __atomic_load_n(&s->req->tail, __ATOMIC_ACQUIRE);
    uint32_t left = tail - s->resp_tail;
    s->req_head = tail;
    __atomic_store_n(&s->req->head, tail, __ATOMIC_RELEASE);
    while (left > 0 && blk_server_respond(s, &lost)) {
        left--;
    }
}
