/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO socket device (virtIO 1.2, 5.10) on a port of the switch, which moves the payload from
 * guest to guest and loses nothing. The device checks each packet's header once, says who sent it,
 * and refuses for a peer that is not there. Credit is between the two guests: no payload ever lies
 * in a buffer of ours.
 *
 * It knows the connections of its guest, so that their peers are told when the guest is reset, or
 * when a packet did not reach one that is there (the switch gave it up): what comes behind that is
 * refused, and the peer hears RST as soon as it listens. When the switch is started again, what was
 * under way is lost: each guest hears that its connections are gone, and those that it makes then
 * work. Of its share of connections with one peer a guest may use all; then those that it has asked
 * for and that were not answered give way, the oldest first: their peers are not told. Neither the
 * guest nor the switch is trusted.
 */
#pragma once

#include "vmm/core/vmm_config.h"
#include "vmm/virtio/port_client.h"
#include "vmm/virtio/virtio_mmio.h"

#define VIRTIO_VSOCK_QUEUE_SIZE   128
#define VIRTIO_VSOCK_HEADER_BYTES 44u
#define VIRTIO_VSOCK_MAX_PAYLOAD  65536u /* of a packet: what Linux sends at most */
#define VIRTIO_VSOCK_CONNECTIONS  512u   /* of the guest; each other guest has an equal share */

enum {
    VIRTIO_VSOCK_RX,
    VIRTIO_VSOCK_TX,
    VIRTIO_VSOCK_EVENT, /* TRANSPORT_RESET, when the switch has been started again */
    VIRTIO_VSOCK_NUM_QUEUES
};

enum vsock_packet_state {
    VSOCK_IDLE,
    VSOCK_SENT,     /* under way */
    VSOCK_ANSWERED, /* the answer is under way: RST, in the peer's name */
};

/* A chain of the guest's in its transmit queue. */
struct virtio_vsock_packet {
    struct virtq_chain chain;
    struct virtio_vsock_hdr header;
    bool ends;     /* it is RST, of a connection that there was */
    uint8_t state; /* enum vsock_packet_state */
};

/* A chain of the guest's that waits for a packet. */
struct virtio_vsock_buffer {
    struct virtq_chain chain;
    uint8_t *header_at[VIRTIO_VSOCK_HEADER_BYTES]; /* port_header_find() */
};

enum vsock_connection_state {
    VSOCK_FREE,
    VSOCK_REQUESTED, /* its guest asked for it, */
    VSOCK_LIVE,      /* or it was agreed to; and nobody has reset it */
    VSOCK_LOST,      /* the peer is to be told that it is no more, */
    VSOCK_CUT,       /* or the guest, as the peer is by its own VMM: a new switch knows neither */
    VSOCK_TELLING,   /* that is under way */
};

struct virtio_vsock_connection {
    uint32_t peer; /* CID */
    uint32_t own_port;
    uint32_t peer_port;
    uint32_t number; /* in the order of their beginning; runs free */
    uint16_t type;
    uint8_t state; /* enum vsock_connection_state */
};

struct virtio_vsock {
    struct virtio_device device; /* first: its operations find the device by it */
    struct virtq queues[VIRTIO_VSOCK_NUM_QUEUES];
    struct virtio_vsock_config config;
    struct port_client port;
    bool started;         /* the driver drives, and has stopped no queue */
    bool serving;         /* it has the port: guest memory is given in this opening */
    bool announced;       /* it is told of a new switch, and has not posted for an event since */
    bool pending[2];      /* RX, TX: there may be chains to take, once the port has room */
    uint64_t dropped;     /* packets that made no sense and could not be refused */
    uint64_t refused;     /* packets answered by RST here */
    uint64_t num_waits;   /* resets that had to wait */
    unsigned num_lost;    /* connections in state LOST, CUT or TELLING, */
    unsigned num_telling; /* and of those in state TELLING */
    unsigned of_a_peer;   /* connections that there can be with one other guest */
    uint32_t num_begun;
    struct virtq_segment segments[VIRTIO_VSOCK_QUEUE_SIZE];     /* of the chain that is looked at */
    struct virtio_vsock_packet sent[VIRTIO_VSOCK_QUEUE_SIZE];   /* by head */
    struct virtio_vsock_buffer posted[VIRTIO_VSOCK_QUEUE_SIZE]; /* by head */
    struct virtio_vsock_connection connections[VIRTIO_VSOCK_CONNECTIONS];
};

/*
 * Makes a device in its power-on state. `name` (for the log) and the pointers must stay valid.
 * False: the record can't be right. Its registers: virtio_mmio_region(&vsock->device, ...).
 */
bool virtio_vsock_init(struct virtio_vsock *vsock, const char *name, const struct guest_ram *ram,
                       const struct irq_line *irq, const struct vmm_vsock *record,
                       void (*notify)(unsigned channel));

/* To be called when the switch has notified. */
void virtio_vsock_notified(struct virtio_vsock *vsock);
