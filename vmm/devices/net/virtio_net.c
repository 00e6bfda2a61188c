/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/vmm_log.h"
#include "vmm/devices/net/net_parts.h"

#include <stddef.h>
#include <string.h>

#define MIN_MTU      68u /* what IPv4 needs; Linux refuses less */
#define CONFIG_BYTES offsetof(struct virtio_net_config, speed)

#define FEATURES                                                                                   \
    (VIRTIO_FEATURE(VIRTIO_NET_F_MAC) | VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) |                      \
     VIRTIO_FEATURE(VIRTIO_NET_F_MTU) | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) |                   \
     VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) |                 \
     VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) |             \
     VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) |           \
     VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX) |                 \
     VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX_EXTRA))

_Static_assert(CONFIG_BYTES == 12, "virtIO 1.2, 5.1.4");

/* A feature and the one that it needs (5.1.3.1). */
static const struct {
    uint8_t feature;
    uint8_t needs;
} dependencies[] = {
    { VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM },
    { VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM },
    { VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM },
    { VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM },
    { VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ },
    { VIRTIO_NET_F_CTRL_RX_EXTRA, VIRTIO_NET_F_CTRL_VQ },
};

/* What the guest agrees to receive, as the switch is told. */
static const struct {
    uint8_t feature;
    uint8_t told; /* enum port_features */
} port_features[] = {
    { VIRTIO_NET_F_GUEST_CSUM, PORT_RECV_CSUM },
    { VIRTIO_NET_F_GUEST_TSO4, PORT_RECV_TSO4 },
    { VIRTIO_NET_F_GUEST_TSO6, PORT_RECV_TSO6 },
    { VIRTIO_NET_F_MRG_RXBUF, PORT_RECV_MERGE },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct virtio_net *net_of(struct virtio_device *device)
{
    return (struct virtio_net *)device;
}

/* ---- Work ------------------------------------------------------------------------------------*/

/* What was under way is lost, as frames may be: an empty one in each buffer. */
static void give_back(struct virtio_net *net)
{
    struct virtq *queues = net->queues;
    for (unsigned head = 0; head < VIRTIO_NET_QUEUE_SIZE; head++) {
        (void)virtq_put(&queues[VIRTIO_NET_TX], &net->sent[head], 0);
        (void)virtq_put(&queues[VIRTIO_NET_RX], &net->posted[head].chain, 0);
    }
    virtq_publish(&queues[VIRTIO_NET_TX]);
    virtq_publish(&queues[VIRTIO_NET_RX]);
}

/* A port of a switch that has been started again is opened again, once it is closed. */
static void leave_broken_port(struct virtio_net *net)
{
    if (!port_client_lost(&net->port)) {
        virtio_mmio_fail(&net->device,
                         "the switch has closed its port, or broken the port's contract");
        return;
    }
    vmm_log("%s: the switch has been started again, frames are lost", net->device.name);
    give_back(net);
    net->lost = true;
    (void)port_client_close(&net->port);
}

/*
 * All that there is to do in an event. Buffers before frames, and what is sent is taken last: if
 * the switch has run in the flush, that is all of it, and no notification is needed. Nor may one be
 * waited for: where that has made room for what is left, there is more to do now.
 */
static void work(struct virtio_net *net)
{
    struct virtio_device *device = &net->device;
    enum virtq_result results[] = { VIRTQ_EMPTY, VIRTQ_EMPTY };
    bool ok = net_take_received(net);
    if (ok && net->pending[VIRTIO_NET_RX]) {
        results[VIRTIO_NET_RX] = net_post(net);
    }
    if (ok && net->pending[VIRTIO_NET_TX]) {
        results[VIRTIO_NET_TX] = net_send(net);
    }
    port_client_flush(&net->port);
    if (!ok || !net_take_sent(net)) {
        leave_broken_port(net);
    }
    if (net->pending[VIRTIO_NET_TX] && port_client_wait_room(&net->port)) {
        results[VIRTIO_NET_TX] = VIRTQ_YIELD;
    }
    virtio_mmio_finish(device, VIRTIO_NET_RX, results[VIRTIO_NET_RX]);
    virtio_mmio_finish(device, VIRTIO_NET_TX, results[VIRTIO_NET_TX]);
}

static void open_port(struct virtio_net *net)
{
    uint32_t told = 0;
    for (size_t i = 0; i < COUNT(port_features); i++) {
        bool accepted = virtio_mmio_has_feature(&net->device, port_features[i].feature);
        told |= accepted ? port_features[i].told : 0;
    }
    if (!port_client_open(&net->port, told, net_recv_mode(net))) {
        virtio_mmio_fail(&net->device, "the switch has not closed its port");
    }
    net->lost = false;
    net->pending[VIRTIO_NET_RX] = net->pending[VIRTIO_NET_TX] = true;
}

/* A card that its driver does not drive any more leaves guest memory alone. */
static void run(struct virtio_net *net)
{
    net->lost &= virtio_mmio_running(&net->device);
    if (net->lost && port_client_close(&net->port)) {
        open_port(net);
    }
    if (net->port.open && virtio_mmio_running(&net->device)) {
        work(net);
    }
    if (!virtio_mmio_running(&net->device) || !net->port.open) {
        if (port_client_close(&net->port)) {
            virtio_mmio_quiescent(&net->device);
        }
    }
}

void virtio_net_notified(struct virtio_net *net)
{
    run(net);
}

/* ---- Device ----------------------------------------------------------------------------------*/

static bool net_features_ok(struct virtio_device *device, uint64_t accepted)
{
    (void)device;
    for (size_t i = 0; i < COUNT(dependencies); i++) {
        if ((accepted >> dependencies[i].feature & 1) > (accepted >> dependencies[i].needs & 1)) {
            return false;
        }
    }
    return true;
}

static void net_notify(struct virtio_device *device, uint32_t index)
{
    struct virtio_net *net = net_of(device);
    if (index < VIRTIO_NET_CTRL) {
        net->pending[index] = true;
    } else if (virtio_mmio_has_feature(device, VIRTIO_NET_F_CTRL_VQ)) {
        net_control(net);
    }
    run(net);
}

static void net_start(struct virtio_device *device)
{
    open_port(net_of(device));
    net_notify(device, VIRTIO_NET_CTRL);
}

/* If the switch never closes the port, this line is the last that one sees of the guest. */
static bool leave_port(struct virtio_net *net)
{
    net->lost = false;
    if (port_client_close(&net->port)) {
        return true;
    }
    net->num_waits++;
    if ((net->num_waits & (net->num_waits - 1)) == 0) { /* as virtio_mmio_fail() does */
        vmm_log("%s: stopped; waits for the switch to close its port (wait %lu)", net->device.name,
                (unsigned long)net->num_waits);
    }
    return false;
}

static bool net_reset(struct virtio_device *device)
{
    struct virtio_net *net = net_of(device);
    net->rx_modes = 0;
    net->extra_macs = false;
    return leave_port(net);
}

/* Both directions stop with the first queue: a driver stops one when it stops them all. */
static bool net_stop_queue(struct virtio_device *device, uint32_t index)
{
    return index == VIRTIO_NET_CTRL || leave_port(net_of(device));
}

/* No config_write: the address is fixed, the rest is read only (5.1.4). */
static const struct virtio_device_ops net_ops = {
    .features_ok = net_features_ok,
    .start = net_start,
    .notify = net_notify,
    .reset = net_reset,
    .stop_queue = net_stop_queue,
};

bool virtio_net_init(struct virtio_net *net, const char *name, const struct guest_ram *ram,
                     const struct irq_line *irq, const struct vmm_net *record,
                     void (*notify)(unsigned channel))
{
    if (record->port_vaddr == 0 || record->mtu < MIN_MTU || (record->mac[0] & 1) != 0) {
        return false;
    }
    memset(net, 0, sizeof(*net)); /* too large for a compound literal on the stack */
    net->device = (struct virtio_device){
        .name = name,
        .ops = &net_ops,
        .device_id = VIRTIO_ID_NET,
        .device_features = FEATURES,
        .queues = net->queues,
        .num_queues = VIRTIO_NET_NUM_QUEUES,
        .config = &net->config,
        .config_bytes = CONFIG_BYTES,
        .irq = *irq,
    };
    memcpy(net->config.mac, record->mac, sizeof(record->mac));
    net->config.status = VIRTIO_NET_S_LINK_UP;
    net->config.max_virtqueue_pairs = 1;
    net->config.mtu = record->mtu;
    port_client_init(&net->port, (struct port *)(uintptr_t)record->port_vaddr, ram, record->channel,
                     notify);
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
        virtq_init(&net->queues[i], ram, VIRTIO_NET_QUEUE_SIZE);
    }
    virtio_mmio_init(&net->device);
    return true;
}
