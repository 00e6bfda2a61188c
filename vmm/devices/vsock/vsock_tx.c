/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the guest's: from its transmit queue to the switch, or back as RST (5.10.6). */
#include "vmm/core/vmm_log.h"
#include "vmm/devices/vsock/vsock_parts.h"

#include <stddef.h>

#define NUM_OPS (VIRTIO_VSOCK_OP_CREDIT_REQUEST + 1)

enum verdict {
    PASS,
    REFUSE, /* answered by RST, unless it is one */
    DROP,   /* not even that: it is not the guest's to send */
};

/* What the flags of an operation can be (5.10.6.4, 5.10.6.6.1); those of RW are of messages only.
 */
static const uint32_t flags_of[NUM_OPS] = {
    [VIRTIO_VSOCK_OP_SHUTDOWN] = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND,
    [VIRTIO_VSOCK_OP_RW] = VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR,
};

static bool type_ok(const struct virtio_vsock *vsock, uint16_t type)
{
    return type == VIRTIO_VSOCK_TYPE_STREAM ||
           (type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
            virtio_mmio_has_feature(&vsock->device, VIRTIO_VSOCK_F_SEQPACKET));
}

/* Judges a header with `bytes` of payload behind it; what does not count in it is cleared. */
static enum verdict judge(const struct virtio_vsock *vsock, struct virtio_vsock_hdr *header,
                          uint64_t bytes)
{
    uint64_t own = vsock->config.guest_cid;
    if (header->src_cid != own || header->dst_cid > UINT32_MAX) {
        return DROP; /* no answer goes to whom a guest names as the sender */
    }
    if (header->dst_cid == own || !type_ok(vsock, header->type) || header->len != bytes ||
        bytes > VIRTIO_VSOCK_MAX_PAYLOAD || header->op == VIRTIO_VSOCK_OP_INVALID ||
        header->op >= NUM_OPS || (header->op != VIRTIO_VSOCK_OP_RW && bytes > 0)) {
        return REFUSE;
    }
    header->flags &= flags_of[header->op];
    if (header->op == VIRTIO_VSOCK_OP_RW && header->type == VIRTIO_VSOCK_TYPE_STREAM) {
        header->flags = 0;
    }
    return PASS;
}

/* Sends the guest RST in the peer's name, through the switch: it has the guest's buffers. The chain
 * goes back when that is done, so answers need no memory beside the packets'. */
static void answer(struct virtio_vsock *vsock, struct virtio_vsock_packet *packet)
{
    const struct virtio_vsock_hdr header = {
        .src_cid = packet->header.dst_cid,
        .dst_cid = vsock->config.guest_cid,
        .src_port = packet->header.dst_port,
        .dst_port = packet->header.src_port,
        .type = packet->header.type,
        .op = VIRTIO_VSOCK_OP_RST,
    };
    packet->state = VSOCK_ANSWERED;
    vsock->refused++;
    port_client_send_own(&vsock->port, (uint16_t)(VSOCK_ID_ANSWER + packet->chain.head), 0, &header,
                         sizeof(header));
}

static void drop(struct virtio_vsock *vsock, const struct virtq_chain *chain)
{
    virtq_push(&vsock->queues[VIRTIO_VSOCK_TX], chain, 0);
    vsock->dropped++;
    if ((vsock->dropped & (vsock->dropped - 1)) == 0) { /* as virtio_mmio_fail() does */
        vmm_log("%s: a packet that makes no sense is dropped (%lu until now)", vsock->device.name,
                (unsigned long)vsock->dropped);
    }
}

