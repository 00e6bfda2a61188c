/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's devices: made from the configuration record, told of what happens outside. */
#pragma once

#include "vmm/core/serial_port.h"
#include "vmm/devices/block/virtio_block.h"
#include "vmm/devices/driver_vm/driver_vm.h"
#include "vmm/devices/emulated_pl011.h"
#include "vmm/devices/net/virtio_net.h"
#include "vmm/devices/virtio_console.h"
#include "vmm/devices/virtio_rng.h"
#include "vmm/devices/vsock/virtio_vsock.h"

#include <stdbool.h>

struct vm;

/* One serial port and one connection to a block server, so one of each that uses them; a network
 * card for each port on a switch. */
struct devices {
    struct serial_port port;
    const struct sddf_blk_client_config *block_client;
    void (*notify)(unsigned channel); /* microkit_notify() on the target */
    rng_source random;                /* the entropy driver on the target */
    const struct driver_vm_ops *driver_vm_ops;
    struct pl011 pl011;
    struct virtio_console console;
    struct virtio_block block;
    struct virtio_net nets[VMM_MAX_NETS];
    struct virtio_vsock vsock;
    struct virtio_rng rng;
    struct driver_vm driver_vm;
    unsigned num_nets;
    bool has_pl011;
    bool has_console;
    bool has_block;
    bool has_vsock;
    bool has_rng;
    struct virtio_device *virtio[VMM_MAX_DEVICES]; /* those above that speak virtIO */
    unsigned num_virtio;
};

/*
 * Makes the devices of vm->config and enters their registers into vm->regions. False: the record
 * asks for something that there is not; one line on the log says what.
 */
bool devices_init(struct vm *vm);

/*
 * Back to power-on, when the guest reboots; call again after each event while it returns false:
 * something outside still works on guest memory.
 */
bool devices_reset(struct vm *vm);

/* Whether something outside still works on guest memory although a driver wants it to stop. */
bool devices_busy(const struct vm *vm);

/*
 * Whether the guest may start: what its record says that it awaits is there, and what a former life
 * of this VMM has begun does not touch guest memory any more.
 */
bool devices_ready(struct vm *vm);

/* A notification from outside on this channel. */
void devices_notified(struct vm *vm, unsigned channel);

/* The guest's timer has fired: output that has waited since the last time is passed on. */
void devices_tick(struct vm *vm);

/*
 * The guest has stopped: its output is held back no more, and others learn from all devices but the
 * console, whose last words still go out, that nobody drives them. It serves nobody any more, and
 * virtIO devices of the board that it drove move no data.
 */
void devices_stop(struct vm *vm);

/* The end of every event: goes on with queues that yielded, tells others what is new for them. */
void devices_end_event(struct vm *vm);
