/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO's constants and layouts as a driver needs them, from Linux's UAPI headers (BSD licensed,
 * the same for every target). Section numbers in the drivers are those of virtIO 1.2. All values
 * are little endian, as are our targets.
 */
#pragma once

#define VIRTIO_RING_NO_LEGACY
#define VIRTIO_CONFIG_NO_LEGACY
#define VIRTIO_MMIO_NO_LEGACY

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#define VIRTIO_MMIO_MAGIC 0x74726976u /* "virt" */
#define VIRTIO_BIT(bit)   (UINT64_C(1) << (bit))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "virtIO is read as it lies in memory");
_Static_assert(sizeof(struct vring_desc) == 16, "2.7.5");
_Static_assert(sizeof(struct vring_used_elem) == 8, "2.7.8");
