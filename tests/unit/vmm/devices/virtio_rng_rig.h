/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entropy device between a guest and a source, both played by the test. The source's bytes are
 * numbered: byte n is number(n), never 0, so that each can be found and told from an erased one.
 */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/devices/virtio_rng.h"

#include <string.h>

#define VERSION_1 VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define EVENT_IDX VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)
#define ALL       (VERSION_1 | EVENT_IDX | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC))
#define SIZE      VIRTIO_RNG_QUEUE_SIZE
#define DRAWN     VIRTIO_RNG_DRAWN_BYTES
#define BUF(i)    (BUFFERS_GPA + 0x1000 * (gpa_t)(i))

static struct guest guest;
static struct virtio_rng rng;
static struct mmio_region region;
static struct ring requests;
static uint32_t source_has; /* bytes of each draw */
static uint32_t drawn;      /* until now, of all draws */
static uint32_t draws;

static inline uint8_t number(uint32_t n)
{
    return (uint8_t)(1 + n % 255);
}

static uint32_t source(void *to, uint32_t bytes)
{
    uint32_t got = source_has < bytes ? source_has : bytes;
    draws++;
    for (uint32_t i = 0; i < got; i++) {
        ((uint8_t *)to)[i] = number(drawn++);
    }
    return got;
}

static inline int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    source_has = DRAWN;
    drawn = draws = 0;
    virtio_rng_init(&rng, "rng", &guest.ram, &guest.irq, source);
    region = virtio_mmio_region(&rng.device, 0xa000000, 0x1000);
    log_lines = 0;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    guest_destroy(&guest);
    return 0;
}

/* Takes the oracle's picture anew after the driver has built something. */
static inline void snapshot(void)
{
    guest_snapshot(&guest);
    ring_allow_used(&requests);
}

static inline void drive(uint64_t features)
{
    assert_int_equal(driver_negotiate(&region, features), 11);
    ring_create(&requests, &guest, 0, SIZE);
    assert_int_equal(driver_place(&region, 0, &requests), 1);
    driver_ok(&region);
    snapshot();
}

static inline void kick(void)
{
    reg_write(&region, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

static inline void post(unsigned i, gpa_t at, uint32_t bytes)
{
    ring_set(&requests, i, at, bytes, WRITE, 0);
    ring_offer(&requests, i);
}

/* O1, O4: a driver that begins anew gets bytes. */
static inline void assert_works_after_reset(void)
{
    source_has = DRAWN;
    drive(ALL);
    memset(guest_at(&guest, BUF(0)), 0, 16);
    post(0, BUF(0), 16);
    kick();
    uint32_t bytes = ring_take_used(&requests, 0);
    assert_in_range(bytes, 1, 16);
    for (uint32_t i = 0; i < bytes; i++) {
        assert_int_not_equal(((uint8_t *)guest_at(&guest, BUF(0)))[i], 0);
    }
}
