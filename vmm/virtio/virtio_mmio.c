/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/virtio/virtio_mmio.h"

#include "vmm/core/vmm_count.h"
#include "vmm/core/vmm_log.h"

#include <stddef.h>
#include <string.h>

#define MAGIC       0x74726976u /* "virt" */
#define VERSION     2u

#define ACKNOWLEDGE ((uint32_t)VIRTIO_CONFIG_S_ACKNOWLEDGE)
#define DRIVER      ((uint32_t)VIRTIO_CONFIG_S_DRIVER)
#define FEATURES_OK ((uint32_t)VIRTIO_CONFIG_S_FEATURES_OK)
#define DRIVER_OK   ((uint32_t)VIRTIO_CONFIG_S_DRIVER_OK)
#define FAILED      ((uint32_t)VIRTIO_CONFIG_S_FAILED)
#define NEEDS_RESET ((uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET)

/* The steps of a driver's life (3.1.1), as the values that Status takes. */
#define FOUND   ACKNOWLEDGE
#define DRIVING (FOUND | DRIVER)
#define AGREED  (DRIVING | FEATURES_OK)
#define WORKING (AGREED | DRIVER_OK)

/* What a driver may write to Status; any other value is ignored. 0, a reset, is always legal. */
static const struct {
    uint32_t from;
    uint32_t to;
} legal_steps[] = {
    { 0, FOUND },
    { FOUND, DRIVING },
    { DRIVING, AGREED },
    { AGREED, WORKING },
    { 0, FAILED },
    { FOUND, FOUND | FAILED },
    { DRIVING, DRIVING | FAILED },
    { AGREED, AGREED | FAILED },
    { WORKING, WORKING | FAILED },
};

/* ---- State -----------------------------------------------------------------------------------*/

static uint64_t offered(const struct virtio_device *device)
{
    return device->device_features | VIRTIO_FEATURE(VIRTIO_F_VERSION_1) |
           VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC);
}

bool virtio_mmio_running(const struct virtio_device *device)
{
    return device->status == WORKING && !device->resetting;
}

bool virtio_mmio_has_feature(const struct virtio_device *device, unsigned bit)
{
    return (device->status & FEATURES_OK) != 0 && (device->driver_features >> bit & 1) != 0;
}

/* The line is high as long as a cause waits for its acknowledgement (4.2.2.1). */
static void set_causes(struct virtio_device *device, uint32_t causes)
{
    bool was_high = device->interrupt_status != 0;
    device->interrupt_status = causes;
    if (was_high != (causes != 0)) {
        irq_line_set(&device->irq, causes != 0);
    }
}

static void stop_queues(struct virtio_device *device)
{
    for (uint32_t i = 0; i < device->num_queues; i++) {
        virtq_stop(&device->queues[i]);
    }
    device->yielded = 0;
}

static void power_on(struct virtio_device *device)
{
    memset(device->placement, 0, sizeof(device->placement));
    device->driver_features = 0;
    device->device_features_sel = 0;
    device->driver_features_sel = 0;
    device->queue_sel = 0;
    device->status = 0;
    device->stopping = 0;
    device->resetting = false;
}

void virtio_mmio_init(struct virtio_device *device)
{
    device->guest_errors = 0;
    device->interrupt_status = 0;
    device->config_generation = 0;
    stop_queues(device);
    power_on(device);
}

bool virtio_mmio_is_reset(const struct virtio_device *device)
{
    return device->status == 0;
}

bool virtio_mmio_waits(const struct virtio_device *device)
{
    return device->resetting || device->stopping != 0;
}

bool virtio_mmio_reset(struct virtio_device *device)
{
    if (device->resetting) {
        return false;
    }
    stop_queues(device);
    set_causes(device, 0);
    if (!device->ops->reset(device)) {
        /* Status keeps its value: it reads 0 only when guest memory is left alone (2.4.1). A
         * device that was never found has none to keep; it has no requests either. */
        device->resetting = device->status != 0;
    }
    if (!device->resetting) {
        power_on(device);
    }
    return !device->resetting;
}

void virtio_mmio_quiescent(struct virtio_device *device)
{
    device->stopping = 0;
    if (device->resetting) {
        power_on(device);
    }
}

void virtio_mmio_fail(struct virtio_device *device, const char *reason)
{
    if ((device->status & NEEDS_RESET) != 0 || device->resetting) {
        return;
    }
    stop_queues(device);
    device->status |= NEEDS_RESET;
    device->guest_errors++;
    /* A guest may fail and reset for ever: powers of two keep its log lines to a handful. */
    if ((device->guest_errors & (device->guest_errors - 1)) == 0) {
        vmm_log("%s: %s; it waits for its driver's reset (error %lu)", device->name, reason,
                (unsigned long)device->guest_errors);
    }
    if ((device->status & DRIVER_OK) != 0) {
        set_causes(device, device->interrupt_status | VIRTIO_MMIO_INT_CONFIG);
    }
}

