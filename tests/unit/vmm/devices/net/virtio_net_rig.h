/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card between a guest and a switch, both played by the test. The switch looks at each
 * header: it must make sense.
 */
#pragma once

#include "tests/unit/vmm/virtio/port_rig.h"
#include "vmm/devices/net/virtio_net.h"

#include <string.h>

#define F(name)    VIRTIO_FEATURE(VIRTIO_NET_F_##name)
#define VERSION_1  VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define EVENT_IDX  VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)
#define F_INDIRECT VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define F_HOST     (F(CSUM) | F(HOST_TSO4) | F(HOST_TSO6))
#define F_GUEST    (F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6) | F(MRG_RXBUF))
#define F_CTRL     (F(CTRL_VQ) | F(CTRL_RX) | F(CTRL_RX_EXTRA))
#define BASE       (VERSION_1 | F_INDIRECT | F(MAC) | F(STATUS) | F(MTU))
#define ALL        (BASE | EVENT_IDX | F_HOST | F_GUEST | F_CTRL)
#define SIZE       VIRTIO_NET_QUEUE_SIZE
#define CONFIG     VIRTIO_MMIO_CONFIG
#define MTU        1500u

enum { RX = VIRTIO_NET_RX, TX = VIRTIO_NET_TX, CTRL = VIRTIO_NET_CTRL };

/* Frame n's header, and pages for frames and buffers. */
#define HEADER(n) (TABLES_GPA + 64 * (gpa_t)(n))
#define TABLE     (TABLES_GPA + 0x4000)
#define CTRL_GPA  (TABLES_GPA + 0xc000)
#define BUF(i)    (BUFFERS_GPA + 0x800 * (gpa_t)(i))
#define NUM_BUFS  64u

extern struct guest guest;
extern struct virtio_net net;
extern struct mmio_region region;
extern struct ring rings[VIRTIO_NET_NUM_QUEUES];
extern struct vmm_net record;

int setup(void **state);
int teardown(void **state);

/* The driver. */
void drive(uint64_t features);
void snapshot(void); /* takes the oracle's picture anew; the used rings may change */
void kick(unsigned index);
/* Frame n in descriptors 2n and 2n + 1: header, then `bytes` at `data`. */
void set_header(unsigned n, const struct virtio_net_hdr_v1 *header);
void submit(unsigned n, const struct virtio_net_hdr_v1 *header, gpa_t data, uint32_t bytes);
void send_plain(unsigned n, gpa_t data, uint32_t bytes);
/* Buffer n of the receive queue. */
void post(unsigned n, gpa_t at, uint32_t bytes);
/* One command with its data; returns the acknowledgement, 0xee: none. */
uint8_t control(uint8_t class, uint8_t command, const void *data, uint32_t bytes);

/* O1, O4: a driver that begins anew finds a working card, with nothing under way. */
void assert_works_after_reset(void);