static void send_chain(struct virtio_vsock *vsock, const struct virtq_chain *chain)
{
    struct virtio_vsock_packet *packet = &vsock->sent[chain->head];
    struct virtio_vsock_hdr *header = &packet->header;
    enum verdict verdict = DROP;
    *packet = (struct virtio_vsock_packet){ .chain = *chain };
    if (virtq_chain_read(chain, 0, header, sizeof(*header)) == sizeof(*header)) {
        verdict = judge(vsock, header, chain->readable_bytes - sizeof(*header));
    }
    packet->ends = header->op == VIRTIO_VSOCK_OP_RST && vsock_is_connected(vsock, header);
    if (verdict == PASS && !vsock_note(vsock, header, true)) {
        verdict = REFUSE;
    }
    if (verdict == PASS) {
        packet->state = VSOCK_SENT;
        port_client_send(&vsock->port, chain, sizeof(*header), header, sizeof(*header));
    } else if (verdict == REFUSE && header->op != VIRTIO_VSOCK_OP_RST) {
        answer(vsock, packet);
    } else {
        drop(vsock, chain);
    }
}

/* Answers to packets that are under way need room as well: never as much as is left. */
enum virtq_result vsock_send(struct virtio_vsock *vsock)
{
    struct virtq *q = &vsock->queues[VIRTIO_VSOCK_TX];
    struct virtq_chain chain = { .segments = vsock->segments };
    vsock->pending[VIRTIO_VSOCK_TX] = false;
    virtq_begin(q);
    while (port_room(&vsock->port.send) >= PORT_CHAIN_ENTRIES) {
        enum virtq_result result = virtq_pop(q, &chain);
        if (result != VIRTQ_CHAIN) {
            return result;
        }
        if (chain.num_writable > 0) {
            virtio_mmio_fail(&vsock->device, "a writable buffer in the transmit queue");
            return VIRTQ_EMPTY;
        }
        send_chain(vsock, &chain);
    }
    vsock->pending[VIRTIO_VSOCK_TX] = true;
    return VIRTQ_EMPTY;
}

_Static_assert(2 * VIRTIO_VSOCK_QUEUE_SIZE <= PORT_CHAIN_ENTRIES, "a chain, and all the answers");
_Static_assert(VSOCK_ID_LOST + VIRTIO_VSOCK_CONNECTIONS <= PORT_ENTRIES, "all may be under way");

/* A packet did not reach its peer. Whether the guest gets an answer to it. */
static bool not_there(struct virtio_vsock *vsock, struct virtio_vsock_packet *packet)
{
    uint16_t op = packet->header.op;
    if (op == VIRTIO_VSOCK_OP_RST ? packet->ends : op != VIRTIO_VSOCK_OP_REQUEST) {
        vsock_lose(vsock, &packet->header);
    }
    if (op != VIRTIO_VSOCK_OP_RST) {
        answer(vsock, packet);
    }
    return op != VIRTIO_VSOCK_OP_RST;
}

/* A packet or the answer to it is done. */
static bool take_one(struct virtio_vsock *vsock, const struct port_entry *entry)
{
    struct virtio_vsock_packet *packet = &vsock->sent[entry->id % VIRTIO_VSOCK_QUEUE_SIZE];
    bool is_answer = entry->id >= VSOCK_ID_ANSWER;
    if (packet->state != (is_answer ? VSOCK_ANSWERED : VSOCK_SENT)) {
        return false;
    }
    if (!is_answer && (entry->flags & PORT_NOT_THERE) != 0 && not_there(vsock, packet)) {
        return true;
    }
    packet->state = VSOCK_IDLE;
    return virtq_put(&vsock->queues[VIRTIO_VSOCK_TX], &packet->chain, 0);
}

bool vsock_take_sent(struct virtio_vsock *vsock)
{
    struct virtq *q = &vsock->queues[VIRTIO_VSOCK_TX];
    struct port_entry entry;
    while ((!vsock->serving || q->running) && port_client_sent(&vsock->port, &entry)) {
        bool ok = entry.id >= VSOCK_ID_LOST ? vsock_told(vsock, entry.id - VSOCK_ID_LOST)
                                            : take_one(vsock, &entry);
        if (!ok) {
            return false;
        }
    }
    virtq_publish(q);
    return !port_client_broken(&vsock->port);
}
