/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/vmm_log.h"
#include "vmm/devices/vsock/vsock_parts.h"

#include <string.h>

#define FIRST_CID 3u /* 0, 1 and 2 have meanings of their own (5.10.4) */

static struct virtio_vsock *vsock_of(struct virtio_device *device)
{
    return (struct virtio_vsock *)device;
}

/* ---- The port --------------------------------------------------------------------------------*/

/* Opens the port, first of all to tell of connections that are no more. */
static bool attach(struct virtio_vsock *vsock, uint32_t features)
{
    if (!port_client_open(&vsock->port, features, 0)) {
        return false;
    }
    vsock_tell_lost(vsock, true);
    return true;
}

/*
 * Takes guest memory back from the switch. Returns whether that is so. Then the port is open again
 * as long as there are peers to tell, which takes no memory and holds nobody up: for others it is
 * not there.
 */
static bool detach(struct virtio_vsock *vsock)
{
    vsock->started = vsock->announced = false;
    if (vsock->serving) {
        vsock->serving = false;
        memset(vsock->sent, 0, sizeof(vsock->sent));
        vsock_lose_all(vsock);
    } else if (vsock->port.open && vsock->num_lost > 0) {
        return true;
    }
    if (!port_client_close(&vsock->port)) {
        return false;
    }
    if (vsock->num_lost > 0 && attach(vsock, PORT_SENDS_ONLY)) {
        port_client_flush(&vsock->port);
    }
    return true;
}

/* The port is of no use until the guest's driver begins anew; nobody can be told of anything. */
static void give_up(struct virtio_vsock *vsock)
{
    if (vsock->serving) {
        virtio_mmio_fail(&vsock->device,
                         "the switch has closed its port, or broken the port's contract");
    }
    vsock->serving = false;
    vsock_forget_all(vsock);
    port_client_close(&vsock->port);
}

/*
 * Tells the guest that all its connections are gone (5.10.6.7). Each buffer of the event queue goes
 * back, so that a driver that has heard it has some to post, and then kicks.
 */
static void announce(struct virtio_vsock *vsock)
{
    const struct virtio_vsock_event event = { .id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET };
    struct virtq *q = &vsock->queues[VIRTIO_VSOCK_EVENT];
    struct virtq_chain chain = { .segments = vsock->segments };
    enum virtq_result result;
    virtq_begin(q);
    while ((result = virtq_pop(q, &chain)) == VIRTQ_CHAIN) {
        const uint32_t bytes = vsock->announced ? 0 : sizeof(event);
        virtq_push(q, &chain, virtq_chain_write(&chain, 0, &event, bytes));
        vsock->announced = true;
    }
    virtio_mmio_finish(&vsock->device, VIRTIO_VSOCK_EVENT, result);
}

/*
 * A switch that has been started again: the guest's buffers come back, with nothing in those that
 * it posted, and the port is opened again once it is closed and the guest has heard of it. Its
 * driver may do without events: then RST in the peers' names is all that it hears.
 */
static void begin_anew(struct virtio_vsock *vsock)
{
    struct virtq *queues = vsock->queues;
    vmm_log("%s: the switch has been started again, connections are lost", vsock->device.name);
    for (unsigned head = 0; head < VIRTIO_VSOCK_QUEUE_SIZE; head++) {
        (void)virtq_put(&queues[VIRTIO_VSOCK_TX], &vsock->sent[head].chain, 0);
        (void)virtq_put(&queues[VIRTIO_VSOCK_RX], &vsock->posted[head].chain, 0);
    }
    virtq_publish(&queues[VIRTIO_VSOCK_TX]);
    virtq_publish(&queues[VIRTIO_VSOCK_RX]);
    memset(vsock->sent, 0, sizeof(vsock->sent));
    vsock_cut_all(vsock);
    announce(vsock);
    vsock->serving = false;
    (void)port_client_close(&vsock->port);
}

/* All that there is to do in an event; the order is net.c's. */
static void work(struct virtio_vsock *vsock)
{
    struct virtio_device *device = &vsock->device;
    enum virtq_result results[] = { VIRTQ_EMPTY, VIRTQ_EMPTY };
    bool ok = vsock_take_received(vsock);
    if (ok && vsock->serving && vsock->pending[VIRTIO_VSOCK_RX]) {
        results[VIRTIO_VSOCK_RX] = vsock_post(vsock);
    }
    if (ok && vsock->serving && vsock->pending[VIRTIO_VSOCK_TX]) {
        results[VIRTIO_VSOCK_TX] = vsock_send(vsock);
    }
    port_client_flush(&vsock->port);
    ok = ok && vsock_take_sent(vsock);
    vsock_tell_lost(vsock, false);
    port_client_flush(&vsock->port); /* that, and answers to what found nobody */
    if (!ok && vsock->serving && port_client_lost(&vsock->port)) {
        begin_anew(vsock);
    } else if (!ok) {
        give_up(vsock);
    }
    /* Where the port is only for telling peers, the switch notifies when there is room. */
    bool more = vsock->pending[VIRTIO_VSOCK_TX] || vsock->num_lost > vsock->num_telling;
    if (vsock->serving && more && port_client_wait_room(&vsock->port)) {
        results[VIRTIO_VSOCK_TX] = VIRTQ_YIELD;
    }
    virtio_mmio_finish(device, VIRTIO_VSOCK_RX, results[VIRTIO_VSOCK_RX]);
    virtio_mmio_finish(device, VIRTIO_VSOCK_TX, results[VIRTIO_VSOCK_TX]);
}

