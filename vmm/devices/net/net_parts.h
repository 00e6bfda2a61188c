/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the network card share: net.c -> net_tx.c, net_rx.c, net_ctrl.c. */
#pragma once

#include "vmm/devices/net/virtio_net.h"

/* ---- net_tx.c: frames of the guest's ----*/

/* Takes chains while the port has room; they wait there for port_client_flush(). */
enum virtq_result net_send(struct virtio_net *net);

/* Returns chains that are sent. False: the switch has broken the contract. */
bool net_take_sent(struct virtio_net *net);

/* ---- net_rx.c: frames for the guest ----*/

/* Gives the switch the guest's buffers while the port has room, as net_send(). */
enum virtq_result net_post(struct virtio_net *net);

/* Hands over frames that have arrived. False: the switch has broken the contract. */
bool net_take_received(struct virtio_net *net);

/* ---- net_ctrl.c: what the guest wants to hear ----*/

void net_control(struct virtio_net *net);

/* The wishes as the port knows them: enum port_recv_mode. */
uint32_t net_recv_mode(const struct virtio_net *net);
