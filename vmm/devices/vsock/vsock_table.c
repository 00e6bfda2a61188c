/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's connections: only to tell of those that are no more (5.10.6.5). */
#include "vmm/devices/vsock/vsock_parts.h"

#include <stddef.h>
#include <string.h>

static bool is_same(const struct virtio_vsock_connection *a,
                    const struct virtio_vsock_connection *b)
{
    return a->peer == b->peer && a->own_port == b->own_port && a->peer_port == b->peer_port &&
           a->type == b->type;
}

/* States of a connection that there is, and of one that there was. */
#define UP   (1u << VSOCK_REQUESTED | 1u << VSOCK_LIVE)
#define DUE  (1u << VSOCK_LOST | 1u << VSOCK_CUT)
#define DOWN (DUE | 1u << VSOCK_TELLING)

static bool is_in(const struct virtio_vsock_connection *connection, unsigned states)
{
    return (states >> connection->state & 1) != 0;
}

static struct virtio_vsock_connection *find(struct virtio_vsock *vsock, unsigned states,
                                            const struct virtio_vsock_connection *wanted)
{
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        struct virtio_vsock_connection *connection = &vsock->connections[i];
        if (is_in(connection, states) && is_same(connection, wanted)) {
            return connection;
        }
    }
    return NULL;
}

/* Whether `a` has waited for an answer, and longer than `b`, which may be NULL. */
static bool gives_way(const struct virtio_vsock_connection *a,
                      const struct virtio_vsock_connection *b)
{
    return a->state == VSOCK_REQUESTED && (b == NULL || (int32_t)(a->number - b->number) < 0);
}

/* NULL: there is no place for it. */
static struct virtio_vsock_connection *add(struct virtio_vsock *vsock,
                                           const struct virtio_vsock_connection *wanted)
{
    struct virtio_vsock_connection *place = NULL, *oldest = NULL;
    unsigned of_peer = 0;
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        struct virtio_vsock_connection *connection = &vsock->connections[i];
        if (connection->state == VSOCK_FREE) {
            place = connection;
        } else if (connection->peer == wanted->peer) {
            oldest = gives_way(connection, oldest) ? connection : oldest;
            of_peer++;
        }
    }
    place = of_peer < vsock->of_a_peer ? place : oldest;
    if (place != NULL) {
        *place = *wanted;
        place->number = vsock->num_begun++;
    }
    return place;
}

/* Of a packet that the guest has sent, or was sent. */
static struct virtio_vsock_connection connection_of(const struct virtio_vsock_hdr *header,
                                                    bool sent)
{
    return (struct virtio_vsock_connection){
        .peer = (uint32_t)(sent ? header->dst_cid : header->src_cid),
        .own_port = sent ? header->src_port : header->dst_port,
        .peer_port = sent ? header->dst_port : header->src_port,
        .type = header->type,
        .state = header->op == VIRTIO_VSOCK_OP_REQUEST ? VSOCK_REQUESTED : VSOCK_LIVE,
    };
}

bool vsock_is_connected(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header)
{
    const struct virtio_vsock_connection wanted = connection_of(header, true);
    return find(vsock, UP, &wanted) != NULL;
}

/* REQUEST, RESPONSE or RST; as vsock_note(). */
static bool note_change(struct virtio_vsock *vsock, const struct virtio_vsock_connection *wanted,
                        uint16_t op, bool sent)
{
    struct virtio_vsock_connection *connection = find(vsock, UP, wanted);
    if (connection == NULL) {
        return !sent || op == VIRTIO_VSOCK_OP_RST || add(vsock, wanted) != NULL;
    }
    if (op == VIRTIO_VSOCK_OP_RST) {
        connection->state = VSOCK_FREE;
    } else if (op == VIRTIO_VSOCK_OP_RESPONSE) {
        connection->state = VSOCK_LIVE;
    }
    return true;
}

