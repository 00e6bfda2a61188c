/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/drivers/virtio_mmio/transport.h"

#include "io/drivers/virtio_mmio/virtio_mmio_abi.h"

#include <stddef.h>
#include <string.h>

#define RESET_POLLS  1000000u /* a device that is not done with its requests by then is broken */
#define CONFIG_POLLS 16u      /* 2.5.1: the generation changes again and again only if broken */
#define PAGE_MASK    0xfffull

uintptr_t transport_base(const struct sddf_device_region *slot)
{
    return (uintptr_t)((slot->region.vaddr & ~PAGE_MASK) | (slot->io_addr & PAGE_MASK));
}

static void write64(uintptr_t base, uint32_t low, uint64_t value)
{
    mmio_write(base, low, (uint32_t)value);
    mmio_write(base, low + 4, (uint32_t)(value >> 32));
}

static void add_status(uintptr_t base, uint32_t bit)
{
    mmio_write(base, VIRTIO_MMIO_STATUS, mmio_read(base, VIRTIO_MMIO_STATUS) | bit);
}

bool transport_reset(uintptr_t base)
{
    mmio_write(base, VIRTIO_MMIO_STATUS, 0);
    /* 2.4.2: it is reset when the status reads as 0. */
    for (uint32_t i = 0; i < RESET_POLLS; i++) {
        if (mmio_read(base, VIRTIO_MMIO_STATUS) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t offered_features(uintptr_t base)
{
    mmio_write(base, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    uint64_t high = mmio_read(base, VIRTIO_MMIO_DEVICE_FEATURES);
    mmio_write(base, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | mmio_read(base, VIRTIO_MMIO_DEVICE_FEATURES);
}

static void accept_features(uintptr_t base, uint64_t features)
{
    mmio_write(base, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    mmio_write(base, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
    mmio_write(base, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    mmio_write(base, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
}

const char *transport_negotiate(uintptr_t base, uint32_t id, uint64_t wanted, uint64_t *features)
{
    if (mmio_read(base, VIRTIO_MMIO_MAGIC_VALUE) != VIRTIO_MMIO_MAGIC) {
        return "there is no virtio-mmio slot at this address";
    }
    if (mmio_read(base, VIRTIO_MMIO_VERSION) != 2) {
        return "the slot is a legacy one (QEMU: -global virtio-mmio.force-legacy=false)";
    }
    uint32_t found = mmio_read(base, VIRTIO_MMIO_DEVICE_ID);
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
    if (!(mmio_read(base, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK)) {
        return "the device refuses the features that it offers";
    }
    return NULL;
}

uint32_t transport_queue_size(uintptr_t base, uint32_t index, uint32_t most)
{
    mmio_write(base, VIRTIO_MMIO_QUEUE_SEL, index);
    uint32_t device_most = mmio_read(base, VIRTIO_MMIO_QUEUE_NUM_MAX);
    uint32_t size = most;
    while (size > device_most) {
        size /= 2;
    }
    return mmio_read(base, VIRTIO_MMIO_QUEUE_READY) == 0 ? size : 0;
}

void transport_queue_start(uintptr_t base, uint32_t size, const struct transport_queue *queue)
{
    mmio_write(base, VIRTIO_MMIO_QUEUE_NUM, size);
    write64(base, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->desc);
    write64(base, VIRTIO_MMIO_QUEUE_AVAIL_LOW, queue->avail);
    write64(base, VIRTIO_MMIO_QUEUE_USED_LOW, queue->used);
    mmio_write(base, VIRTIO_MMIO_QUEUE_READY, 1);
}

void transport_driver_ok(uintptr_t base)
{
    add_status(base, VIRTIO_CONFIG_S_DRIVER_OK);
}

uint32_t transport_interrupt(uintptr_t base)
{
    uint32_t status = mmio_read(base, VIRTIO_MMIO_INTERRUPT_STATUS);
    mmio_write(base, VIRTIO_MMIO_INTERRUPT_ACK, status);
    return status;
}

bool transport_needs_reset(uintptr_t base)
{
    return (mmio_read(base, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0;
}

void transport_config(uintptr_t base, uint32_t offset, void *to, uint32_t width, uint32_t count)
{
    uint32_t before, after;
    uint32_t polls = 0;
    do {
        before = mmio_read(base, VIRTIO_MMIO_CONFIG_GENERATION);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t value = mmio_read_narrow(base, VIRTIO_MMIO_CONFIG + offset + i * width, width);
            memcpy((uint8_t *)to + (size_t)i * width, &value, width);
        }
        after = mmio_read(base, VIRTIO_MMIO_CONFIG_GENERATION);
        polls++;
    } while (before != after && polls < CONFIG_POLLS);
}
