/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/net/virtio_mmio/vnet.h"

#include "io/drivers/virtio_mmio/transport.h"

#include <stddef.h>
#include <string.h>

#define WANTED                                                                                     \
    (VIRTIO_BIT(VIRTIO_NET_F_MAC) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) |                              \
     VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX))

#define HEADER_BYTES (uint32_t)sizeof(struct virtio_net_hdr_v1)

static bool has(const struct vnet *v, unsigned int feature)
{
    return (v->features & VIRTIO_BIT(feature)) != 0;
}

static uint16_t num_slots(const struct vnet_queue *q)
{
    return q->ring.size / 2;
}

static uint16_t in_flight(const struct vnet_queue *q)
{
    return (uint16_t)(num_slots(q) - q->num_free);
}

/* ---- Slots ------------------------------------------------------------------------------------*/

/* Descriptor 2n is the header of slot n, for good; 2n + 1 its buffer. */
static void init_slots(struct vnet_queue *q, uint64_t header, uint16_t flags)
{
    q->num_free = num_slots(q);
    for (uint16_t i = 0; i < q->num_free; i++) {
        q->free[i] = (uint16_t)(q->num_free - 1 - i);
        q->ring.desc[(size_t)2 * i] = (struct vring_desc){
            .addr = header,
            .len = HEADER_BYTES,
            .flags = flags | VRING_DESC_F_NEXT,
            .next = (uint16_t)(2 * i + 1),
        };
    }
}

static void launch(struct vnet_queue *q, const struct net_buff_desc *buffer, uint32_t bytes,
                   uint16_t flags)
{
    uint16_t index = q->free[--q->num_free];
    q->slots[index] = (struct vnet_slot){ true, *buffer };
    q->ring.desc[(size_t)2 * index + 1] =
        (struct vring_desc){ .addr = buffer->io_or_offset, .len = bytes, .flags = flags };
    ring_publish(&q->ring, (uint16_t)(2 * index));
}

/* To the virtualiser. The ring has room, for all buffers come from there. */
static void pass(struct vnet_queue *q, const struct net_buff_desc *buffer)
{
    (void)net_enqueue(&q->to, buffer);
    q->passed = true;
}

static struct net_buff_desc take_back(struct vnet_queue *q, uint16_t index)
{
    q->slots[index].busy = false;
    q->free[q->num_free++] = index;
    return q->slots[index].buffer;
}

/*
 * The device is lost. What it had to send comes back once it cannot touch memory any more: the
 * clients use it for something else then. Receive buffers stay here.
 */
static void give_up(struct vnet *v, const char *why)
{
    struct vnet_queue *q = &v->queues[VNET_TX];
    v->error = why;
    v->started = false;
    if (!transport_reset(v->base)) {
        v->error = "the device is broken and does not reset: it keeps what it was to send";
        return;
    }
    for (uint16_t i = 0; i < num_slots(q); i++) {
        if (q->slots[i].busy) {
            struct net_buff_desc buffer = take_back(q, i);
            pass(q, &buffer);
        }
    }
}

/* Takes a slot that the device is done with; false if there is none, or it talks nonsense. */
static bool finished(struct vnet *v, struct vnet_queue *q, struct net_buff_desc *buffer,
                     uint32_t *written)
{
    struct vring_used_elem used;
    enum ring_state state =
        v->started ? ring_finished(&q->ring, in_flight(q), &used) : RING_NOTHING;
    if (state == RING_NOTHING) {
        return false;
    }
    if (state == RING_BROKEN || used.id % 2 != 0 || used.id / 2 >= num_slots(q) ||
        !q->slots[used.id / 2].busy) {
        give_up(v, "the device has finished what it was not given");
        return false;
    }
    *buffer = take_back(q, (uint16_t)(used.id / 2));
    *written = used.len;
    return true;
}

/* ---- Receive ----------------------------------------------------------------------------------*/

/* Frames to the virtualiser. */
static void deliver(struct vnet *v)
{
    struct vnet_queue *q = &v->queues[VNET_RX];
    struct net_buff_desc buffer;
    uint32_t written;
    while (finished(v, q, &buffer, &written)) {
        if (written < HEADER_BYTES || written > HEADER_BYTES + NET_BUFFER_SIZE) {
            give_up(v, "the device has received more than fits, or less than nothing");
            return;
        }
        buffer.len = (uint16_t)(written - HEADER_BYTES);
        pass(q, &buffer);
    }
}

/* A device that has half of what it can have interrupts before it has none: until then nobody need
 * tell us of each buffer that comes back. */
static void refill(struct vnet_queue *q)
{
    struct net_buff_desc buffer;
    while (q->num_free > 0) {
        if (net_dequeue(&q->from, &buffer)) {
            launch(q, &buffer, NET_BUFFER_SIZE, VRING_DESC_F_WRITE);
        } else if (q->num_free <= num_slots(q) / 2 || !net_wait(&q->from)) {
            return;
        }
    }
}

