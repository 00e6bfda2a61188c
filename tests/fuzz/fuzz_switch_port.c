/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a VMM does with its port: mostly chains that make sense, now and then anything
 * in its region. The others' memory holds what arrived for them and is else as it was; at the end
 * the port opens anew and works.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/io/virt/switch/switch_rig.h"

static uint8_t frame[FRAME_MAX];
static struct arrival arrival;

/* Headers of TCP over IPv4 or IPv6 where the input wants them, then its own bytes. */
static void write_frame(struct input *in, uint32_t at)
{
    static const uint8_t ipv4[] = { 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6 };
    static const uint8_t ipv6[] = { 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64 };
    uint8_t *to = vmms[0].ram + at;
    uint8_t what = (uint8_t)take(in, 1);
    rig_mac(to, what % 5);
    rig_mac(to + 6, what & 0x20 ? 1 : 0);
    if (what & 0x40) {
        memcpy(to + 12, ipv4, sizeof(ipv4));
    } else {
        memcpy(to + 12, ipv6, sizeof(ipv6));
    }
    to[what & 0x40 ? 46 : 66] = 0x50;
    for (uint32_t i = what / 128 * 4; i > 0; i--) {
        to[take(in, 1) % 128] = (uint8_t)take(in, 1);
    }
}

static struct virtio_vsock_hdr header_to(uint32_t from, uint32_t to, uint32_t len)
{
    return (struct virtio_vsock_hdr){ .src_cid = 3 + from,
                                      .dst_cid = 3 + to,
                                      .len = len,
                                      .type = VIRTIO_VSOCK_TYPE_SEQPACKET,
                                      .op = VIRTIO_VSOCK_OP_RW };
}

static void put(struct input *in, struct port_end *end)
{
    uint32_t at = (uint32_t)take(in, 1) * 4096;
    uint8_t how = (uint8_t)take(in, 1);
    struct port_entry entry = {
        .offset = at,
        .length = (uint32_t)take(in, how & 1 ? 1 : 2),
        .id = (uint16_t)take(in, 1),
        .flags = how & 2 ? PORT_MORE : 0,
    };
    if (config.kind == SWITCH_VSOCK) {
        struct virtio_vsock_hdr header = header_to(0, how / 32u % 5, entry.length);
        header.flags = how / 16u % 2;
        header.len += how == 0xfe;
        memcpy(entry.header, &header, sizeof(header));
    } else if (how & 4) {
        memcpy(entry.header,
               &(struct virtio_net_hdr_v1){ .flags = CSUM,
                                            .gso_type = how & 8 ? 1 : 4,
                                            .gso_size = (uint16_t)take(in, 2),
                                            .csum_start = how & 8 ? 34 : 54,
                                            .csum_offset = 16 },
               HEADER);
    }
    if (how == 0xff) {
        entry.offset = take(in, 8);
    }
    if (end == &vmms[0].send && !(how & 0x80)) {
        write_frame(in, at);
    }
    port_put(end, &entry);
    if (how & 0x10) {
        port_publish(end);
    }
}

static void drain(void)
{
    for (uint32_t i = 1; i < VMMS; i++) {
        vmm_reap(i);
        while (vmm_receive(i, &arrival)) {
            vmm_post(i, i, i == 1 ? 2048 : 65536 + 100);
        }
    }
}

/* Sends a frame or a packet as it should be. */
static void send(uint32_t from, uint32_t to, uint32_t bytes)
{
    struct virtio_vsock_hdr packet = header_to(from, to, bytes);
    make_frame(frame, to, from, bytes);
    if (port_room(&vmms[from].send) < 8) {
        return; /* packets that wait */
    }
    vmm_put(from, config.kind == SWITCH_VSOCK ? &packet : NULL, frame, bytes, 100);
    port_publish(&vmms[from].send);
    run();
}

static void honest(uint8_t from, uint8_t to)
{
    send(1 + from % 3, to % 4, 60 + to);
    drain();
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 16) {
    case 0:
        port_want_next(&vmms[0].port.control);
        run();
        break;
    case 1:
        ((uint8_t *)&vmms[0].port)[take(in, 3) % sizeof(struct port)] = (uint8_t)take(in, 1);
        break;
    case 2:
        vmms[0].port.control.recv_mode = (uint32_t)take(in, 1);
        break;
    case 3:
        vmms[0].send_done.index = vmms[0].recv_done.index = 0;
        port_take(&vmms[0].send_done, (uint32_t)take(in, 2));
        port_take(&vmms[0].recv_done, (uint32_t)take(in, 2));
        break;
    case 4:
    case 5:
        honest((uint8_t)take(in, 1), (uint8_t)take(in, 1));
        break;
    case 6:
    case 7:
    case 8:
        put(in, &vmms[0].recv);
        break;
    default:
        put(in, &vmms[0].send);
        break;
    }
    if (what & 0x80) {
        run();
        drain();
    }
}

static void begin(bool vsock)
{
    static bool configured;
    if (!configured) {
        rig_configure();
    }
    configured = true;
    config.kind = vsock ? SWITCH_VSOCK : SWITCH_NET;
    said[0] = '\0';
    for (uint32_t i = 0; i < VMMS; i++) {
        memset(&vmms[i].port.control, 0, sizeof(vmms[i].port.control));
    }
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        config.ports[i].cid = 3 + i;
        vmms[i].next_id = 0;
        vmms[i].next_send = 0;
        vmm_open(i, i == 1 ? PORT_RECV_MERGE : i == 2 ? ALL : PORT_RECV_CSUM);
        vmm_post_many(i, 40, 2048);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    begin(take(&in, 1) % 2);
    while (in.left > 0) {
        step(&in);
    }
    run();
    drain();
    for (uint32_t i = 1; i < VMMS; i++) {
        assert_int_equal(memcmp(vmms[i].ram, vmms[i].shadow, RAM_BYTES), 0);
    }
    vmms[0].port.control.wanted &= ~1u; /* closed, whatever was counted */
    for (uint32_t i = 1; i < VMMS; i++) {
        vmm_close(i);
    }
    vmms[0].port.control.answered = core.members[0].answered; /* the VMM may have spoilt it */
    vmms[0].port.control.recv_mode = 0;
    vmms[0].next_send = 0;
    for (uint32_t i = 0; i < 2; i++) {
        vmm_open(i, PORT_RECV_MERGE);
        vmm_post_many(i, 4, 2048);
    }
    for (uint32_t i = 0; i < 2; i++) {
        send(i, 1 - i, 100);
        expect_frame(1 - i, frame, 100);
    }
    return 0;
}
