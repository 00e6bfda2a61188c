/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver's device side: a device that mostly works, and now and then writes anything
 * into what it can write. Whatever it does, the driver gives the virtualisers only buffers that
 * they gave it, each once.
 */
#include "tests/unit/io/drivers/net_device_model.h"

#define STEP 8u

static bool with_driver[MODEL_BUFFERS];

/* A buffer that comes back: it was there. */
static void comes_back(struct net_consumer *from, uint32_t first, uint32_t number)
{
    struct net_buff_desc desc;
    while (net_dequeue(from, &desc)) {
        uint64_t index = (desc.io_or_offset - MODEL_RAM) / NET_BUFFER_SIZE;
        if (index < first || index >= first + number || !with_driver[index] ||
            desc.len > NET_BUFFER_SIZE) {
            abort();
        }
        with_driver[index] = false;
        if (first == 0) {
            with_driver[index] = net_enqueue(&rx_free, &desc);
        }
    }
}

static void send_frame(uint8_t number)
{
    struct net_buff_desc desc = { tx_buffer(number), 60, 0 };
    if (!with_driver[MODEL_RX + number]) {
        with_driver[MODEL_RX + number] = net_enqueue(&tx_active, &desc);
    }
}

/* Anything, in a used ring, in its index, in the headers; or a head that is none. */
static void lie(const uint8_t *step)
{
    uint32_t side = step[1] & 1;
    uint32_t value = (uint32_t)(step[4] | step[5] << 8 | step[6] << 16) | (uint32_t)step[7] << 24;
    if (!model.queues[side].ready) {
        return;
    }
    model.lies = true;
    switch (step[1] / 2 % 6) {
    case 0:
        model_use(side, step[2] * 2u, value);
        break;
    case 1:
        model_use(side, value, 72);
        break;
    case 2:
        model_used(side)->idx = (uint16_t)value;
        break;
    case 3:
        model_used(side)->ring[step[2]].id = value;
        break;
    case 4:
        memcpy((uint8_t *)&model.dma.headers + step[2] % 9, step + 4, 4);
        break;
    default:
        model.status |= step[2] & 1 ? VIRTIO_CONFIG_S_NEEDS_RESET : 0;
        model.config.status = step[3];
        model_interrupt(VIRTIO_MMIO_INT_CONFIG);
    }
    model_interrupt(VIRTIO_MMIO_INT_VRING);
}

static void one_step(const uint8_t *step)
{
    uint8_t frame[NET_BUFFER_SIZE] = { 0 };
    switch (step[0] % 16) {
    case 0:
        lie(step);
        break;
    case 1:
    case 2:
    case 3:
        send_frame(step[1]);
        break;
    case 4:
    case 5:
    case 6:
        (void)model_send(frame);
        break;
    case 7:
    case 8:
        run();
        break;
    case 9:
    case 10:
        interrupts();
        break;
    case 11:
        comes_back(&rx_active, 0, MODEL_RX);
        comes_back(&tx_free, MODEL_RX, CAPACITY);
        break;
    default:
        (void)model_receive(frame, step[1] * 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    fresh_model();
    model.offered &= ~(size & 1 ? VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX) : 0);
    model.queue_most = size & 2 ? 16 : 1024;
    start();
    for (uint32_t i = 0; i < MODEL_BUFFERS; i++) {
        with_driver[i] = i < MODEL_RX;
    }
    for (; size >= STEP; input += STEP, size -= STEP) {
        one_step(input);
    }
    run();
    comes_back(&rx_active, 0, MODEL_RX);
    comes_back(&tx_free, MODEL_RX, CAPACITY);
    return 0;
}
