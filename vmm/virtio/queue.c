/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/virtio/queue.h"

#include "vmm/core/vmm_count.h"
#include "vmm/virtio/virtio_abi.h"

#include <stddef.h>
#include <string.h>

/*
 * Each load from a ring or a descriptor passes here first. The unit tests count them, and change
 * guest memory behind them as another vCPU would.
 */
#ifndef VIRTQ_LOADED
#define VIRTQ_LOADED(at, bytes) ((void)0)
#endif

/* A descriptor table that is being walked: the queue's or an indirect one. */
struct table {
    const struct vring_desc *at;
    uint32_t entries;
};

static uint16_t load16(const uint16_t *at)
{
    /* Acquire: what the driver wrote before it published an index is read after the index. */
    uint16_t value = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    VIRTQ_LOADED(at, sizeof(value));
    return value;
}

/*
 * Reads a descriptor, each byte once. An indirect table may lie at any address (2.7.5.3 asks for
 * no alignment), and 8-byte loads must be aligned.
 */
static struct vring_desc load_desc(const struct vring_desc *at)
{
    union {
        struct vring_desc desc;
        uint64_t words[2];
        uint8_t bytes[sizeof(struct vring_desc)];
    } copy;
    if (((uintptr_t)at & 7) == 0) {
        const volatile uint64_t *from = (const volatile uint64_t *)(uintptr_t)at;
        copy.words[0] = from[0];
        copy.words[1] = from[1];
    } else {
        const volatile uint8_t *from = (const volatile uint8_t *)(uintptr_t)at;
        for (size_t i = 0; i < sizeof(copy.bytes); i++) {
            copy.bytes[i] = from[i];
        }
    }
    VIRTQ_LOADED(at, sizeof(copy));
    return copy.desc;
}

static bool is_in_flight(const struct virtq *q, uint16_t head)
{
    return (q->in_flight[head / 64] >> (head % 64) & 1) != 0;
}

static void toggle_in_flight(struct virtq *q, uint16_t head)
{
    q->in_flight[head / 64] ^= UINT64_C(1) << (head % 64);
}

static enum virtq_result fail(struct virtq *q, const char *reason)
{
    virtq_stop(q);
    q->error = reason;
    return VIRTQ_ERROR;
}

/* ---- Start and stop --------------------------------------------------------------------------*/

void virtq_init(struct virtq *q, const struct guest_ram *ram, uint16_t max_size)
{
    *q = (struct virtq){ .ram = ram, .max_size = max_size };
}

static void *ring_at(const struct guest_ram *ram, gpa_t gpa, uint64_t bytes, uint64_t alignment)
{
    return gpa % alignment == 0 ? guest_ram_at(ram, gpa, bytes) : NULL;
}

bool virtq_start(struct virtq *q, const struct virtq_layout *layout, uint64_t features)
{
    uint64_t n = layout->size;
    virtq_stop(q);
    if (n == 0 || n > q->max_size || (n & (n - 1)) != 0) {
        return false;
    }
    /* The event indices belong to the rings whether they are negotiated or not (2.7). */
    q->desc = ring_at(q->ram, layout->desc, 16 * n, VRING_DESC_ALIGN_SIZE);
    q->avail = ring_at(q->ram, layout->avail, 6 + 2 * n, VRING_AVAIL_ALIGN_SIZE);
    q->used = ring_at(q->ram, layout->used, 6 + 8 * n, VRING_USED_ALIGN_SIZE);
    if (q->desc == NULL || q->avail == NULL || q->used == NULL) {
        return false;
    }
    q->size = (uint16_t)n;
    q->event_idx = (features & VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)) != 0;
    q->indirect = (features & VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)) != 0;
    q->error = NULL;
    q->next_avail = 0;
    q->seen_avail = 0;
    q->used_idx = 0;
    q->signalled_idx = 0;
    q->budget = q->size;
    q->running = true;
    return true;
}

void virtq_stop(struct virtq *q)
{
    q->running = false;
    /* Chains that a device still holds are of the past, even if their heads come again. */
    q->epoch++;
    memset(q->in_flight, 0, sizeof(q->in_flight));
}

/* ---- Kicks -----------------------------------------------------------------------------------*/

