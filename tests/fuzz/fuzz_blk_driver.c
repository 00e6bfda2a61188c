/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block driver's device side: a device that mostly works, and now and then writes anything into
 * what it can write. It is given nothing but the driver's own memory and the clients', and whatever
 * it does, each request is answered once.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/io/drivers/blk_device_model.h"

#define MAX_STEPS 400

static uint32_t sent, answered;
static bool lies, awaited[MAX_STEPS]; /* by id */

static void request(struct input *in)
{
    static const uint32_t codes[] = { BLK_REQ_READ,         BLK_REQ_WRITE,
                                      BLK_REQ_READ,         BLK_REQ_FLUSH,
                                      BLK_REQ_BARRIER,      BLK_REQ_DISCARD,
                                      BLK_REQ_WRITE_ZEROES, 77 };
    uint8_t how = (uint8_t)take(in, 1);
    uint16_t count = (uint16_t)(1 + how / 8 % 8);
    struct blk_req req = { codes[how % 8], MODEL_RAM + take(in, 1) % (256u - 8) * 4096,
                           take(in, 1) * 2 + how / 128 * (uint64_t)(MODEL_BLOCKS - 8), count,
                           sent };
    if (blk_client_send(&virt, &req)) {
        awaited[sent++] = true;
    }
}

static void answers(void)
{
    struct blk_resp resp;
    assert_false(blk_client_broken(&virt));
    while (blk_client_receive(&virt, &resp)) {
        assert_true(resp.id < sent && awaited[resp.id] && resp.status <= BLK_RESP_ERR_NO_DEVICE);
        awaited[resp.id] = false;
        answered++;
    }
}

/* No slot is lost, and none is free twice. */
static void check_slots(void)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < disk.num_slots; i++) {
        busy += disk.slots[i].busy;
    }
    assert_true(disk.error != NULL || busy + disk.num_free == disk.num_slots);
}

/* Anything: in the used ring or its index, in a status, in the registers. */
static void lie(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1), where = (uint8_t)take(in, 1);
    uint32_t value = (uint32_t)take(in, 4);
    if (!model.queue_ready) {
        return;
    }
    lies = true;
    switch (how % 7) {
    case 0:
        model_use(where % model.queue_num);
        break;
    case 1:
        model_used()->idx = (uint16_t)value;
        break;
    case 2:
        model_used()->ring[where % model.queue_num].id = value;
        break;
    case 3:
        model.dma.headers[where % VBLK_RING].status = (uint8_t)value;
        break;
    case 4:
        model.forged_status = value % 5;
        break;
    case 5:
        memcpy(&model.dma.tables[where % VBLK_RING][value % VBLK_TABLE].addr, &value, 4);
        break;
    default:
        model.status |= how & 0x80 ? VIRTIO_CONFIG_S_NEEDS_RESET : 0;
        model.never_resets |= (how & 0x40) != 0;
        model.config.capacity = value;
        model_interrupt(VIRTIO_MMIO_INT_CONFIG);
    }
    model_interrupt(VIRTIO_MMIO_INT_VRING);
}

/* A device that has lied may have spoilt what it would read next. */
static void work(uint32_t most)
{
    if (!lies) {
        (void)model_work(most);
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 16) {
    case 0:
        lie(in);
        break;
    case 1:
    case 2:
    case 3:
        work(what / 16);
        break;
    case 4:
    case 5:
        interrupts();
        break;
    case 6:
        answers();
        break;
    case 7:
        model.bad_block = take(in, 1) * 2;
        break;
    case 8:
    case 9:
        run();
        break;
    default:
        request(in);
    }
    check_slots();
}

/*
 * An honest device does all. Behind one that was found out all fails; what it has stays unanswered
 * only if it cannot be reset.
 */
static void finish(void)
{
    for (uint32_t i = 0; i < sent + 8; i++) { /* barriers take a round each */
        work(1000);
        interrupts();
        run();
        answers();
    }
    assert_true(lies || answered == sent);
    assert_true(disk.error == NULL || answered + disk.taken == sent);
    assert_true(disk.error == NULL || model.never_resets || disk.taken == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    uint8_t how = (uint8_t)take(&in, 1);
    fresh_model();
    model.offered = how & 1 ? ALL_FEATURES : VIRTIO_BIT(VIRTIO_F_VERSION_1);
    model.offered |= how & 2 ? VIRTIO_BIT(VIRTIO_BLK_F_RO) | VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) : 0;
    model.queue_most = how & 4 ? 20 : 1024;
    model.config.seg_max = how & 8 ? 3 : 254;
    sent = answered = 0;
    memset(awaited, 0, sizeof(awaited));
    lies = false;
    start();
    if (!(how & 16)) {
        settle();
    }
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    finish();
    return 0;
}
