/* SPDX-License-Identifier: BSD-2-Clause */
/* Section C: the console. Whoever types the section's letter types more, which nobody reads. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define WRITE        VRING_DESC_F_WRITE
#define LONG_BYTES   70000u /* more than the serial queue's 64 KiB */
#define LINE_BYTES   100u
#define FLOOD        60u
#define EMERG_WR     (VIRTIO_MMIO_CONFIG + offsetof(struct virtio_console_config, emerg_wr))

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static volatile uint8_t *lines(uint32_t bytes)
{
    volatile uint8_t *text = mem_take(bytes, 8, MEM_DRIVER);
    for (uint32_t i = 0; i < bytes; i++) {
        text[i] = (i + 1) % LINE_BYTES == 0 ? '\n' : '.';
    }
    return text;
}

/* A writable buffer to send; a readable one for input, which is refused when there is some. */
static void c1(struct virtio *v)
{
    vbegin(v);
    desc_set(requests_of(v)->desc, mem_take(16, 8, MEM_DEVICE), 16, WRITE, 0);
    ring_offer(requests_of(v), 0);
    expect_needs_reset(v);
    vreset(v);
    vbegin(v);
    struct ring *input = &v->rings[CONSOLE_RX];
    desc_set(input->desc, mem_take(16, 8, MEM_DRIVER), 16, 0, 0);
    ring_offer(input, 0);
    for (unsigned i = 0; i < 1000 && !vneeds_reset(v); i++) {
        vkick(v, CONSOLE_RX);
        pause_us(1000);
    }
    expect(vneeds_reset(v) && ring_used(input) == 0, "input goes into a readable buffer");
}

static void c2(struct virtio *v)
{
    vbegin(v);
    desc_set(requests_of(v)->desc, lines(LONG_BYTES), LONG_BYTES, 0, 0);
    expect_used(v, 0);
}

static void c3(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    vbegin(v);
    desc_set(ring->desc, lines(LINE_BYTES), LINE_BYTES, 0, 0);
    for (unsigned i = 0; i < FLOOD; i++) {
        expect_used(v, 0);
    }
}

/* Whoever types gets no echo and stops nobody; what was kept comes when there is a buffer. */
static void c4(struct virtio *v)
{
    vbegin(v);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(v, 0);
        pause_us(100000);
    }
    volatile uint8_t *typed = post_buffers(v, CONSOLE_RX, 1, 64);
    expect(ring_wait(v, &v->rings[CONSOLE_RX], 1), "what was typed does not come");
    expect(*typed == '.', "something else comes than was typed");
}

static void c5(struct virtio *v)
{
    for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
        store(v->base + EMERG_WR, bytes, '!');
    }
    vbegin(v);
    store(v->base + EMERG_WR, 4, '!');
    expect(load(v->base + EMERG_WR, 4) == 0, "emerg_wr is written");
}

/* What moves the input when it is typed, and what a terminal obeys. */
static void c8(struct virtio *v)
{
    static const char said[] = "\x1c"
                               "0\r\x1c"
                               "0\n@0\r@1\n\x1b]0;hostile\x07\x1b[?25h\n";
    vbegin(v);
    volatile uint8_t *text = mem_take(sizeof(said), 8, MEM_DRIVER);
    for (size_t i = 0; i < sizeof(said) - 1; i++) {
        text[i] = (uint8_t)said[i];
    }
    desc_set(requests_of(v)->desc, text, sizeof(said) - 1, 0, 0);
    expect_used(v, 0);
}

static const struct row rows[] = {
    { "C1", "buffers of the wrong direction", CONSOLE, c1 },
    { "C2", "output longer than the serial queue", CONSOLE, c2 },
    { "C3", "a flood of output", CONSOLE, c3 },
    { "C4", "input that nobody takes", CONSOLE, c4 },
    { "C5", "emergency output that is not offered", CONSOLE, c5 },
    { "C8", "output that looks like commands", CONSOLE, c8 },
};

const struct section section_c = SECTION('C', rows);