static void run(struct virtio_vsock *vsock)
{
    vsock->started &= virtio_mmio_running(&vsock->device);
    if (vsock->started && !vsock->serving && !vsock->announced) {
        port_client_close(&vsock->port); /* it was for telling peers */
        vsock->serving = attach(vsock, 0);
    }
    if (vsock->port.open && vsock->serving == vsock->started) {
        work(vsock);
    }
    if ((!vsock->started || !virtio_mmio_running(&vsock->device)) && detach(vsock)) {
        virtio_mmio_quiescent(&vsock->device);
    }
}

void virtio_vsock_notified(struct virtio_vsock *vsock)
{
    run(vsock);
}

/* ---- Device ----------------------------------------------------------------------------------*/

static void vsock_notify(struct virtio_device *device, uint32_t index)
{
    struct virtio_vsock *vsock = vsock_of(device);
    if (index < VIRTIO_VSOCK_EVENT) {
        vsock->pending[index] = true;
    } else {
        vsock->announced = false;
    }
    run(vsock);
}

/* If the port is not closed yet, the switch's notification that it is goes on with this. */
static void vsock_start(struct virtio_device *device)
{
    struct virtio_vsock *vsock = vsock_of(device);
    vsock->started = true;
    vsock->pending[VIRTIO_VSOCK_RX] = vsock->pending[VIRTIO_VSOCK_TX] = true;
    run(vsock);
}

/* If the switch never closes the port, this line is the last that one sees of the guest. */
static bool vsock_reset(struct virtio_device *device)
{
    struct virtio_vsock *vsock = vsock_of(device);
    if (detach(vsock)) {
        return true;
    }
    vsock->num_waits++;
    if ((vsock->num_waits & (vsock->num_waits - 1)) == 0) { /* as virtio_mmio_fail() does */
        vmm_log("%s: stopped; waits for the switch to close its port (wait %lu)",
                vsock->device.name, (unsigned long)vsock->num_waits);
    }
    return false;
}

/* Both directions stop with the first queue: a driver stops one when it stops them all. */
static bool vsock_stop_queue(struct virtio_device *device, uint32_t index)
{
    return index == VIRTIO_VSOCK_EVENT || vsock_reset(device);
}

static const struct virtio_device_ops vsock_ops = {
    .start = vsock_start,
    .notify = vsock_notify,
    .reset = vsock_reset,
    .stop_queue = vsock_stop_queue,
};

bool virtio_vsock_init(struct virtio_vsock *vsock, const char *name, const struct guest_ram *ram,
                       const struct irq_line *irq, const struct vmm_vsock *record,
                       void (*notify)(unsigned channel))
{
    if (record->port_vaddr == 0 || record->cid < FIRST_CID || record->cid == UINT32_MAX) {
        return false;
    }
    memset(vsock, 0, sizeof(*vsock)); /* too large for a compound literal on the stack */
    vsock->device = (struct virtio_device){
        .name = name,
        .ops = &vsock_ops,
        .device_id = VIRTIO_ID_VSOCK,
        .device_features = VIRTIO_FEATURE(VIRTIO_VSOCK_F_SEQPACKET),
        .queues = vsock->queues,
        .num_queues = VIRTIO_VSOCK_NUM_QUEUES,
        .config = &vsock->config,
        .config_bytes = sizeof(vsock->config),
        .irq = *irq,
    };
    vsock->config.guest_cid = record->cid;
    vsock->of_a_peer = VIRTIO_VSOCK_CONNECTIONS / (record->num_peers > 0 ? record->num_peers : 1);
    port_client_init(&vsock->port, (struct port *)(uintptr_t)record->port_vaddr, ram,
                     record->channel, notify);
    for (unsigned i = 0; i < VIRTIO_VSOCK_NUM_QUEUES; i++) {
        virtq_init(&vsock->queues[i], ram, VIRTIO_VSOCK_QUEUE_SIZE);
    }
    virtio_mmio_init(&vsock->device);
    return true;
}
