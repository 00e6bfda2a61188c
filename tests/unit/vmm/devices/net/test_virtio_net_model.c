/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network card between a random driver and a random switch that both do only what the rules let
 * them: the driver kicks where the card asks for it and looks at its rings when it is interrupted,
 * the switch works when it is notified and notifies where it was asked to. So a wake-up that is
 * lost leaves something undone at the end. Each byte of each frame is compared.
 */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

#include <stdlib.h>

#define NUM_SLOTS   24u
#define SLOT_DESCS  8u    /* of the ring, for each slot */
#define SLOT_BYTES  2600u /* of RAM, for each slot of either direction */
#define FRAME_BYTES 2400u
#define MAX_FLYING  64u

struct slot {
    bool busy;
    bool valid; /* TX: passes the card */
    uint64_t number;
    uint32_t bytes; /* TX: of the frame; RX: of the buffer */
    gpa_t at[SLOT_DESCS];
    uint32_t piece[SLOT_DESCS];
    uint8_t frame[FRAME_BYTES];
};

struct flying { /* to the guest */
    struct virtio_net_hdr_v1 header;
    uint32_t bytes;
    uint8_t frame[FRAME_BYTES];
};

static struct slot tx[NUM_SLOTS], rx[NUM_SLOTS];
static struct flying flying[MAX_FLYING];
static unsigned first_flying, num_flying;
static uint64_t submitted, seen_by_switch, received, seen_notified;
static bool event_idx;

static gpa_t arena(unsigned index, unsigned n)
{
    return BUFFERS_GPA + (index == TX ? 0x10000 : 0) + n * SLOT_BYTES;
}

static void fill_random(uint8_t *at, uint32_t bytes)
{
    unsigned seed = (unsigned)rand();
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)((seed + i) * 0x9e3779b1u >> 13);
    }
}

/* Cuts `bytes` into descriptors, some side by side and some apart, and offers the chain. */
static void offer(unsigned index, unsigned n, uint32_t bytes, unsigned most)
{
    struct slot *slot = index == TX ? &tx[n] : &rx[n];
    gpa_t at = arena(index, n);
    unsigned d = 0;
    for (uint32_t done = 0; done < bytes; d++) {
        uint32_t rest = bytes - done;
        uint32_t step = rand() % 3 == 0 ? 1 + (uint32_t)rand() % 12 : 1 + (uint32_t)rand() % rest;
        uint32_t piece = d + 1 < most && step < rest ? step : rest;
        at += rand() % 2 ? 7 : 0;
        slot->at[d] = at;
        slot->piece[d] = piece;
        done += piece;
        at += piece;
        ring_set(&rings[index], n * SLOT_DESCS + d, slot->at[d], piece,
                 (index == RX ? WRITE : 0) | (done < bytes ? NEXT : 0), n * SLOT_DESCS + d + 1);
    }
    slot->busy = true;
    ring_offer(&rings[index], n * SLOT_DESCS);
}

/* Between private bytes and those of a chain. */
static void move(const struct slot *slot, uint8_t *private, uint32_t bytes, bool to_guest)
{
    uint32_t done = 0;
    for (unsigned d = 0; done < bytes; d++) {
        uint32_t n = slot->piece[d] < bytes - done ? slot->piece[d] : bytes - done;
        uint8_t *at = guest_at(&guest, slot->at[d]);
        memcpy(to_guest ? at : private + done, to_guest ? private + done : at, n);
        done += n;
    }
}

/* A driver kicks for what it has added since `old` if the card wants to know (2.7.10). */
static void kick_if_asked(unsigned index, uint16_t old)
{
    bool asked =
        event_idx ? vring_need_event(*ring_avail_event(&rings[index]), rings[index].avail_idx, old)
                  : (ring_used(&rings[index])->flags & VRING_USED_F_NO_NOTIFY) == 0;
    if (asked && old != rings[index].avail_idx) {
        kick(index);
    }
}

static void submit_random(void)
{
    unsigned n = (unsigned)rand() % NUM_SLOTS;
    struct slot *slot = &tx[n];
    uint8_t bytes[12 + FRAME_BYTES];
    struct virtio_net_hdr_v1 header = { 0 };
    if (slot->busy) {
        return;
    }
    slot->bytes = 14 + (uint32_t)rand() % (FRAME_BYTES - 14);
    slot->valid = slot->bytes <= MTU + 22;
    if (slot->bytes > 100 && rand() % 3) {
        header = (struct virtio_net_hdr_v1){
            VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, 0, 1448, { { 34, 16 } }, 0
        };
        slot->valid = true;
    }
    slot->number = submitted++;
    fill_random(slot->frame, slot->bytes);
    memcpy(bytes, &header, 12);
    memcpy(bytes + 12, slot->frame, slot->bytes);
    offer(TX, n, 12 + slot->bytes, SLOT_DESCS);
    move(slot, bytes, 12 + slot->bytes, true);
}

static void post_random(void)
{
    unsigned n = (unsigned)rand() % NUM_SLOTS;
    if (!rx[n].busy) {
        rx[n].bytes = 12 + (uint32_t)rand() % (rand() % 3 ? 200 : FRAME_BYTES);
        offer(RX, n, rx[n].bytes, 4);
    }
}

/* ---- What comes back to the driver -----------------------------------------------------------*/

static void take_sent(void)
{
    while (ring_used(&rings[TX])->idx != rings[TX].used_seen) {
        unsigned head = ring_used(&rings[TX])->ring[rings[TX].used_seen % SIZE].id;
        struct slot *slot = &tx[head / SLOT_DESCS];
        assert_int_equal(ring_take_used(&rings[TX], head), 0);
        assert_int_equal(head % SLOT_DESCS, 0);
        assert_true(slot->busy);
        slot->busy = false;
    }
}

