/* SPDX-License-Identifier: BSD-2-Clause */
/* A console between a guest and its virtualisers, all played by the test. */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"
#include "tests/unit/vmm/virtio/virtio_serial_rig.h"
#include "vmm/devices/virtio_console.h"

#include <string.h>

#define VERSION_1 VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define EVENT_IDX VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)
#define ALL       (VERSION_1 | EVENT_IDX | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC))
#define SIZE      VIRTIO_CONSOLE_QUEUE_SIZE
#define CONFIG    VIRTIO_MMIO_CONFIG
#define BUF(i)    (BUFFERS_GPA + 0x400 * (gpa_t)(i))

enum { RX = VIRTIO_CONSOLE_RX, TX = VIRTIO_CONSOLE_TX };

static struct guest guest;
static struct virtio_console console;
static struct mmio_region region;
static struct ring rings[2];
static char printed[1 << 16];
static uint32_t num_printed;

static inline int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    rig_create();
    virtio_console_init(&console, "console0", &guest.ram, &guest.irq, &rig.port, 80, 25);
    region = virtio_mmio_region(&console.device, 0xa000000, 0x1000);
    num_printed = 0;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    guest_destroy(&guest);
    return 0;
}

static inline void drive(uint64_t features)
{
    assert_int_equal(driver_negotiate(&region, features), 11);
    for (unsigned i = 0; i < 2; i++) {
        ring_create(&rings[i], &guest, i, SIZE);
        assert_int_equal(driver_place(&region, i, &rings[i]), 1);
    }
    driver_ok(&region);
    guest_snapshot(&guest);
    ring_allow_used(&rings[RX]);
    ring_allow_used(&rings[TX]);
}

/* Takes the oracle's picture anew after the driver has built something. */
static inline void snapshot(void)
{
    guest_snapshot(&guest);
    ring_allow_used(&rings[RX]);
    ring_allow_used(&rings[TX]);
}

static inline void kick(unsigned index)
{
    reg_write(&region, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

/* The transmit virtualiser prints what there is and notifies if it was asked to. */
static inline void print(void)
{
    num_printed += rig_print(printed + num_printed, RIG_BYTES);
    if (serial_queue_must_signal(&rig.tx)) {
        virtio_console_tx_room(&console);
    }
}

static inline void buffer(gpa_t at, const char *text)
{
    memcpy(guest_at(&guest, at), text, strlen(text));
}

/* One chain of one readable buffer at descriptor i. */
static inline void send_text(unsigned i, const char *text)
{
    buffer(BUF(i), text);
    ring_set(&rings[TX], i, BUF(i), (uint32_t)strlen(text), 0, 0);
    ring_offer(&rings[TX], i);
}

static inline void post(unsigned i, uint32_t bytes)
{
    ring_set(&rings[RX], i, BUF(i), bytes, WRITE, 0);
    ring_offer(&rings[RX], i);
}

/* O1, O4: a driver that begins anew finds a working console; output and input of before are gone
 * through. */
static inline void assert_works_after_reset(void)
{
    char rest[RIG_BYTES];
    while (rig_print(rest, sizeof(rest)) > 0) {
    }
    while (serial_port_read(&rig.port, rest, sizeof(rest)) > 0) {
    }
    drive(ALL);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    num_printed = 0;
    send_text(0, "works");
    kick(TX);
    ring_take_used(&rings[TX], 0);
    print();
    assert_int_equal(num_printed, 5);
    assert_memory_equal(printed, "works", 5);
    post(0, 16);
    rig_type("too", 3);
    virtio_console_input(&console);
    assert_int_equal(ring_take_used(&rings[RX], 0), 3);
    assert_memory_equal(guest_at(&guest, BUF(0)), "too", 3);
    assert_true(guest.irq_level);
}
