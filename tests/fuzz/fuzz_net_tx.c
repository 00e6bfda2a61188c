/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transmit virtualiser's client side and driver side. The input is a list of steps; mostly what
 * honest neighbours do, now and then a lie of client 1 or of the driver. The driver is given
 * nothing but whole buffers of the clients, and each once until it returns it.
 */
#include "io/virt/net_tx/net_tx_core.h"
#include "tests/fuzz/fuzz_net.h"

#define CLIENT_IO(i) (0x140000000ull + (i)*0x10000000ull)

static struct net_virt_tx_config config;
static struct tx_core core;
static struct fuzz_rings driver_rings, client_rings[FUZZ_CLIENTS];
static uint8_t data[FUZZ_CLIENTS][FUZZ_CAPACITY * NET_BUFFER_SIZE];

static void start(void)
{
    memset(&config, 0, sizeof(config));
    config.num_clients = FUZZ_CLIENTS;
    config.driver = fuzz_connect(&driver_rings);
    for (uint8_t i = 0; i < FUZZ_CLIENTS; i++) {
        config.clients[i].conn = fuzz_connect(&client_rings[i]);
        config.clients[i].data =
            (struct sddf_device_region){ { (uintptr_t)data[i], sizeof(data[i]) }, CLIENT_IO(i) };
    }
    config.clients[1].num_macs = 1;
    net_tx_core_init(&core, &config, &fuzz_ops);
}

static void send(uint32_t client, const uint8_t *step)
{
    struct net_producer to = net_producer(&config.clients[client].conn.active, FUZZ_CAPACITY);
    struct net_buff_desc desc = { step[1] % (FUZZ_CAPACITY + 1) * NET_BUFFER_SIZE,
                                  (uint16_t)(step[2] * 7), 0 };
    data[client][step[1] % FUZZ_CAPACITY * NET_BUFFER_SIZE + 6] = step[3] & 1;
    (void)net_enqueue(&to, &desc);
}

/* As the driver, which does not check anything: what it is given must be good. */
static void take_and_return(uint32_t most)
{
    struct net_consumer from = net_consumer(&config.driver.active, FUZZ_CAPACITY);
    struct net_producer to = net_producer(&config.driver.free, FUZZ_CAPACITY);
    struct net_buff_desc desc;
    while (most-- > 0 && net_dequeue(&from, &desc)) {
        (void)net_enqueue(&to, &desc);
    }
}

/* What has been put into the driver's ring since `seen`. */
static void check(uint16_t seen)
{
    const struct net_queue *queue = (const struct net_queue *)driver_rings.active;
    for (; seen != core.driver_active.tail; seen++) {
        const struct net_buff_desc *desc = &queue->entries[seen % FUZZ_CAPACITY];
        uint64_t client = (desc->io_or_offset - CLIENT_IO(0)) / 0x10000000;
        uint64_t offset = desc->io_or_offset - CLIENT_IO(client);
        if (client >= FUZZ_CLIENTS || offset % NET_BUFFER_SIZE != 0 || offset >= sizeof(data[0]) ||
            desc->len < 14 || desc->len > NET_FRAME_MAX) {
            abort();
        }
    }
    for (uint32_t i = 0; i < FUZZ_CLIENTS; i++) {
        uint32_t sent = (uint32_t)__builtin_popcountll(core.clients[i].sent[0]);
        if (sent != core.clients[i].in_flight || sent > core.share) {
            abort();
        }
    }
}

static void run(void)
{
    uint16_t seen = core.driver_active.tail;
    net_tx_core_run(&core);
    check(seen);
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
            take_and_return(input[1]);
            break;
        case 5:
        case 6:
            run();
            break;
        default:
            send(input[0] / 16 % 2, input);
        }
    }
    run();
    return 0;
}