bool vsock_note(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header, bool sent)
{
    const struct virtio_vsock_connection wanted = connection_of(header, sent);
    if (header->op <= VIRTIO_VSOCK_OP_RST) {
        return note_change(vsock, &wanted, header->op, sent);
    }
    return vsock->num_lost == 0 || find(vsock, UP, &wanted) != NULL ||
           find(vsock, DOWN, &wanted) == NULL;
}

_Static_assert(VIRTIO_VSOCK_OP_REQUEST < VIRTIO_VSOCK_OP_RST &&
                   VIRTIO_VSOCK_OP_RESPONSE < VIRTIO_VSOCK_OP_RST,
               "what begins and ends a connection comes first");

static void lose(struct virtio_vsock *vsock, struct virtio_vsock_connection *connection)
{
    connection->state = VSOCK_LOST;
    vsock->num_lost++;
}

void vsock_lose(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header)
{
    const struct virtio_vsock_connection wanted = connection_of(header, true);
    struct virtio_vsock_connection *connection = find(vsock, UP, &wanted);
    if (connection == NULL && header->op == VIRTIO_VSOCK_OP_RST) {
        connection = add(vsock, &wanted);
    }
    if (connection != NULL) {
        lose(vsock, connection);
    }
}

void vsock_lose_all(struct virtio_vsock *vsock)
{
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        if (is_in(&vsock->connections[i], UP)) {
            lose(vsock, &vsock->connections[i]);
        }
    }
}

void vsock_cut_all(struct virtio_vsock *vsock)
{
    vsock->num_lost = vsock->num_telling = 0;
    for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i++) {
        if (vsock->connections[i].state != VSOCK_FREE) {
            vsock->connections[i].state = VSOCK_CUT;
            vsock->num_lost++;
        }
    }
}

void vsock_forget_all(struct virtio_vsock *vsock)
{
    memset(vsock->connections, 0, sizeof(vsock->connections));
    vsock->num_lost = vsock->num_telling = 0;
}

/* RST to the peer, or in its name to the guest: behind what that was sent before (5.10.6.6). */
static void tell(struct virtio_vsock *vsock, unsigned index)
{
    struct virtio_vsock_connection *connection = &vsock->connections[index];
    bool guest = connection->state == VSOCK_CUT;
    const struct virtio_vsock_hdr header = {
        .src_cid = guest ? connection->peer : vsock->config.guest_cid,
        .dst_cid = guest ? vsock->config.guest_cid : connection->peer,
        .src_port = guest ? connection->peer_port : connection->own_port,
        .dst_port = guest ? connection->own_port : connection->peer_port,
        .type = connection->type,
        .op = VIRTIO_VSOCK_OP_RST,
    };
    port_client_send_own(&vsock->port, (uint16_t)(VSOCK_ID_LOST + index), PORT_PATIENT, &header,
                         sizeof(header));
    connection->state = VSOCK_TELLING;
    vsock->num_telling++;
}

void vsock_tell_lost(struct virtio_vsock *vsock, bool anew)
{
    unsigned states = anew ? DOWN : DUE;
    vsock->num_telling = anew ? 0 : vsock->num_telling;
    for (unsigned i = 0; vsock->num_telling < vsock->num_lost && i < VIRTIO_VSOCK_CONNECTIONS;
         i++) {
        if (is_in(&vsock->connections[i], states) &&
            port_room(&vsock->port.send) >= PORT_CHAIN_ENTRIES) {
            tell(vsock, i);
        }
    }
}

_Static_assert(VIRTIO_VSOCK_CONNECTIONS + PORT_CHAIN_ENTRIES <= PORT_ENTRIES,
               "in a new opening there is room for all");

bool vsock_told(struct virtio_vsock *vsock, unsigned index)
{
    if (index >= VIRTIO_VSOCK_CONNECTIONS || vsock->connections[index].state != VSOCK_TELLING) {
        return false;
    }
    vsock->connections[index].state = VSOCK_FREE;
    vsock->num_lost--;
    vsock->num_telling--;
    return true;
}
