/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a sender leaves open in a frame: its checksum, and that a TCP segment is cut to the wire's
 * size (virtIO 1.2, 5.1.6.2). Everything here rests on the frame's head, which is ours.
 */
#pragma once

#include "io/virt/switch/pieces.h"

#define VIRTIO_NET_NO_LEGACY
#include <linux/virtio_net.h>

/* Ethernet, two VLAN tags, IPv6 and TCP with options: 14 + 2 * 4 + 40 + 60. */
#define OFFLOAD_HEAD 128u

/* A frame, or a segment that is cut from one, as it goes to one receiver. */
struct part {
    struct virtio_net_hdr_v1 header;
    uint32_t head_bytes;
    uint8_t head[OFFLOAD_HEAD];
    struct cursor rest;
    uint32_t rest_bytes;
};

/* Where the headers of a TCP segment lie in a frame. */
struct tcp_segment {
    uint32_t ip;  /* of the IP header */
    uint32_t tcp; /* of the TCP header */
    uint32_t end; /* of the headers */
    bool ipv6;
};

/* Whether the header asks for what can be done with a frame of `bytes` of which `head_bytes` are in
 * `head`. Where a checksum is asked for, it lies in the head; where segments are, `tcp` tells of
 * them. N4 to N7. */
bool offload_check(const struct virtio_net_hdr_v1 *header, const uint8_t *head, uint32_t head_bytes,
                   uint32_t bytes, struct tcp_segment *tcp);

/* Makes the headers of a segment of `length` payload bytes at `offset` of the whole segment's: they
 * are the whole's as yet. Its checksum is left open. */
void offload_cut(struct part *part, const struct tcp_segment *tcp, uint32_t offset, uint32_t length,
                 bool is_last);

/* Sums the head for a checksum that is left open; the rest is added while it is copied... */
struct sum offload_sum(const struct part *part);

/* ...and writes it into the head. */
void offload_complete(struct part *part, const struct sum *sum);
