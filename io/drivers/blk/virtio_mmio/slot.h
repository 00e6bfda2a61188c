/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots as the device sees them: descriptors into the ring, used elements out of it. */
#pragma once

#include "io/drivers/blk/virtio_mmio/vblk.h"

#define SLOT_NONE UINT32_MAX

/* The internal request for the disk's serial number; no request of the queue has this code. */
#define SLOT_GET_ID UINT32_MAX

/* Divides the ring among slots, and puts them on the free list. */
void slots_init(struct vblk *v, bool indirect);

/* Gives the device the slot's requests from `first` on, `flying` of them. The caller kicks. */
void slot_launch(struct vblk *v, uint32_t index);

/* The next slot that the device has finished, or SLOT_NONE. `error` is set if it talks nonsense. */
uint32_t slot_finished(struct vblk *v);