void virtio_mmio_config_changed(struct virtio_device *device)
{
    device->config_generation++;
    if (virtio_mmio_running(device)) {
        set_causes(device, device->interrupt_status | VIRTIO_MMIO_INT_CONFIG);
    }
}

void virtio_mmio_finish(struct virtio_device *device, uint32_t index, enum virtq_result result)
{
    struct virtq *q = &device->queues[index];
    if (result == VIRTQ_ERROR) {
        virtio_mmio_fail(device, q->error);
        return;
    }
    if (result == VIRTQ_YIELD && q->running) { /* one that does not is never polled */
        device->yielded |= 1u << index;
    }
    if (virtq_interrupt_wanted(q)) {
        set_causes(device, device->interrupt_status | VIRTIO_MMIO_INT_VRING);
    }
}

static void notify(struct virtio_device *device, uint32_t index)
{
    if (index < device->num_queues && virtio_mmio_running(device) &&
        device->queues[index].running) {
        device->yielded &= ~(1u << index);
        device->ops->notify(device, index);
    }
}

/* Not inlined: each event asks, and hardly one finds anything. */
__attribute__((noinline)) static bool poll_yielded(struct virtio_device *device)
{
    uint32_t pending = device->yielded;
    for (uint32_t i = 0; i < device->num_queues; i++) {
        if ((pending >> i & 1) != 0) {
            notify(device, i);
        }
    }
    return device->yielded != 0;
}

bool virtio_mmio_poll(struct virtio_device *device)
{
    return device->yielded != 0 && poll_yielded(device);
}

/* ---- Reading ---------------------------------------------------------------------------------*/

static uint32_t read_features(const struct virtio_device *device)
{
    uint32_t select = device->device_features_sel;
    return select < 2 ? (uint32_t)(offered(device) >> (32 * select)) : 0;
}

static uint32_t read_queue_ready(const struct virtio_device *device, uint32_t index)
{
    return device->queues[index].running || (device->stopping >> index & 1) != 0;
}

static uint32_t read_register(const struct virtio_device *device, uint64_t offset)
{
    bool has_queue = device->queue_sel < device->num_queues;
    switch (offset) {
    case VIRTIO_MMIO_MAGIC_VALUE:
        return MAGIC;
    case VIRTIO_MMIO_VERSION:
        return VERSION;
    case VIRTIO_MMIO_DEVICE_ID:
        return device->device_id;
    case VIRTIO_MMIO_VENDOR_ID:
        return VIRTIO_MMIO_VENDOR;
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return read_features(device);
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return has_queue ? device->queues[device->queue_sel].max_size : 0;
    case VIRTIO_MMIO_QUEUE_READY:
        return has_queue ? read_queue_ready(device, device->queue_sel) : 0;
    case VIRTIO_MMIO_INTERRUPT_STATUS:
        return device->interrupt_status;
    case VIRTIO_MMIO_STATUS:
        return device->status;
    case VIRTIO_MMIO_SHM_LEN_LOW: /* all ones: there is no shared memory region (2.10) */
    case VIRTIO_MMIO_SHM_LEN_HIGH:
    case VIRTIO_MMIO_SHM_BASE_LOW:
    case VIRTIO_MMIO_SHM_BASE_HIGH:
        return UINT32_MAX;
    case VIRTIO_MMIO_CONFIG_GENERATION:
        return device->config_generation;
    default:
        return 0;
    }
}

static uint64_t read_config(const struct virtio_device *device, uint64_t offset, unsigned bytes)
{
    const uint8_t *config = device->config;
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        if (offset + i < device->config_bytes) {
            value |= (uint64_t)config[offset + i] << (8 * i);
        }
    }
    return value;
}

/* Registers are 32 bits wide and aligned (4.2.2.2); the configuration space has any width. */
static bool is_register(uint64_t offset, unsigned bytes)
{
    return offset < VIRTIO_MMIO_CONFIG && bytes == 4 && offset % 4 == 0;
}

static uint64_t region_read(void *self, uint64_t offset, unsigned bytes)
{
    const struct virtio_device *device = self;
    if (offset >= VIRTIO_MMIO_CONFIG) {
        return read_config(device, offset - VIRTIO_MMIO_CONFIG, bytes);
    }
    return is_register(offset, bytes) ? read_register(device, offset) : 0;
}

/* ---- Writing ---------------------------------------------------------------------------------*/

static void write_features(struct virtio_device *device, uint32_t value)
{
    uint32_t select = device->driver_features_sel;
    if (device->status == DRIVING && select < 2) {
        device->driver_features &= ~((uint64_t)UINT32_MAX << (32 * select));
        device->driver_features |= (uint64_t)value << (32 * select);
    }
}

