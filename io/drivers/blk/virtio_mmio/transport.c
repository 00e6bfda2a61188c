/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/blk/virtio_mmio/transport.h"

#include "io/drivers/blk/virtio_mmio/abi.h"

#include <stddef.h>

#define RESET_POLLS  1000000u /* a device that is not done with its requests by then is broken */
#define CONFIG_POLLS 16u      /* 2.5.1: the generation changes again and again only if broken */

static void write64(uintptr_t base, uint32_t low, uint64_t value)
{
    vblk_write(base, low, (uint32_t)value);
    vblk_write(base, low + 4, (uint32_t)(value >> 32));
}

static void add_status(uintptr_t base, uint32_t bit)
{
    vblk_write(base, VIRTIO_MMIO_STATUS, vblk_read(base, VIRTIO_MMIO_STATUS) | bit);
}

bool transport_reset(uintptr_t base)
{
    vblk_write(base, VIRTIO_MMIO_STATUS, 0);
    /* 2.4.2: it is reset when the status reads as 0. */
    for (uint32_t i = 0; i < RESET_POLLS; i++) {
        if (vblk_read(base, VIRTIO_MMIO_STATUS) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t offered_features(uintptr_t base)
{
    vblk_write(base, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    uint64_t high = vblk_read(base, VIRTIO_MMIO_DEVICE_FEATURES);
    vblk_write(base, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | vblk_read(base, VIRTIO_MMIO_DEVICE_FEATURES);
}

static void accept_features(uintptr_t base, uint64_t features)
{
    vblk_write(base, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    vblk_write(base, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
    vblk_write(base, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    vblk_write(base, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
}

const char *transport_negotiate(uintptr_t base, uint32_t id, uint64_t wanted, uint64_t *features)
{
    if (vblk_read(base, VIRTIO_MMIO_MAGIC_VALUE) != VIRTIO_MMIO_MAGIC) {
        return "there is no virtio-mmio slot at this address";
    }
    if (vblk_read(base, VIRTIO_MMIO_VERSION) != 2) {
        return "the slot is a legacy one (QEMU: -global virtio-mmio.force-legacy=false)";
    }
    uint32_t found = vblk_read(base, VIRTIO_MMIO_DEVICE_ID);
    if (found != id) {
        return found == 0 ? "the slot is empty" : "the slot holds a device of another kind";
    }
    if (!transport_reset(base)) {
        return "the device does not reset";
    }
    add_status(base, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    add_status(base, VIRTIO_CONFIG_S_DRIVER);
    *features = offered_features(base) & (wanted | VIRTIO_BIT(VIRTIO_F_VERSION_1));
    if (!(*features & VIRTIO_BIT(VIRTIO_F_VERSION_1))) {
        return "the device is a legacy one";
    }
    accept_features(base, *features);
    add_status(base, VIRTIO_CONFIG_S_FEATURES_OK);
    if (!(vblk_read(base, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK)) {
        return "the device refuses the features that it offers";
    }
    return NULL;
}

uint32_t transport_queue_size(uintptr_t base, uint32_t most)
{
    vblk_write(base, VIRTIO_MMIO_QUEUE_SEL, 0);
    uint32_t device_most = vblk_read(base, VIRTIO_MMIO_QUEUE_NUM_MAX);
    uint32_t size = most;
    while (size > device_most) {
        size /= 2;
    }
    return vblk_read(base, VIRTIO_MMIO_QUEUE_READY) == 0 ? size : 0;
}

void transport_queue_start(uintptr_t base, uint32_t size, const struct transport_queue *queue)
{
    vblk_write(base, VIRTIO_MMIO_QUEUE_NUM, size);
    write64(base, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->desc);
    write64(base, VIRTIO_MMIO_QUEUE_AVAIL_LOW, queue->avail);
    write64(base, VIRTIO_MMIO_QUEUE_USED_LOW, queue->used);
    vblk_write(base, VIRTIO_MMIO_QUEUE_READY, 1);
}

void transport_driver_ok(uintptr_t base)
{
    add_status(base, VIRTIO_CONFIG_S_DRIVER_OK);
}

uint64_t transport_config64(uintptr_t base, uint32_t offset)
{
    uint64_t value = 0;
    uint32_t before, after;
    uint32_t polls = 0;
    do {
        before = vblk_read(base, VIRTIO_MMIO_CONFIG_GENERATION);
        value = vblk_read(base, VIRTIO_MMIO_CONFIG + offset);
        value |= (uint64_t)vblk_read(base, VIRTIO_MMIO_CONFIG + offset + 4) << 32;
        after = vblk_read(base, VIRTIO_MMIO_CONFIG_GENERATION);
        polls++;
    } while (before != after && polls < CONFIG_POLLS);
    return value;
}
