/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO's constants and layouts, from Linux's UAPI headers, which are the same for every target
 * and BSD licensed. Legacy names stay out. All values are little endian, as are both our targets.
 */
#pragma once

#define VIRTIO_RING_NO_LEGACY
#define VIRTIO_CONFIG_NO_LEGACY
#define VIRTIO_MMIO_NO_LEGACY
#define VIRTIO_NET_NO_LEGACY

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>

#define VIRTIO_FEATURE(bit) (UINT64_C(1) << (bit))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "virtIO is read as it lies in memory");
_Static_assert(sizeof(struct vring_desc) == 16, "virtIO 1.2, 2.7.5");
_Static_assert(sizeof(struct vring_used_elem) == 8, "virtIO 1.2, 2.7.8");
_Static_assert(sizeof(struct virtio_net_hdr_v1) == 12, "virtIO 1.2, 5.1.6");
_Static_assert(sizeof(struct virtio_vsock_hdr) == 44, "virtIO 1.2, 5.10.6");