static bool features_acceptable(struct virtio_device *device)
{
    uint64_t accepted = device->driver_features;
    return (accepted & ~offered(device)) == 0 &&
           (accepted & VIRTIO_FEATURE(VIRTIO_F_VERSION_1)) != 0 &&
           (device->ops->features_ok == NULL || device->ops->features_ok(device, accepted));
}

static bool is_legal_step(uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < sizeof(legal_steps) / sizeof(legal_steps[0]); i++) {
        if (legal_steps[i].from == from && legal_steps[i].to == to) {
            return true;
        }
    }
    return false;
}

static void write_status(struct virtio_device *device, uint32_t value)
{
    if (value == 0) {
        virtio_mmio_reset(device);
        return;
    }
    /* NEEDS_RESET is the device's: a driver writes back what it has read. */
    uint32_t kept = device->status & NEEDS_RESET;
    uint32_t from = device->status & ~NEEDS_RESET;
    uint32_t to = value & ~NEEDS_RESET;
    if (!is_legal_step(from, to) || (to == AGREED && !features_acceptable(device))) {
        return;
    }
    device->status = to | kept;
    if ((to & FAILED) != 0) {
        stop_queues(device);
    } else if (to == WORKING && device->ops->start != NULL) {
        device->ops->start(device);
    }
}

/*
 * The queue that the selector names, if the driver may place it now: after the features are agreed
 * (rings depend on them), before it drives, while the queue is stopped (4.2.2.2).
 */
static struct virtq_layout *placeable_queue(struct virtio_device *device)
{
    uint32_t index = device->queue_sel;
    bool may = device->status == AGREED && index < device->num_queues &&
               read_queue_ready(device, index) == 0;
    return may ? &device->placement[index] : NULL;
}

static void write_queue_ready(struct virtio_device *device, uint32_t value)
{
    uint32_t index = device->queue_sel;
    const struct virtq_layout *placement = placeable_queue(device);
    if (value == 1 && placement != NULL) {
        virtq_start(&device->queues[index], placement, device->driver_features);
    } else if (value == 0 && index < device->num_queues && device->queues[index].running) {
        virtq_stop(&device->queues[index]);
        device->yielded &= ~(1u << index);
        if (device->ops->stop_queue != NULL && !device->ops->stop_queue(device, index)) {
            device->stopping |= 1u << index;
        }
    }
}

static void set_low(uint64_t *address, uint32_t value)
{
    *address = (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
    *address = (*address & UINT32_MAX) | (uint64_t)value << 32;
}

static void write_placement(struct virtq_layout *layout, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case VIRTIO_MMIO_QUEUE_NUM:
        layout->size = value;
        break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW:
        set_low(&layout->desc, value);
        break;
    case VIRTIO_MMIO_QUEUE_DESC_HIGH:
        set_high(&layout->desc, value);
        break;
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
        set_low(&layout->avail, value);
        break;
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
        set_high(&layout->avail, value);
        break;
    case VIRTIO_MMIO_QUEUE_USED_LOW:
        set_low(&layout->used, value);
        break;
    case VIRTIO_MMIO_QUEUE_USED_HIGH:
        set_high(&layout->used, value);
        break;
    default: /* read only or reserved */
        break;
    }
}

static void write_register(struct virtio_device *device, uint64_t offset, uint32_t value)
{
    struct virtq_layout *placement;
    switch (offset) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        device->device_features_sel = value;
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        device->driver_features_sel = value;
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES:
        write_features(device, value);
        break;
    case VIRTIO_MMIO_QUEUE_SEL:
        device->queue_sel = value;
        break;
    case VIRTIO_MMIO_QUEUE_READY:
        write_queue_ready(device, value);
        break;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
        vmm_count(COUNT_GUEST_KICKS, 1);
        notify(device, value);
        break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        set_causes(device, device->interrupt_status & ~value);
        break;
    case VIRTIO_MMIO_STATUS:
        write_status(device, value);
        break;
    default:
        placement = placeable_queue(device);
        if (placement != NULL) {
            write_placement(placement, offset, value);
        }
        break;
    }
}

static void region_write(void *self, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct virtio_device *device = self;
    if (device->resetting) {
        return; /* the driver has to wait until Status reads 0 */
    }
    if (is_register(offset, bytes)) {
        write_register(device, offset, (uint32_t)value);
    } else if (offset >= VIRTIO_MMIO_CONFIG && device->ops->config_write != NULL &&
               offset - VIRTIO_MMIO_CONFIG < device->config_bytes) {
        device->ops->config_write(device, (uint32_t)(offset - VIRTIO_MMIO_CONFIG), bytes, value);
    }
}

struct mmio_region virtio_mmio_region(struct virtio_device *device, gpa_t gpa, uint64_t size_bytes)
{
    return (struct mmio_region){
        .gpa = gpa,
        .size_bytes = size_bytes,
        .device = device,
        .read = region_read,
        .write = region_write,
    };
}
