/* SPDX-License-Identifier: BSD-2-Clause */
/* Good requests to the devices, and the parts of them that rows spoil. */
#pragma once

#include "tests/hostile/hostile_virtio.h"

#define SECTOR_BYTES     512u
#define NET_HEADER_BYTES 12u
#define FRAME_BYTES      60u
#define NOBODY           77u /* no guest has this CID */

enum { CONSOLE_RX, CONSOLE_TX };
enum { NET_RX, NET_TX, NET_CTRL };
enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT };

/* The last block request: header, status byte, data. */
struct block_parts {
    volatile struct virtio_blk_outhdr *header;
    volatile uint8_t *status;
    volatile uint8_t *data;
};

#define NO_STATUS 0xeeu /* what the status byte is before */

/* Header and status of a request, and `bytes` of data, in memory; no descriptors. */
struct block_parts block_parts_make(uint32_t type, uint64_t sector, uint32_t bytes);

/*
 * Writes descriptors 0 to 2: header, data (flags: VRING_DESC_F_WRITE or 0; none without bytes),
 * status. They can be changed before they are offered.
 */
struct block_parts block_request(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes,
                                 uint32_t data_flags);

/* Sends such a request at head 0 and returns its status; *used_len may be NULL. */
uint8_t block_do(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes,
                 uint32_t data_flags, uint32_t *used_len);

/* A frame with its zeroed header in front, from this card to a station. */
struct net_parts {
    volatile struct virtio_net_hdr_v1 *header;
    volatile uint8_t *frame;
};
struct net_parts net_frame(struct virtio *v, const uint8_t to[6], uint32_t bytes);

/* A packet's header to a CID and port of nobody's; `own` CID is read from the device. */
volatile struct virtio_vsock_hdr *vsock_packet(struct virtio *v, uint32_t op, uint32_t payload);

/* Gives a receive queue `count` buffers of `bytes` at descriptors 0 up. */
volatile uint8_t *post_buffers(struct virtio *v, uint32_t queue, uint16_t count, uint32_t bytes);

/* Writes a request of one descriptor, which a block device, a card or sockets drop at once. */
void put_junk(struct virtio *v, uint16_t at);