/* Slots that become free are filled in the same turn, so that none waits for an interrupt that has
 * no cause. Returns whether there is more already. */
static bool receive(struct vnet *v)
{
    struct vnet_queue *q = &v->queues[VNET_RX];
    deliver(v);
    if (!v->started) {
        return false;
    }
    refill(q);
    ring_kick(&q->ring);
    return ring_wait(&q->ring, 0);
}

/* ---- Transmit ---------------------------------------------------------------------------------*/

static void send(struct vnet *v)
{
    struct vnet_queue *q = &v->queues[VNET_TX];
    struct net_buff_desc buffer;
    while (q->num_free > 0 || !v->started) {
        if (!net_dequeue(&q->from, &buffer)) {
            if (!net_wait(&q->from)) {
                return;
            }
        } else if (v->started) {
            launch(q, &buffer, buffer.len, 0);
        } else {
            pass(q, &buffer);
        }
    }
}

/* One interrupt for three quarters of what is being sent: clients have buffers in reserve. */
static bool transmit(struct vnet *v)
{
    struct vnet_queue *q = &v->queues[VNET_TX];
    struct net_buff_desc buffer;
    uint32_t written;
    while (finished(v, q, &buffer, &written)) {
        pass(q, &buffer);
    }
    send(v);
    if (!v->started) {
        return false;
    }
    ring_kick(&q->ring);
    return ring_wait(&q->ring, (uint16_t)(in_flight(q) * 3 / 4));
}

static bool must_signal(struct vnet_queue *q)
{
    bool passed = q->passed;
    q->passed = false;
    return passed && net_must_signal(&q->to);
}

uint32_t vnet_run(struct vnet *v)
{
    bool more = false;
    if (v->started) {
        more |= receive(v);
    }
    if (v->started || v->error != NULL) {
        more |= transmit(v);
    }
    return (uint32_t)must_signal(&v->queues[VNET_RX]) << VNET_RX |
           (uint32_t)must_signal(&v->queues[VNET_TX]) << VNET_TX | (more ? VNET_AGAIN : 0);
}

/* ---- Start and configuration ------------------------------------------------------------------*/

static void read_link(struct vnet *v)
{
    uint16_t status = VIRTIO_NET_S_LINK_UP; /* 5.1.4: always up where there is no STATUS */
    if (has(v, VIRTIO_NET_F_STATUS)) {
        transport_config(v->base, offsetof(struct virtio_net_config, status), &status, 2, 1);
    }
    v->link_up = (status & VIRTIO_NET_S_LINK_UP) != 0;
}

bool vnet_interrupt(struct vnet *v)
{
    if (!v->started || !(transport_interrupt(v->base) & VIRTIO_MMIO_INT_CONFIG)) {
        return false;
    }
    if (transport_needs_reset(v->base)) {
        give_up(v, "the device needs a reset");
        return false;
    }
    read_link(v);
    return true;
}

static bool start_queue(struct vnet *v, enum vnet_side side)
{
    struct vnet_queue *q = &v->queues[side];
    if (!ring_start(&q->ring, v->base, side, VNET_RING, v->dma->rings[side],
                    v->dma_address + offsetof(struct vnet_dma, rings[side]))) {
        return false;
    }
    q->ring.event_idx = has(v, VIRTIO_RING_F_EVENT_IDX);
    init_slots(q, v->dma_address + offsetof(struct vnet_dma, headers[side]),
               side == VNET_RX ? VRING_DESC_F_WRITE : 0);
    return true;
}

void vnet_start(struct vnet *v, const struct sddf_net_driver_config *config)
{
    for (uint32_t side = VNET_RX; side <= VNET_TX; side++) {
        const struct sddf_net_connection *conn = side == VNET_RX ? &config->rx : &config->tx;
        bool receives = side == VNET_RX;
        v->queues[side].from =
            net_consumer(receives ? &conn->free : &conn->active, conn->num_buffers);
        v->queues[side].to =
            net_producer(receives ? &conn->active : &conn->free, conn->num_buffers);
        v->queues[side].passed = true; /* by a former life, that told nobody */
    }
    v->error = transport_negotiate(v->base, VIRTIO_ID_NET, WANTED, &v->features);
    if (v->error != NULL) {
        return;
    }
    memset(v->dma, 0, sizeof(*v->dma));
    if (!start_queue(v, VNET_RX) || !start_queue(v, VNET_TX)) {
        v->error = "a queue of the device is too small";
        return;
    }
    if (has(v, VIRTIO_NET_F_MAC)) {
        transport_config(v->base, offsetof(struct virtio_net_config, mac), &v->mac, 1,
                         sizeof(v->mac));
    }
    read_link(v);
    transport_driver_ok(v->base);
    v->started = true;
}