/* Where the driver looks for the index that we want a kick for (2.7.10): behind the used ring. */
static uint16_t *avail_event(struct virtq *q)
{
    return (uint16_t *)&q->used->ring[q->size];
}

static void hold_kicks(struct virtq *q)
{
    /* With event indices the old avail_event lies behind the driver and holds kicks by itself;
     * flags must then be 0 (2.7.10.1). */
    __atomic_store_n(&q->used->flags, q->event_idx ? 0 : VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

static void ask_for_kick(struct virtq *q)
{
    if (q->event_idx) {
        __atomic_store_n(avail_event(q), q->next_avail, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&q->used->flags, 0, __ATOMIC_RELAXED);
    }
    /* The wish before the look: a driver that adds now either sees the wish or is seen. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void virtq_begin(struct virtq *q)
{
    if (q->running) {
        q->budget = q->size;
        hold_kicks(q);
    }
}

/* ---- Chains ----------------------------------------------------------------------------------*/

static const char *add_segment(const struct virtq *q, struct virtq_chain *chain,
                               const struct vring_desc *desc)
{
    unsigned count = (unsigned)chain->num_readable + chain->num_writable;
    uint8_t *at = guest_ram_at(q->ram, desc->addr, desc->len);
    if (count >= q->size) {
        return "a chain is longer than its queue";
    }
    if (at == NULL || desc->len == 0) {
        return "a buffer is empty or not in guest RAM";
    }
    if ((desc->flags & VRING_DESC_F_WRITE) != 0) {
        chain->num_writable++;
        chain->writable_bytes += desc->len;
    } else if (chain->num_writable > 0) {
        return "a readable buffer follows a writable one";
    } else {
        chain->num_readable++;
        chain->readable_bytes += desc->len;
    }
    chain->segments[count] = (struct virtq_segment){ .at = at, .bytes = desc->len };
    return NULL;
}

/* Goes from the queue's own table to the indirect one that `desc` names (2.7.5.3). */
static const char *enter_indirect(const struct virtq *q, const struct vring_desc *desc,
                                  struct table *table)
{
    uint32_t entries = desc->len / sizeof(struct vring_desc);
    if (!q->indirect) {
        return "an indirect descriptor, but the feature was not accepted";
    }
    if (table->at != q->desc) {
        return "an indirect descriptor in an indirect table";
    }
    if ((desc->flags & VRING_DESC_F_NEXT) != 0) {
        return "an indirect descriptor with a next one";
    }
    /* `next` has 16 bits: a longer table is a mistake. */
    if (desc->len % sizeof(struct vring_desc) != 0 || entries == 0 || entries > UINT16_MAX) {
        return "an indirect table of a wrong length";
    }
    table->at = guest_ram_at(q->ram, desc->addr, desc->len);
    table->entries = entries;
    return table->at == NULL ? "an indirect table is not in guest RAM" : NULL;
}

/* Follows a chain from its head. Returns what is wrong with it, or NULL. */
static const char *walk(const struct virtq *q, struct virtq_chain *chain)
{
    struct table table = { .at = q->desc, .entries = q->size };
    uint16_t index = chain->head;
    /* At most `size` buffers and the reference to an indirect table: a loop ends here. */
    for (unsigned steps = 0; steps <= q->size; steps++) {
        if (index >= table.entries) {
            return "a descriptor's next one lies outside of the table";
        }
        struct vring_desc desc = load_desc(table.at + index);
        bool indirect = (desc.flags & VRING_DESC_F_INDIRECT) != 0;
        const char *error =
            indirect ? enter_indirect(q, &desc, &table) : add_segment(q, chain, &desc);
        if (error != NULL) {
            return error;
        }
        if (!indirect && (desc.flags & VRING_DESC_F_NEXT) == 0) {
            return NULL;
        }
        index = indirect ? 0 : desc.next;
    }
    return "a chain is longer than its queue";
}

/* Whether there is a chain to take; reads the driver's index when all that was seen is taken. */
static enum virtq_result look(struct virtq *q)
{
    if (q->next_avail == q->seen_avail) {
        q->seen_avail = load16(&q->avail->idx);
        if ((uint16_t)(q->seen_avail - q->next_avail) > q->size) {
            return fail(q, "the available index jumped by more than the queue's size");
        }
    }
    return q->next_avail == q->seen_avail ? VIRTQ_EMPTY : VIRTQ_CHAIN;
}

static enum virtq_result take(struct virtq *q, struct virtq_chain *chain)
{
    uint16_t head = load16(&q->avail->ring[q->next_avail & (q->size - 1)]);
    if (head >= q->size) {
        return fail(q, "a head lies outside of the descriptor table");
    }
    if (is_in_flight(q, head)) {
        return fail(q, "a chain was made available while it is in flight");
    }
    q->next_avail++;
    *chain = (struct virtq_chain){ .segments = chain->segments, .head = head, .epoch = q->epoch };
    const char *error = walk(q, chain);
    if (error != NULL) {
        return fail(q, error);
    }
    toggle_in_flight(q, head);
    return VIRTQ_CHAIN;
}

enum virtq_result virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
    if (!q->running) {
        return VIRTQ_EMPTY;
    }
    enum virtq_result result = look(q);
    if (result == VIRTQ_EMPTY) {
        ask_for_kick(q);
        result = look(q);
        if (result == VIRTQ_CHAIN) {
            hold_kicks(q);
        }
    }
    if (result != VIRTQ_CHAIN) {
        return result;
    }
    if (q->budget == 0) {
        return VIRTQ_YIELD;
    }
    q->budget--;
    return take(q, chain);
}

bool virtq_put(struct virtq *q, const struct virtq_chain *chain, uint32_t written)
{
    if (!q->running || chain->epoch != q->epoch || !is_in_flight(q, chain->head)) {
        return false;
    }
    toggle_in_flight(q, chain->head);
    q->used->ring[q->used_idx & (q->size - 1)] = (struct vring_used_elem){
        .id = chain->head,
        .len = written < chain->writable_bytes ? written : (uint32_t)chain->writable_bytes,
    };
    q->used_idx++;
    return true;
}

void virtq_publish(struct virtq *q)
{
    if (q->running) {
        /* Release: who sees the index sees the elements and the data (2.7.8.1). */
        __atomic_store_n(&q->used->idx, q->used_idx, __ATOMIC_RELEASE);
    }
}

void virtq_push(struct virtq *q, const struct virtq_chain *chain, uint32_t written)
{
    if (virtq_put(q, chain, written)) {
        virtq_publish(q);
    }
}

bool virtq_interrupt_wanted(struct virtq *q)
{
    uint16_t old = q->signalled_idx;
    if (!q->running || q->used_idx == old) {
        return false;
    }
    q->signalled_idx = q->used_idx;
    /* The used index before the look at the wish: the driver does it the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (q->event_idx) {
        return vring_need_event(load16(&q->avail->ring[q->size]), q->used_idx, old) != 0;
    }
    return (load16(&q->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}

/* ---- Bytes of a chain ------------------------------------------------------------------------*/

/* Copies between `bytes` private bytes and segments, `offset` bytes into them. */
static uint32_t copy(const struct virtq_segment *segments, unsigned count, uint64_t offset,
                     uint8_t *private, uint32_t bytes, bool to_guest)
{
    uint32_t done = 0;
    for (unsigned i = 0; i < count && done < bytes; i++) {
        uint32_t length = segments[i].bytes;
        if (offset >= length) {
            offset -= length;
            continue;
        }
        uint8_t *at = segments[i].at + offset;
        uint32_t rest = length - (uint32_t)offset;
        uint32_t n = rest < bytes - done ? rest : bytes - done;
        memcpy(to_guest ? at : private + done, to_guest ? private + done : at, n);
        offset = 0;
        done += n;
    }
    vmm_count(COUNT_GUEST_COPIED, done);
    return done;
}

uint32_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *to,
                          uint32_t bytes)
{
    return copy(chain->segments, chain->num_readable, offset, to, bytes, false);
}

uint32_t virtq_chain_write(const struct virtq_chain *chain, uint64_t offset, const void *from,
                           uint32_t bytes)
{
    /* `from` is only read in this direction. */
    return copy(chain->segments + chain->num_readable, chain->num_writable, offset,
                (uint8_t *)(uintptr_t)from, bytes, true);
}