/* The next used chain; all chains of a frame must be there when its first one is. */
static uint32_t next_received(uint8_t *to)
{
    assert_int_not_equal(ring_used(&rings[RX])->idx, rings[RX].used_seen);
    unsigned head = ring_used(&rings[RX])->ring[rings[RX].used_seen % SIZE].id;
    struct slot *slot = &rx[head / SLOT_DESCS];
    uint32_t bytes = ring_take_used(&rings[RX], head);
    assert_true(slot->busy && bytes <= slot->bytes);
    slot->busy = false;
    move(slot, to, bytes, false);
    return bytes;
}

static void take_received(void)
{
    static uint8_t bytes[12 + FRAME_BYTES];
    while (ring_used(&rings[RX])->idx != rings[RX].used_seen) {
        const struct flying *expected = &flying[first_flying % MAX_FLYING];
        struct virtio_net_hdr_v1 header;
        uint32_t done = next_received(bytes);
        assert_true(num_flying > 0 && done >= 12);
        memcpy(&header, bytes, 12);
        assert_true(header.num_buffers >= 1);
        for (unsigned i = 1; i < header.num_buffers; i++) {
            done += next_received(bytes + done);
        }
        header.num_buffers = 0;
        assert_memory_equal(&header, &expected->header, 12);
        assert_int_equal(done, 12 + expected->bytes);
        assert_memory_equal(bytes + 12, expected->frame, expected->bytes);
        first_flying++;
        num_flying--;
        received++;
    }
}

/* Looks only when it is interrupted, and once more after it has asked for the next interrupt. */
static void driver_interrupt(void)
{
    if (!guest.irq_level) {
        return;
    }
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    for (unsigned i = 0; i < 2; i++) {
        take_sent();
        take_received();
        *ring_used_event(&rings[TX]) = rings[TX].used_seen;
        *ring_used_event(&rings[RX]) = rings[RX].used_seen;
    }
}

/* ---- The switch ------------------------------------------------------------------------------*/

/* Frames come in the driver's order, those that make sense and no others. */
static void switch_wakes(void)
{
    if (seen_notified == notified) {
        return;
    }
    seen_notified = notified;
    unsigned i = num_sents;
    switch_serve();
    for (; i < num_sents; i++) {
        const struct slot *slot = &tx[sents[i].id / SLOT_DESCS];
        assert_true(slot->busy && slot->valid && slot->number >= seen_by_switch);
        seen_by_switch = slot->number + 1;
        assert_int_equal(sents[i].bytes, slot->bytes);
        assert_memory_equal(sents[i].data, slot->frame, slot->bytes);
    }
}

static void deliver_random(void)
{
    struct flying *next = &flying[(first_flying + num_flying) % MAX_FLYING];
    if (num_flying == MAX_FLYING) {
        return;
    }
    next->header = (struct virtio_net_hdr_v1){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                               .csum_start = (uint16_t)(rand() % 100) };
    next->bytes = (uint32_t)rand() % (rand() % 3 ? 300 : FRAME_BYTES);
    fill_random(next->frame, next->bytes);
    num_flying += switch_deliver(&next->header, next->frame, next->bytes);
}

/* ---- Runs ------------------------------------------------------------------------------------*/

static void drain(void)
{
    for (unsigned i = 0; i < 10; i++) {
        switch_wakes();
        while (num_sents > 0) {
            switch_done(0);
        }
        switch_signal();
        driver_interrupt();
    }
}

static void step(void)
{
    uint16_t old_tx = rings[TX].avail_idx, old_rx = rings[RX].avail_idx;
    for (int i = rand() % 6; i > 0; i--) {
        submit_random();
        post_random();
    }
    kick_if_asked(TX, old_tx);
    kick_if_asked(RX, old_rx);
    if (rand() % 2) {
        switch_wakes();
    }
    for (int i = rand() % 4; i > 0 && num_sents > 0; i--) {
        switch_done((unsigned)rand() % num_sents);
    }
    for (int i = rand() % 4; i > 0; i--) {
        deliver_random();
    }
    if (rand() % 2) {
        switch_signal();
    }
    if (rand() % 2) {
        driver_interrupt();
    }
}

static void run(uint64_t features)
{
    srand(11);
    memset(tx, 0, sizeof(tx));
    memset(rx, 0, sizeof(rx));
    first_flying = num_flying = 0;
    submitted = seen_by_switch = received = 0;
    seen_notified = 0;
    event_idx = (features & EVENT_IDX) != 0;
    switch_is_slow = true;
    drive(features);
    switch_wakes();
    for (unsigned i = 0; i < 60000; i++) {
        step();
        if (i % 1000 == 999) {
            drain();
            assert_int_equal(num_flying, 0);
            for (unsigned n = 0; n < NUM_SLOTS; n++) {
                assert_false(tx[n].busy);
            }
            assert_int_equal(net.port.sending, 0);
        }
    }
    assert_true(submitted > 50000 && received > 3000 && net.dropped > 1000);
    assert_int_equal(net.device.guest_errors, 0);
}

static void merged_buffers(void **state)
{
    (void)state;
    run(ALL);
}

static void without_event_indices(void **state)
{
    (void)state;
    run(ALL & ~EVENT_IDX);
}

static void one_buffer_a_frame(void **state)
{
    (void)state;
    run(ALL & ~F(MRG_RXBUF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(merged_buffers),
        TEST(without_event_indices),
        TEST(one_buffer_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
