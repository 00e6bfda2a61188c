/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's core between two ports, on the host: what a frame costs beside its notifications.
 * `make switch-bench`. Times of a shared machine: compare with a run of your own.
 */
#include "io/virt/switch/switch_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH     128u
#define RAM_BYTES (32u << 20)

struct row {
    const char *what;
    uint32_t kind, features;
    uint32_t bytes, gso_size;
    uint32_t chains, chain_bytes; /* that the receiver posts for each frame */
};

static const struct row rows[] = {
    { "64-byte frames", SWITCH_NET, PORT_RECV_CSUM, 64, 0, 1, 1536 },
    { "64-byte frames, checksum completed", SWITCH_NET, 0, 64, 0, 1, 1536 },
    { "1,514-byte frames", SWITCH_NET, PORT_RECV_CSUM, 1514, 0, 1, 1536 },
    { "1,514-byte frames, checksum completed", SWITCH_NET, 0, 1514, 0, 1, 1536 },
    { "64 KiB segments, whole", SWITCH_NET, 15, 65000, 1448, 43, 1536 },
    { "64 KiB segments, cut", SWITCH_NET, PORT_RECV_MERGE, 65000, 1448, 45, 1536 },
    { "vsock, 64 bytes", SWITCH_VSOCK, 0, 64, 0, 1, 4096 },
    { "vsock, 64 KiB", SWITCH_VSOCK, 0, 65536, 0, 17, 4000 },
};

static struct switch_config config;
static struct switch_core core;
static struct port ports[2];
static uint8_t *ram[2];
static _Alignas(8) uint8_t held[2][SWITCH_HELD_BYTES];
static struct port_end send, send_done, recv, recv_done;

static void notify(uint8_t channel)
{
    (void)channel;
}

static void report(const char *text)
{
    fputs(text, stderr);
}

static const struct switch_ops ops = { .notify = notify, .report = report };

static void start(const struct row *row)
{
    memset(ports, 0, sizeof(ports));
    config = (struct switch_config){ .kind = (uint8_t)row->kind, .num_ports = 2 };
    config.timer_channel = SWITCH_NO_CHANNEL;
    for (uint32_t i = 0; i < 2; i++) {
        config.ports[i] = (struct switch_port){
            .port_vaddr = (uintptr_t)&ports[i],
            .memory = { (uintptr_t)ram[i], RAM_BYTES },
            .cid = i,
            .allow = 3,
            .mtu = 1500,
            .mac = { 2, 0, 0, 0, 0, (uint8_t)i },
            .fixed = true,
            .name = "bench",
        };
        ports[i].control.features = row->features;
        port_want_next(&ports[i].control);
    }
    send = (struct port_end){ &ports[0].send, 0 };
    send_done = (struct port_end){ &ports[0].send_done, 0 };
    recv = (struct port_end){ &ports[1].recv, 0 };
    recv_done = (struct port_end){ &ports[1].recv_done, 0 };
    config.held_vaddr = (uintptr_t)held;
    switch_core_init(&core, &config, &ops);
    switch_core_run(&core);
}

static void make_header(const struct row *row, uint8_t *header)
{
    struct virtio_net_hdr_v1 net = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = row->gso_size ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
        .gso_size = (uint16_t)row->gso_size,
        .csum_start = 34,
        .csum_offset = 16,
    };
    uint32_t vsock[11] = { 0, 0, 1, 0, 1, 2, row->bytes, 1 | 5 << 16 };
    if (row->kind == SWITCH_NET) {
        memcpy(header, &net, sizeof(net));
    } else {
        memcpy(header, vsock, sizeof(vsock));
    }
}

/* A guest's buffers, at the offsets that Linux gives them: 2 beyond a word. */
static void post(const struct row *row, uint32_t frames)
{
    for (uint32_t i = 0; i < frames * row->chains; i++) {
        struct port_entry entry = { .offset = (i % 512) * 8192 + 2, .length = row->chain_bytes };
        port_put(&recv, &entry);
    }
    port_publish(&recv);
}

static void put(const struct row *row, uint32_t frames)
{
    static const uint8_t head[] = { 2, 0, 0,    0, 0, 1, 2, 0, 0, 0, 0,  0,
                                    8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6 };
    for (uint32_t i = 0; i < frames; i++) {
        struct port_entry entry = { .offset = (i % 64) * 131072 + 2, .length = row->bytes };
        make_header(row, entry.header);
        memcpy(ram[0] + entry.offset, head, sizeof(head));
        ram[0][entry.offset + 46] = 0x50;
        port_put(&send, &entry);
    }
    port_publish(&send);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(const struct row *row)
{
    uint32_t batch = row->chains > 1 ? 8 : BATCH, frames = 0;
    double in_switch = 0;
    for (start(row); in_switch < 0.5; frames += batch) {
        post(row, batch);
        put(row, batch);
        double begin = now();
        switch_core_run(&core);
        in_switch += now() - begin;
        port_take(&send_done, port_fill(&send_done));
        port_take(&recv_done, port_fill(&recv_done));
    }
    uint64_t bytes = core.counters[1].received_bytes;
    printf("%-40s %8.0f ns %8.2f GB/s\n", row->what, in_switch / frames * 1e9,
           (double)bytes / in_switch / 1e9);
}

int main(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        ram[i] = malloc(RAM_BYTES);
        memset(ram[i], 0, RAM_BYTES);
    }
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        measure(&rows[i]);
    }
    return 0;
}
