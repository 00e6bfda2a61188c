/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive virtualiser's client side and driver side. The input is a list of steps; mostly what
 * honest neighbours do, now and then a lie of client 1 or of the driver. After each step every
 * buffer has a holder, and the honest client 0 has been given nothing that the driver has too.
 */
#include "io/virt/net_rx/net_rx_core.h"
#include "tests/fuzz/fuzz_net.h"

#define DATA_IO 0x140000000ull

static struct net_virt_rx_config config;
static struct rx_core core;
static struct fuzz_rings driver_rings, client_rings[FUZZ_CLIENTS];
static uint8_t data[FUZZ_CAPACITY * NET_BUFFER_SIZE];

static void start(void)
{
    memset(&config, 0, sizeof(config));
    config.num_clients = FUZZ_CLIENTS;
    config.driver = fuzz_connect(&driver_rings);
    config.data = (struct sddf_device_region){ { (uintptr_t)data, sizeof(data) }, DATA_IO };
    for (uint8_t i = 0; i < FUZZ_CLIENTS; i++) {
        config.clients[i].conn = fuzz_connect(&client_rings[i]);
        config.clients[i].num_macs = 1;
        config.clients[i].macs[0].bytes[0] = (uint8_t)(2 * i);
        config.clients[i].multicast = true;
    }
    net_rx_core_init(&core, &config, &fuzz_ops);
}

static void arrive(const uint8_t *step)
{
    struct net_consumer from = net_consumer(&config.driver.free, FUZZ_CAPACITY);
    struct net_producer to = net_producer(&config.driver.active, FUZZ_CAPACITY);
    struct net_buff_desc desc;
    if (net_dequeue(&from, &desc) && desc.io_or_offset - DATA_IO < sizeof(data)) {
        memset(data + (desc.io_or_offset - DATA_IO), step[1] % 8, 6); /* 0, 2: clients; 1: group */
        desc.len = (uint16_t)(step[2] * 9);
        (void)net_enqueue(&to, &desc);
    }
}

static void give_back(uint32_t client, uint32_t most)
{
    const struct sddf_net_connection *conn = &config.clients[client].conn;
    struct net_consumer from = net_consumer(&conn->active, FUZZ_CAPACITY);
    struct net_producer to = net_producer(&conn->free, FUZZ_CAPACITY);
    struct net_buff_desc desc;
    while (most-- > 0 && net_dequeue(&from, &desc)) {
        uint64_t index = desc.io_or_offset / NET_BUFFER_SIZE;
        if (client == 0 && (index >= core.num_buffers || !(core.holders[index] & 1))) {
            abort();
        }
        (void)net_enqueue(&to, &desc);
    }
}

static void check(void)
{
    uint32_t held[FUZZ_CLIENTS] = { 0 };
    for (uint32_t i = 0; i < core.num_buffers; i++) {
        uint64_t holders = core.holders[i];
        if (holders == 0 || ((holders >> RX_DRIVER) && holders != 1ull << RX_DRIVER)) {
            abort();
        }
        for (uint32_t client = 0; client < FUZZ_CLIENTS; client++) {
            held[client] += holders >> client & 1;
        }
    }
    for (uint32_t client = 0; client < FUZZ_CLIENTS; client++) {
        if (held[client] != core.clients[client].held || held[client] > core.share) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    start();
    for (; size >= FUZZ_STEP; input += FUZZ_STEP, size -= FUZZ_STEP) {
        switch (input[0] % 16) {
        case 0:
            fuzz_corrupt(&client_rings[1], input);
            break;
        case 1:
            fuzz_corrupt(&driver_rings, input);
            break;
        case 2:
        case 3:
        case 4:
            give_back(input[0] / 16 % 2, input[1]);
            break;
        case 5:
        case 6:
            net_rx_core_run(&core);
            check();
            break;
        default:
            arrive(input);
        }
    }
    net_rx_core_run(&core);
    check();
    return 0;
}
