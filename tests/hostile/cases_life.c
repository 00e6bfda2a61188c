/* SPDX-License-Identifier: BSD-2-Clause */
/* Section T, second half: features, status, stop, reset, interrupts. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define RESET_CYCLES 200u
#define IN_FLIGHT    2u

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Reads on their way, and buffers in the receive queues: work that a reset must end. */
static void put_much(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    uint16_t at = 0;
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        uint16_t head = at;
        at = (uint16_t)(at + v->kind->put(v, at));
        ring_offer(ring, head);
    }
    if (v->kind->requests > 0) {
        post_buffers(v, 0, IN_FLIGHT, 2048);
    }
    vkick(v, v->kind->requests);
}

/* After the device has let go of memory nobody writes there: what was the device's is ours. */
static void expect_quiet(struct virtio *v)
{
    mem_begin();
    pause_us(3000);
    expect(mem_is_intact(), "memory is written after the device was stopped");
    expect(vread(v, VIRTIO_MMIO_INTERRUPT_STATUS) == 0, "an interrupt comes after a reset");
}

static void t19(struct virtio *v)
{
    uint32_t queue = v->kind->requests;
    vbegin(v);
    put_much(v);
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, queue);
    vwrite(v, VIRTIO_MMIO_QUEUE_READY, 0);
    expect(vread(v, VIRTIO_MMIO_QUEUE_READY) == 0, "a stopped queue is ready");
    uint16_t used = ring_used(requests_of(v));
    ring_write_addresses(v, queue);
    vwrite(v, VIRTIO_MMIO_QUEUE_READY, 1);
    expect(vread(v, VIRTIO_MMIO_QUEUE_READY) == 0, "a queue is placed anew under a driver");
    pause_us(3000);
    expect(ring_used(requests_of(v)) == used, "a stopped queue's requests are used");
    vkick(v, queue);
    expect(ring_used(requests_of(v)) == used, "a stopped queue takes requests");
}

static void t20(struct virtio *v)
{
    expect(vagree(v, VERSION_1), "the features are refused");
    for (uint32_t i = 0; i < v->kind->num_queues; i++) {
        ring_make(&v->rings[i], RING_SIZE);
        vwrite(v, VIRTIO_MMIO_QUEUE_SEL, i);
        vwrite(v, VIRTIO_MMIO_QUEUE_DESC_LOW, UINT32_MAX);
        vwrite(v, VIRTIO_MMIO_QUEUE_DESC_HIGH, UINT32_MAX);
        expect(ring_place(v, i) == 1, "the first of two addresses counts");
    }
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING);
    expect_request(v, 0);
}

static void t21(struct virtio *v)
{
    const uint32_t none[] = { 2, 3, 0xffff, 1u << 31, UINT32_MAX };
    vwrite(v, VIRTIO_MMIO_STATUS, FOUND);
    vwrite(v, VIRTIO_MMIO_STATUS, DRIVING);
    vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(VERSION_1 >> 32));
    for (size_t i = 0; i < COUNT(none); i++) {
        vwrite(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, none[i]);
        expect(vread(v, VIRTIO_MMIO_DEVICE_FEATURES) == 0, "there are features above 63");
        vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, none[i]);
        vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
    }
    vwrite(v, VIRTIO_MMIO_STATUS, AGREED);
    expect(vread(v, VIRTIO_MMIO_STATUS) == AGREED, "features above 63 were taken");
}

static void refuse_features(struct virtio *v, uint64_t features)
{
    expect(vreset(v) && !vagree(v, features), "the features are accepted");
    expect(vread(v, VIRTIO_MMIO_STATUS) == DRIVING, "FEATURES_OK changes another bit");
}

static void t22(struct virtio *v)
{
    uint64_t offered = vfeatures(v);
    for (unsigned bit = 0; bit < 64; bit++) {
        if ((offered >> bit & 1) == 0) {
            refuse_features(v, VERSION_1 | FEATURE(bit));
        }
    }
}

static void t23(struct virtio *v)
{
    const uint64_t wrong[] = {
        FEATURE(VIRTIO_NET_F_HOST_TSO4),
        FEATURE(VIRTIO_NET_F_HOST_TSO6),
        FEATURE(VIRTIO_NET_F_GUEST_TSO4),
        FEATURE(VIRTIO_NET_F_GUEST_TSO6) | FEATURE(VIRTIO_NET_F_CSUM),
        FEATURE(VIRTIO_NET_F_CTRL_RX),
        FEATURE(VIRTIO_NET_F_MQ),
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        refuse_features(v, VERSION_1 | wrong[i]);
    }
}

