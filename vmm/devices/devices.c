/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/devices.h"

#include "vmm/core/vm.h"
#include "vmm/core/vmm_count.h"
#include "vmm/core/vmm_log.h"
#include "vmm/virtio/virtio_mmio.h"

#include <stddef.h>

#define RESET_TRIES 100000 /* of a device of the machine: no guest can make it wait */

static bool add_region(struct vm *vm, struct mmio_region region)
{
    if (vm->bus.num_regions == VM_MAX_REGIONS) {
        return false;
    }
    vm->regions[vm->bus.num_regions++] = region;
    return true;
}

static bool add_virtio(struct vm *vm, struct virtio_device *device, const struct vmm_device *config)
{
    /* There is room: num_devices is at most VMM_MAX_DEVICES. */
    vm->devices.virtio[vm->devices.num_virtio++] = device;
    return add_region(vm, virtio_mmio_region(device, config->gpa, config->size_bytes));
}

static bool init_pl011(struct vm *vm, const struct vmm_device *config)
{
    struct devices *devices = &vm->devices;
    if (devices->has_pl011) {
        return false;
    }
    pl011_init(&devices->pl011, &devices->port);
    devices->has_pl011 = true;
    return add_region(vm, pl011_region(&devices->pl011, config->gpa, config->size_bytes));
}

static bool init_console(struct vm *vm, const struct vmm_device *config)
{
    struct devices *devices = &vm->devices;
    struct irq_line irq = { &vm->vgic, config->intid, vgic_set_line };
    if (devices->has_console) {
        return false;
    }
    virtio_console_init(&devices->console, "console", &vm->ram, &irq, &devices->port,
                        config->columns, config->rows);
    devices->has_console = true;
    return add_virtio(vm, &devices->console.device, config);
}

static bool init_block(struct vm *vm, const struct vmm_device *config)
{
    struct devices *devices = &vm->devices;
    struct irq_line irq = { &vm->vgic, config->intid, vgic_set_line };
    if (devices->has_block ||
        !virtio_block_init(&devices->block, "block", &vm->ram, &irq, &vm->config->block,
                           devices->block_client, devices->notify)) {
        return false;
    }
    devices->has_block = true;
    return add_virtio(vm, &devices->block.device, config);
}

static bool init_net(struct vm *vm, const struct vmm_device *config)
{
    static const char *const names[VMM_MAX_NETS] = { "net0", "net1", "net2", "net3" };
    struct devices *devices = &vm->devices;
    struct irq_line irq = { &vm->vgic, config->intid, vgic_set_line };
    unsigned n = devices->num_nets;
    if (n == VMM_MAX_NETS || !virtio_net_init(&devices->nets[n], names[n], &vm->ram, &irq,
                                              &vm->config->nets[n], devices->notify)) {
        return false;
    }
    devices->num_nets++;
    return add_virtio(vm, &devices->nets[n].device, config);
}

static bool init_vsock(struct vm *vm, const struct vmm_device *config)
{
    struct devices *devices = &vm->devices;
    struct irq_line irq = { &vm->vgic, config->intid, vgic_set_line };
    if (devices->has_vsock || !virtio_vsock_init(&devices->vsock, "vsock", &vm->ram, &irq,
                                                 &vm->config->vsock, devices->notify)) {
        return false;
    }
    devices->has_vsock = true;
    return add_virtio(vm, &devices->vsock.device, config);
}

static bool init_rng(struct vm *vm, const struct vmm_device *config)
{
    struct devices *devices = &vm->devices;
    struct irq_line irq = { &vm->vgic, config->intid, vgic_set_line };
    if (devices->has_rng) {
        return false;
    }
    virtio_rng_init(&devices->rng, "rng", &vm->ram, &irq, devices->random);
    devices->has_rng = true;
    return add_virtio(vm, &devices->rng.device, config);
}

static bool init_served_disk(struct vm *vm, const struct vmm_device *config)
{
    struct driver_vm *driver_vm = &vm->devices.driver_vm;
    struct irq_line irq = { &vm->vgic, config->intid, vgic_set_line };
    return driver_vm_add(driver_vm, &vm->config->served[driver_vm->num_links], &irq,
                         vm->devices.driver_vm_ops) &&
           add_region(vm, driver_vm_region(driver_vm, config->gpa, config->size_bytes));
}

/* By enum vmm_device_type. False: there are enough of that type, or its records are wrong. */
static bool (*const init_functions[])(struct vm *vm, const struct vmm_device *config) = {
    [VMM_DEVICE_PL011] = init_pl011,        [VMM_DEVICE_VIRTIO_CONSOLE] = init_console,
    [VMM_DEVICE_VIRTIO_BLOCK] = init_block, [VMM_DEVICE_VIRTIO_NET] = init_net,
    [VMM_DEVICE_VIRTIO_VSOCK] = init_vsock, [VMM_DEVICE_SERVED_DISK] = init_served_disk,
    [VMM_DEVICE_VIRTIO_RNG] = init_rng,
};

static const unsigned count_as[] = {
    [VMM_DEVICE_PL011] = COUNT_GUEST_PL011,
    [VMM_DEVICE_VIRTIO_CONSOLE] = COUNT_GUEST_CONSOLE,
    [VMM_DEVICE_VIRTIO_BLOCK] = COUNT_GUEST_BLOCK,
    [VMM_DEVICE_VIRTIO_NET] = COUNT_GUEST_NET,
    [VMM_DEVICE_VIRTIO_VSOCK] = COUNT_GUEST_VSOCK,
    [VMM_DEVICE_VIRTIO_RNG] = COUNT_GUEST_RNG,
    [VMM_DEVICE_SERVED_DISK] = COUNT_GUEST_OTHER,
};

