/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's connections: only to tell their peers when the guest is no more (5.10.6.5). */
#include "vmm/virtio/vsock_parts.h"

#include <stddef.h>
#include <string.h>

static bool is_same(const struct virtio_vsock_connection *a,
                    const struct virtio_vsock_connection *b)
{
    return a->peer == b->peer && a->own_port == b->own_port && a->peer_port == b->peer_port &&
           a->type == b->type;
}

static struct virtio_vsock_connection *find(struct virtio_vsock *vsock,
                                            const struct virtio_vsock_connection *wanted)
{
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        struct virtio_vsock_connection *connection = &vsock->connections[i];
        if (connection->state == VSOCK_LIVE && is_same(connection, wanted)) {
            return connection;
        }
    }
    return NULL;
}

static bool add(struct virtio_vsock *vsock, const struct virtio_vsock_connection *wanted)
{
    struct virtio_vsock_connection *place = NULL;
    unsigned of_peer = 0;
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        struct virtio_vsock_connection *connection = &vsock->connections[i];
        if (connection->state == VSOCK_FREE) {
            place = connection;
        } else if (connection->peer == wanted->peer) {
            of_peer++;
        }
    }
    if (place == NULL || of_peer >= VIRTIO_VSOCK_OF_A_PEER) {
        return false;
    }
    *place = *wanted;
    return true;
}

bool vsock_note(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header, bool sent)
{
    const struct virtio_vsock_connection wanted = {
        .peer = (uint32_t)(sent ? header->dst_cid : header->src_cid),
        .own_port = sent ? header->src_port : header->dst_port,
        .peer_port = sent ? header->dst_port : header->src_port,
        .type = header->type,
        .state = VSOCK_LIVE,
    };
    if (header->op == VIRTIO_VSOCK_OP_RST) {
        struct virtio_vsock_connection *connection = find(vsock, &wanted);
        if (connection != NULL) {
            connection->state = VSOCK_FREE;
        }
        return true;
    }
    bool begins = header->op == VIRTIO_VSOCK_OP_REQUEST || header->op == VIRTIO_VSOCK_OP_RESPONSE;
    return !sent || !begins || find(vsock, &wanted) != NULL || add(vsock, &wanted);
}

void vsock_lose_all(struct virtio_vsock *vsock)
{
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        if (vsock->connections[i].state == VSOCK_LIVE) {
            vsock->connections[i].state = VSOCK_LOST;
            vsock->num_lost++;
        }
    }
}

void vsock_forget_all(struct virtio_vsock *vsock)
{
    memset(vsock->connections, 0, sizeof(vsock->connections));
    vsock->num_lost = 0;
}

void vsock_tell_lost(struct virtio_vsock *vsock)
{
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        const struct virtio_vsock_connection *connection = &vsock->connections[i];
        struct virtio_vsock_hdr header = {
            .src_cid = vsock->config.guest_cid,
            .dst_cid = connection->peer,
            .src_port = connection->own_port,
            .dst_port = connection->peer_port,
            .type = connection->type,
            .op = VIRTIO_VSOCK_OP_RST,
        };
        if (connection->state == VSOCK_LOST) {
            port_client_send_own(&vsock->port, (uint16_t)(VSOCK_ID_LOST + i), &header,
                                 sizeof(header));
        }
    }
}

bool vsock_told(struct virtio_vsock *vsock, unsigned index)
{
    if (index >= VIRTIO_VSOCK_CONNECTIONS || vsock->connections[index].state != VSOCK_LOST) {
        return false;
    }
    vsock->connections[index].state = VSOCK_FREE;
    vsock->num_lost--;
    return true;
}
