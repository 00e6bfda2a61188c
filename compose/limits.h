/* SPDX-License-Identifier: BSD-2-Clause */
/* What a system may be made of: limits of the Microkit and of the records, and our choices. */
#pragma once

#include "vmm/core/vmm_config.h"

#include <cloister/switch_config.h>
#include <sddf/config.h>

#define PAGE_BYTES          0x1000ul
#define GUEST_PAGE_BYTES    0x200000ul /* guest RAM is mapped in such pages */
#define GUEST_MAX_RAM_BYTES (256ul << 30)
#define GUEST_MAX_VCPUS     VMM_MAX_VCPUS

/* The Microkit's. */
#define MAX_PDS      63
#define MAX_CHANNELS 62 /* ids of a PD */
#define MAX_VCPUS    64 /* in a system */

/* Supervisor, timer and entropy driver, serial driver, its two virtualisers, the counters. Disks
 * and networks take more: compose.c counts. */
#define NUM_SYSTEM_PDS 7
#define MAX_GUESTS     (MAX_PDS - NUM_SYSTEM_PDS)
#define MAX_PARTITION  127
#define MAX_NETWORKS   8
#define MAX_GROUPS     32 /* of a network's `allow` */
#define MIN_CID        3  /* below: the hypervisor, a loopback, the host (virtIO 1.2, 5.10.4) */
#define MAX_CID        0xfffffffe
#define MIN_MTU        576
#define MAX_MTU        9000
#define DEFAULT_MTU    1500 /* also the most on the board's card */

/* A virtualiser's channels beside its clients': driver, timer driver, log connection, counters,
 * supervisor. */
_Static_assert(MAX_GUESTS + 5 <= MAX_CHANNELS, "a virtualiser has a channel for every guest");
_Static_assert(MAX_GUESTS + 2 <= SDDF_MAX_CLIENTS, "a record has room for every guest");

/* `at` names a guest by one digit from 1. */
#define MAX_GUESTS_SWITCHED_BY_AT 9

/*
 * What the image holds beside the prefilled regions, at most: the kernel, each PD's program, stack
 * and tables, and tables for the RAM. In each of the configs it is less by up to a large page:
 * test_layout.py compares.
 */
#define IMAGE_KERNEL_BYTES  (192ul << 10)
#define IMAGE_VMM_BYTES     (768ul << 10)
#define IMAGE_PD_BYTES      (144ul << 10)
#define IMAGE_BYTES_PER_GIB (16ul << 10)

#define NAME_MAX_LENGTH     32
#define CMDLINE_MAX_LENGTH  1024 /* with ours, less than Linux's COMMAND_LINE_SIZE of 2048 */

/* Priorities, as upstream sDDF has them; the supervisor's is above all. */
#define PRIORITY_SUPERVISOR     254
#define PRIORITY_TIMER          210
#define PRIORITY_SERIAL_DRIVER  200
#define PRIORITY_SERIAL_VIRT_TX 199
#define PRIORITY_SERIAL_VIRT_RX 199
#define PRIORITY_BLK_DRIVER     200
#define PRIORITY_BLK_VIRT       199
#define PRIORITY_ENTROPY        101 /* above the VMMs, which call it */
#define PRIORITY_NET_DRIVER     101
#define PRIORITY_NET_VIRT_TX    100
#define PRIORITY_NET_VIRT_RX    99
#define PRIORITY_VMM            100
#define PRIORITY_SWITCH         98
#define PRIORITY_COUNTERS       60
#define PRIORITY_GUEST          50

/*
 * What comes in by the card takes three quarters of the core at most, so that guests run in a storm
 * too: the driver's share is sDDF's, a frame costs those behind it more than the driver. The period
 * is ten times sDDF's: each turn of a PD with a budget has the kernel's timer armed for its end,
 * and a budget of 50 us did not last for a frame. The device has buffers for the 3 ms that the
 * driver can be asleep, at 1 Gb/s; guests take turns of 10 ms.
 */
#define NET_PERIOD_US           4000
#define NET_DRIVER_BUDGET_US    1000
#define NET_VIRT_RX_BUDGET_US   500
#define UPLINK_SWITCH_BUDGET_US 1500

/* Guests of equal priority take turns of this length. */
#define GUEST_SLICE_US 10000

/*
 * What lies where for a guest. The addresses are those of QEMU's virt board, which every tool that
 * looks at a guest knows; nothing else depends on them, since the device tree and the record tell
 * both sides.
 */
#define GUEST_GICD_GPA     0x08000000ul /* emulated */
#define GUEST_GICD_BYTES   0x1000ul
#define GUEST_GICC_GPA     0x08010000ul /* the GIC's virtual CPU interface, mapped */
#define GUEST_GICC_BYTES   0x2000ul
#define GUEST_PL011_GPA    0x09000000ul
#define GUEST_PL011_BYTES  0x1000ul
#define GUEST_PL011_INTID  33u
#define GUEST_VIRTIO_GPA   0x0b000000ul /* one page a device */
#define GUEST_VIRTIO_BYTES 0x1000ul
#define GUEST_VIRTIO_INTID 48u /* from here on, level triggered; none that is passed through */
#define GUEST_SERVED_GPA   0x0e000000ul /* links of a guest that serves its disk */
#define GUEST_SERVED_BYTES 0x400000ul
#define GUEST_RAM_GPA      0x40000000ul /* of a guest whose devices are all emulated */

/* Which of QEMU's virtio-mmio slots holds what. Eight share a page, so that what different PDs
 * drive must lie in different eights. */
#define BOARD_DISK_SLOT 31
#define BOARD_NET_SLOT  23

/* Where the Microkit's tool puts its image: no region with a place of its own goes there. */
#define BOARD_IMAGE_PADDR 0x70000000ul

static inline uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}