static void t24(struct virtio *v)
{
    refuse_features(v, 0);
    refuse_features(v, INDIRECT);
}

static void t25(struct virtio *v)
{
    vbegin_with(v, VERSION_1, RING_SIZE);
    for (uint32_t half = 0; half < 2; half++) {
        vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        vwrite(v, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
    }
    expect(vread(v, VIRTIO_MMIO_STATUS) == WORKING, "features after FEATURES_OK change Status");
    expect_request(v, 0); /* with EVENT_IDX, nothing else would be seen of it */
    vwrite(v, VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
    expect_request(v, 4);
    expect(vcauses(v) != 0, "features after FEATURES_OK count");
}

/* Whether writing `value` to Status leaves it as it is. */
static void ignore_status(const struct virtio *v, uint32_t value)
{
    uint32_t before = vread(v, VIRTIO_MMIO_STATUS);
    vwrite(v, VIRTIO_MMIO_STATUS, value);
    expect(vread(v, VIRTIO_MMIO_STATUS) == before, "a status takes a step that is none");
}

static void t26(struct virtio *v)
{
    for (uint32_t value = 1; value < 0x100; value++) {
        if (value != FOUND && (value & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET) != 0 &&
            (value & 0x3f) != FOUND && (value & VIRTIO_CONFIG_S_FAILED) == 0) {
            ignore_status(v, value);
        }
    }
    vbegin(v);
    ignore_status(v, AGREED); /* clears DRIVER_OK */
    ignore_status(v, DRIVING);
    ignore_status(v, WORKING | 0x10);
    ignore_status(v, WORKING | 0x100);
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING | VIRTIO_CONFIG_S_FAILED);
    v->kind->put(v, 0);
    ring_offer(requests_of(v), 0);
    vkick(v, v->kind->requests);
    pause_us(1000);
    expect(ring_used(requests_of(v)) == 0, "it goes on after FAILED");
    ignore_status(v, WORKING);
}

static void t27(struct virtio *v)
{
    for (unsigned i = 0; i < 10; i++) {
        mem_begin();
        vbegin(v);
        put_much(v);
        expect(vreset(v), "Status does not read 0 after a reset");
        expect_quiet(v);
    }
}

/* A reset after so many steps of a driver's life. */
static void live(struct virtio *v, uint32_t steps)
{
    const uint32_t statuses[] = { FOUND, DRIVING };
    mem_begin();
    vreset(v);
    for (uint32_t i = 0; i < steps && i < COUNT(statuses); i++) {
        vwrite(v, VIRTIO_MMIO_STATUS, statuses[i]);
    }
    if (steps > COUNT(statuses)) {
        vbegin(v);
    }
    if (steps > 3) {
        put_much(v);
    }
    if (steps > 4) {
        ring_wait(v, requests_of(v), IN_FLIGHT);
    }
    expect(vreset(v), "Status does not read 0 after a reset");
}

static void t28(struct virtio *v)
{
    for (uint32_t i = 0; i < RESET_CYCLES; i++) {
        live(v, i * 7 % 11 % 6);
    }
    mem_begin();
}

static void t29(struct virtio *v)
{
    vbegin(v);
    expect_request(v, 0);
    expect(vcauses(v) != 0, "no interrupt for a used buffer");
    uint32_t causes = vread(v, VIRTIO_MMIO_INTERRUPT_STATUS);
    vwrite(v, VIRTIO_MMIO_INTERRUPT_ACK, ~causes);
    expect(vread(v, VIRTIO_MMIO_INTERRUPT_STATUS) == causes, "another bit acknowledges");
    vwrite(v, VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
    expect(vread(v, VIRTIO_MMIO_INTERRUPT_STATUS) == 0, "an acknowledgement does not count");
    vwrite(v, VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
    expect_request(v, 4);
    expect(vcauses(v) != 0, "a later event has no interrupt");
}

/* The window's size is told when the driver has something to say. */
static void t30(struct virtio *v)
{
    vbegin_with(v, VERSION_1 | FEATURE(VIRTIO_CONSOLE_F_SIZE), RING_SIZE);
    uint32_t before = vread(v, VIRTIO_MMIO_CONFIG_GENERATION);
    expect_request(v, 0);
    expect(vread(v, VIRTIO_MMIO_CONFIG_GENERATION) != before, "the generation stays the same");
    expect((vread(v, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG) != 0,
           "no interrupt for a change");
}

static void t31(struct virtio *v)
{
    const uint32_t queue_reset = 0x0c0; /* 4.2.2; not in the kernel's header */
    vbegin(v);
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, v->kind->requests);
    vwrite(v, queue_reset, 1);
    expect(vread(v, queue_reset) == 0, "QueueReset reads");
    expect(vread(v, VIRTIO_MMIO_QUEUE_READY) == 1, "QueueReset resets without RING_RESET");
    expect_request(v, 0);
}

static void t32(struct virtio *v)
{
    const uint32_t regions[] = { 0, 1, 0xff, UINT32_MAX };
    for (size_t i = 0; i < COUNT(regions); i++) {
        vwrite(v, VIRTIO_MMIO_SHM_SEL, regions[i]);
        expect(vread(v, VIRTIO_MMIO_SHM_LEN_LOW) == UINT32_MAX &&
                   vread(v, VIRTIO_MMIO_SHM_LEN_HIGH) == UINT32_MAX,
               "there is shared memory");
    }
}

/* Loads and stores whose syndrome says nothing; x0 is the address. */
static void t33(struct virtio *v)
{
    static const uint32_t instructions[] = {
        0x29400c02, /* ldp w2, w3, [x0] */
        0xa9400c02, /* ldp x2, x3, [x0] */
        0x29000c02, /* stp w2, w3, [x0] */
        0x885f7c02, /* ldxr w2, [x0] */
        0x3dc00000, /* ldr q0, [x0] */
        0xbd400000, /* ldr s0, [x0] */
        0x3d800000, /* str q0, [x0] */
        0x0c407800, /* ld1 {v0.2s}, [x0] */
        0xb8404401, /* ldr w1, [x0], #4 */
        0xb8404c01, /* ldr w1, [x0, #4]! */
        0xb8004401, /* str w1, [x0], #4 */
        0xd5087620, /* dc ivac, x0: nothing, or an abort */
    };
    for (size_t i = 0; i < COUNT(instructions); i++) {
        bool is_cache = i + 1 == COUNT(instructions);
        watch_exceptions();
        uint64_t after = run_instruction(instructions[i], v->base + VIRTIO_MMIO_QUEUE_SEL);
        unsigned seen = exceptions_seen();
        expect(is_cache || (seen == 1 && last_was_external_abort()),
               "an access that can't be decoded is no external abort");
        expect(after == v->base + VIRTIO_MMIO_QUEUE_SEL, "an aborted access writes its base back");
    }
    watch_exceptions();
    run_instruction(0xd503201f, v->base); /* nop: the buffer itself works */
    expect(exceptions_seen() == 0, "a plain instruction is an exception");
}

static void notify_for_ever(void *v)
{
    for (unsigned i = 0; i < 20000; i++) {
        vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, ((struct virtio *)v)->kind->requests);
    }
}

static void t34(struct virtio *v)
{
    expect(second_run(notify_for_ever, v), "there is no second vCPU");
    for (unsigned i = 0; i < 50; i++) {
        live(v, 5 - i % 3);
    }
    while (second_is_busy()) {
        pause_us(100);
    }
    mem_begin();
}

static const struct row rows[] = {
    { "T19", "a queue stopped with requests in flight, placed anew", EACH, t19 },
    { "T20", "an address written twice", EACH, t20 },
    { "T21", "features above 63", EACH, t21 },
    { "T22", "features that are not offered", EACH, t22 },
    { "T23", "features without those that they need", NET, t23 },
    { "T24", "no VERSION_1", EACH, t24 },
    { "T25", "features after FEATURES_OK", EACH, t25 },
    { "T26", "steps of Status that are none, FAILED", EACH, t26 },
    { "T27", "a reset with requests in flight", EACH, t27 },
    { "T28", "resets at any point of a driver's life", EACH, t28 },
    { "T29", "acknowledgements of what was not raised", EACH, t29 },
    { "T30", "a configuration that changes", CONSOLE, t30 },
    { "T31", "QueueReset without RING_RESET", EACH, t31 },
    { "T32", "shared memory regions", EACH, t32 },
    { "T33", "LDP, LDXR, SIMD, write-back on registers", EACH, t33 },
    { "T34", "one vCPU notifies while the other resets", EACH, t34 },
};

const struct section section_t_life = SECTION('T', rows);
