/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's tests: VMMs that keep to cloister/port.h, each with a guest's memory. What a guest's
 * memory must be is known to the byte: what arrives is taken over into a shadow, and the rest may
 * never change.
 */
#pragma once

#include "io/virt/switch/switch_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_vsock.h>

#define VMMS      4u
#define RAM_BYTES (2u << 20)
#define MTU       1500u
#define SEND_AREA 0u /* of a guest's memory; behind it: what is received into */
#define RECV_AREA (1u << 20)
#define FRAME_MAX 66000u
#define HEADER    switch_header_bytes(config.kind)
#define CSUM      VIRTIO_NET_HDR_F_NEEDS_CSUM
#define ALL       (PORT_RECV_CSUM | PORT_RECV_TSO4 | PORT_RECV_TSO6 | PORT_RECV_MERGE)

struct stretch {
    uint32_t offset, bytes;
};

/* A chain to receive in that the switch has. */
struct posted {
    bool posted;
    uint32_t num;
    struct stretch stretches[PORT_CHAIN_ENTRIES];
};

struct vmm {
    struct port port;
    uint8_t *ram;
    uint8_t *shadow;
    struct port_end send, send_done, recv, recv_done;
    struct posted chains[PORT_ENTRIES]; /* by id */
    bool sending[PORT_ENTRIES];         /* ids that are not done */
    uint16_t next_id;
    uint32_t next_send;  /* in the send area */
    uint32_t not_there;  /* packets that were done so */
    uint16_t send_flags; /* of what is sent */
};

struct arrival {
    union {
        struct virtio_net_hdr_v1 header;
        struct virtio_vsock_hdr vsock;
    };
    uint32_t bytes, chains;
    uint8_t data[FRAME_MAX + 100];
};

extern struct switch_config config;
extern struct switch_core core;
extern struct vmm vmms[VMMS];
extern uint32_t signals[256];
extern char said[4096];
extern uint64_t timeout_ns;
extern void (*on_notify)(uint8_t channel); /* what a VMM does at once */

/* Four ports with fixed MACs, all may hear all; changed by a test before rig_start(). */
void rig_configure(void);
void rig_start(void);
void rig_destroy(void);
void run(void);

/* 52:54:01:00:00:0i. */
void rig_mac(uint8_t *to, uint32_t i);

void vmm_open(uint32_t i, uint32_t features);
void vmm_close(uint32_t i);

/* Gives the switch a chain to receive in; whether it wants to be notified of that. */
bool vmm_post_chain(uint32_t i, const struct stretch *stretches, uint32_t num);
/* ...of one stretch; `slot` of 2 KiB in the receive area. */
void vmm_post(uint32_t i, uint32_t slot, uint32_t bytes);
void vmm_post_many(uint32_t i, uint32_t num, uint32_t bytes);

/* Puts a frame into the guest's memory in stretches of `piece` bytes and sends it, unpublished. */
void vmm_put(uint32_t i, const void *header, const uint8_t *frame, uint32_t bytes, uint32_t piece);
/* The same, published, and the switch runs. */
void vmm_send(uint32_t i, const void *header, const uint8_t *frame, uint32_t bytes);

/* Takes what is done; returns how many chains. */
uint32_t vmm_reap(uint32_t i);

/* Takes a frame that has arrived; false: there is none. */
bool vmm_receive(uint32_t i, struct arrival *arrival);
void expect_frame(uint32_t i, const uint8_t *frame, uint32_t bytes);
void expect_nothing(uint32_t i);

/* O2: no byte of a guest has changed but by what arrived. */
void expect_memory_untouched(void);

/* A frame with the addresses of two ports and counting bytes; returns `bytes`. */
uint32_t make_frame(uint8_t *frame, uint32_t to, uint32_t from, uint32_t bytes);