#define NUM_TYPES (sizeof(init_functions) / sizeof(init_functions[0]))

bool devices_init(struct vm *vm)
{
    for (unsigned i = 0; i < vm->config->num_devices; i++) {
        const struct vmm_device *config = &vm->config->devices[i];
        if (config->type >= NUM_TYPES || init_functions[config->type] == NULL) {
            vmm_log("device %u: type %u is unknown; build VMM and record from the same sources", i,
                    config->type);
            return false;
        }
        if (!init_functions[config->type](vm, config)) {
            vmm_log("device %u: one more of type %u than a guest can have, or without its records",
                    i, config->type);
            return false;
        }
        vm->regions[vm->bus.num_regions - 1].count = count_as[config->type];
    }
    return true;
}

bool devices_reset(struct vm *vm)
{
    struct devices *devices = &vm->devices;
    if (devices->has_pl011) {
        pl011_flush(&devices->pl011);
        pl011_init(&devices->pl011, &devices->port);
    }
    bool done = true;
    for (unsigned i = 0; i < devices->num_virtio; i++) {
        done &= virtio_mmio_reset(devices->virtio[i]);
    }
    return done;
}

bool devices_busy(const struct vm *vm)
{
    for (unsigned i = 0; i < vm->devices.num_virtio; i++) {
        if (virtio_mmio_waits(vm->devices.virtio[i])) {
            return true;
        }
    }
    return false;
}

/* What a former life has left open is being closed. */
static bool ports_closed(struct devices *devices)
{
    bool closed = !devices->has_vsock || port_client_close(&devices->vsock.port);
    for (unsigned i = 0; i < devices->num_nets; i++) {
        closed &= port_client_close(&devices->nets[i].port);
    }
    return closed;
}

bool devices_ready(struct vm *vm)
{
    const struct virtio_block *block = &vm->devices.block;
    bool disk_ready = vm->config->awaits_disk == 0 || blk_storage_ready(block->info);
    return (!vm->devices.has_block || (disk_ready && block->stale == 0)) &&
           ports_closed(&vm->devices);
}

void devices_notified(struct vm *vm, unsigned channel)
{
    struct devices *devices = &vm->devices;
    for (unsigned i = 0; i < vm->config->num_irqs; i++) {
        if (channel == vm->config->irqs[i].channel) {
            vgic_fired(&vm->vgic, 0, vm->config->irqs[i].intid);
        }
    }
    if (channel == devices->port.tx_channel) {
        if (devices->has_pl011) {
            pl011_flush(&devices->pl011);
        }
        if (devices->has_console) {
            virtio_console_tx_room(&devices->console);
        }
    }
    if (channel == devices->port.rx_channel && devices->has_console) {
        virtio_console_input(&devices->console);
    }
    if (devices->has_block && channel == devices->block.channel) {
        virtio_block_notified(&devices->block);
    }
    if (devices->has_vsock && channel == devices->vsock.port.channel) {
        virtio_vsock_notified(&devices->vsock);
    }
    for (unsigned i = 0; i < devices->num_nets; i++) {
        if (channel == devices->nets[i].port.channel) {
            virtio_net_notified(&devices->nets[i]);
        }
    }
    driver_vm_notified(&devices->driver_vm, channel);
    if (devices->driver_vm.num_links > 0 && channel == vm->config->timer_channel) {
        driver_vm_timeout(&devices->driver_vm);
    }
}

/* What the guest has told a device of the machine to do with its memory ends here. */
static void stop_passed(const struct vmm_config *config)
{
    for (unsigned i = 0; i < config->num_passed; i++) {
        volatile uint8_t *registers = (volatile uint8_t *)config->passed_vaddr[i];
        volatile uint32_t *status = (volatile uint32_t *)(registers + VIRTIO_MMIO_STATUS);
        *status = 0;
        /* Reads as 0 when the reset is done (4.2.2.1); the driver's own reset is still to come. */
        for (unsigned tries = 0; tries < RESET_TRIES && *status != 0; tries++) {
        }
    }
}

void devices_stop(struct vm *vm)
{
    struct devices *devices = &vm->devices;
    if (devices->has_pl011) {
        pl011_flush(&devices->pl011);
    }
    for (unsigned i = 0; i < devices->num_virtio; i++) {
        if (devices->virtio[i] != &devices->console.device) {
            virtio_mmio_reset(devices->virtio[i]);
        }
    }
    driver_vm_stop(&devices->driver_vm);
    stop_passed(vm->config);
}

void devices_tick(struct vm *vm)
{
    if (vm->devices.has_pl011) {
        pl011_tick(&vm->devices.pl011);
    }
}

void devices_end_event(struct vm *vm)
{
    for (unsigned i = 0; i < vm->devices.num_virtio; i++) {
        /* Ends: the guest does not run meanwhile, so it can add nothing to its queues. */
        while (virtio_mmio_poll(vm->devices.virtio[i])) {
        }
    }
    driver_vm_end_event(&vm->devices.driver_vm);
    serial_port_flush(&vm->devices.port);
}
