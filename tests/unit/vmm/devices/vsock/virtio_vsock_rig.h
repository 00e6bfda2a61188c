/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket device between a guest and a switch, both played by the test. The switch looks at each
 * header: it must make sense, and say truly who sent it.
 */
#pragma once

#include "tests/unit/vmm/virtio/port_rig.h"
#include "vmm/devices/vsock/virtio_vsock.h"

#include <string.h>

#define VERSION_1    VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define EVENT_IDX    VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)
#define F_INDIRECT   VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define F_SEQPACKET  VIRTIO_FEATURE(VIRTIO_VSOCK_F_SEQPACKET)
#define ALL          (VERSION_1 | EVENT_IDX | F_INDIRECT | F_SEQPACKET)
#define SIZE         VIRTIO_VSOCK_QUEUE_SIZE
#define CONFIG       VIRTIO_MMIO_CONFIG
#define OWN          3u /* CIDs */
#define PEER         4u
#define PEERS        4u /* PEER and those that follow */
#define OF_A_PEER    (VIRTIO_VSOCK_CONNECTIONS / PEERS)
#define HEADER_BYTES VIRTIO_VSOCK_HEADER_BYTES

enum { RX = VIRTIO_VSOCK_RX, TX = VIRTIO_VSOCK_TX, EVENT = VIRTIO_VSOCK_EVENT };
enum { STREAM = VIRTIO_VSOCK_TYPE_STREAM, SEQPACKET = VIRTIO_VSOCK_TYPE_SEQPACKET };
enum {
    REQUEST = VIRTIO_VSOCK_OP_REQUEST,
    RESPONSE = VIRTIO_VSOCK_OP_RESPONSE,
    RST = VIRTIO_VSOCK_OP_RST,
    SHUTDOWN = VIRTIO_VSOCK_OP_SHUTDOWN,
    RW = VIRTIO_VSOCK_OP_RW,
    UPDATE = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
    ASK = VIRTIO_VSOCK_OP_CREDIT_REQUEST,
};

/* Packet n's header, and places for payload and buffers. */
#define PACKET(n) (TABLES_GPA + 64 * (gpa_t)(n))
#define TABLE     (TABLES_GPA + 0x4000)
#define BUF(i)    (BUFFERS_GPA + 0x400 * (gpa_t)(i))
#define NUM_BUFS  128u

extern struct guest guest;
extern struct virtio_vsock vsock;
extern struct mmio_region region;
extern struct ring rings[VIRTIO_VSOCK_NUM_QUEUES];
extern struct vmm_vsock record;

int setup(void **state);
int teardown(void **state);

void drive(uint64_t features);
void snapshot(void); /* takes the oracle's picture anew; the used rings may change */
void kick(unsigned index);

/* From port 1000 of the guest to port 2000 of the peer, stream; `bytes` long. */
struct virtio_vsock_hdr packet(uint16_t op, uint32_t bytes);
/* Packet n in descriptors 2n and 2n + 1: header, then `bytes` at `data`. */
void submit(unsigned n, const struct virtio_vsock_hdr *header, gpa_t data, uint32_t bytes);
/* Buffer n of the receive queue. */
void post(unsigned n, gpa_t at, uint32_t bytes);

/*
 * The switch does what a vsock switch does with what it has: packets to the guest itself go into
 * its buffers as long as there are some, others are `there` or not.
 */
void switch_route(bool there);

/* The next used buffer n holds RST for that packet. */
void expect_rst(unsigned n, gpa_t at, const struct virtio_vsock_hdr *refused);

/* O1, O4: a driver that begins anew finds a working device, with nothing under way. */
void assert_works_after_reset(void);
