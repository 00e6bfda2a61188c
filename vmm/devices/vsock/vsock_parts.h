/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the socket device share: vsock.c -> vsock_tx.c, vsock_rx.c -> vsock_table.c. */
#pragma once

#include "vmm/devices/vsock/virtio_vsock.h"

/* Ids of chains in `send`: a head of the guest's, an answer to that, and the news that a connection
 * is lost. */
#define VSOCK_ID_ANSWER VIRTIO_VSOCK_QUEUE_SIZE
#define VSOCK_ID_LOST   (2 * VIRTIO_VSOCK_QUEUE_SIZE)

/* ---- vsock_tx.c: packets of the guest's ----*/

/* Takes chains while the port has room; they wait there for port_client_flush(). */
enum virtq_result vsock_send(struct virtio_vsock *vsock);

/* Takes what is done. False: the switch has broken the contract. */
bool vsock_take_sent(struct virtio_vsock *vsock);

/* ---- vsock_rx.c: packets for the guest ----*/

/* Gives the switch the guest's buffers while the port has room, as vsock_send(). */
enum virtq_result vsock_post(struct virtio_vsock *vsock);

/* Hands over packets that have arrived. False: the switch has broken the contract. */
bool vsock_take_received(struct virtio_vsock *vsock);

/* ---- vsock_table.c: the guest's connections ----*/

/* Whether there is a connection between the ports of a header that the guest sends. */
bool vsock_is_connected(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header);

/*
 * Notes what a packet does to a connection of the guest's: with `peer`, between its ports and those
 * of `header`, in which the guest is the source (sent) or the destination. False: it must not
 * arrive: it would be one connection too many, or it belongs to one that is lost.
 */
bool vsock_note(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header, bool sent);

/* A packet that the guest sent on a connection, or to end one, did not reach its peer. */
void vsock_lose(struct virtio_vsock *vsock, const struct virtio_vsock_hdr *header);

/* The guest is reset: all its connections are lost. */
void vsock_lose_all(struct virtio_vsock *vsock);

/* The switch has been started again: the guest is to hear that all its connections are lost. */
void vsock_cut_all(struct virtio_vsock *vsock);

/* Nobody can be told any more. */
void vsock_forget_all(struct virtio_vsock *vsock);

/* Tells of lost connections while the port has room; in a new opening, `anew`. */
void vsock_tell_lost(struct virtio_vsock *vsock, bool anew);

/* That has been told. False: there was nothing to tell. */
bool vsock_told(struct virtio_vsock *vsock, unsigned index);
