/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/libc/format.h"
#include "tests/hostile/device_list.h"
#include "tests/hostile/fdt.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/hostile_virtio.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define MAX_DEVICES  8u
#define LIVES        50u /* of row S6 */
#define LIVES_MAGIC  0x6c6976657320736full
#define SYSTEM_OFF   0x84000008u
#define SYSTEM_RESET 0x84000009u

void main(const void *fdt);

static struct virtio devices[MAX_DEVICES];
static unsigned num_devices;
static const char *failure;

static const struct section *const sections[] = {
    &section_t, &section_t_life, &section_q, &section_d, &section_d_raced, &section_b,
    &section_n, &section_c,      &section_v, &section_r, &section_s,       &section_s_cpu,
};

void say(const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    size_t length = format_text_v(line, sizeof(line), format, args);
    va_end(args);
    for (size_t i = 0; i <= length; i++) {
        while ((load32(PL011_BASE + 0x18) & 1u << 5) != 0) { /* UARTFR.TXFF */
        }
        store32(PL011_BASE, i < length ? (uint8_t)line[i] : '\n');
    }
}

void expect(bool holds, const char *otherwise)
{
    if (!holds && failure == NULL) {
        failure = otherwise;
    }
}

/* Returns where RAM ends. */
static uint64_t find_devices(const void *fdt)
{
    struct fdt_node node;
    uint32_t at = 0;
    while (num_devices < MAX_DEVICES && fdt_next(fdt, "virtio_mmio@", &at, &node)) {
        struct virtio *v = &devices[num_devices];
        *v = (struct virtio){ .base = node.address, .intid = node.intid };
        v->kind = kind_of(vread(v, VIRTIO_MMIO_DEVICE_ID));
        num_devices += v->kind != NULL ? 1 : 0;
    }
    at = 0;
    return fdt_next(fdt, "memory@", &at, &node) ? node.address + node.bytes : 0;
}

/* With oracles O2 and O4: memory is intact, and the device works after a reset. */
static void play_with(const struct row *row, struct virtio *v)
{
    mem_begin();
    expect(vreset(v), "it is not reset");
    row->play(v);
    expect(vreset(v), "Status does not read 0 after a reset");
    expect(mem_is_intact(), "it has written where it may not");
    mem_begin();
    if (vbegin(v)) {
        expect_request(v, 0);
    }
    expect(vreset(v) && mem_is_intact(), "after a good request memory is not as it was");
}

/* Returns whether the row holds. */
static bool play(const struct row *row)
{
    const char *with = "";
    failure = NULL;
    if (row->devices == NONE) {
        mem_begin();
        row->play(NULL);
        expect(mem_is_intact(), "memory is not as it was");
    }
    for (unsigned i = 0; failure == NULL && i < num_devices; i++) {
        if ((row->devices & devices[i].kind->bit) != 0) {
            with = devices[i].kind->name;
            play_with(row, &devices[i]);
        }
    }
    if (failure != NULL) {
        say("%s FAILED: %s%s%s", row->name, with, *with != '\0' ? ": " : "", failure);
    } else {
        say("%s %s", row->name, row->devices == NONE || *with != '\0' ? "ok" : "absent");
    }
    return failure == NULL;
}

/* A section may be told in several tables. */
static void play_sections(char letter)
{
    unsigned played = 0, failed = 0;
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        for (unsigned j = 0; letter == sections[i]->letter && j < sections[i]->num_rows; j++) {
            failed += play(&sections[i]->rows[j]) ? 0 : 1;
            played++;
        }
    }
    say("%c: %u rows, %u failed", letter, played, failed);
}

#define TYPED_BYTES 256u

/* Waits for a letter: on the console, which no row is using then. What else is typed is dropped. */
static char key(struct virtio *console)
{
    char letter = 0;
    mem_begin();
    expect(vbegin(console), "there is no console");
    struct ring *ring = &console->rings[CONSOLE_RX];
    volatile uint8_t *typed = post_buffers(console, CONSOLE_RX, 1, TYPED_BYTES);
    gic_begin();
    gic_enable(console->intid);
    while (letter == 0) {
        while (ring_used(ring) == 0) {
            wait_for_interrupt();
        }
        uint32_t length = ring_take(ring).len;
        for (uint32_t i = 0; i < length; i++) {
            letter = (typed[i] | 0x20) >= 'a' && (typed[i] | 0x20) <= 'z' ? (char)typed[i] : letter;
        }
        vwrite(console, VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
        ring_offer(ring, 0);
        vwrite(console, VIRTIO_MMIO_QUEUE_NOTIFY, CONSOLE_RX);
        gic_take();
    }
    vreset(console);
    gic_end();
    return letter;
}

/* ---- S6, S9: an end in the middle of work
 * --------------------------------------------------------*/

/* At the end of RAM, which a reboot leaves as it was. */
struct lives {
    uint64_t magic;
    uint64_t left;
};

static volatile struct lives *lives_at(uint64_t ram_end)
{
    return (volatile struct lives *)(ram_end - sizeof(struct lives));
}

static void begin_work(struct virtio *v)
{
    if (vbegin(v)) {
        v->kind->put(v, 0);
        ring_offer(requests_of(v), 0);
        if (v->kind->requests > 0) {
            post_buffers(v, 0, 4, 2048);
        }
        vkick(v, v->kind->requests);
    }
}

/* Ends this life by a call of the firmware; `left` further ones are to be lived. */
static void end_life(uint64_t call, uint64_t left)
{
    mem_begin();
    for (unsigned i = 0; i < num_devices; i++) {
        begin_work(&devices[i]);
    }
    lives_at(mem_end())->magic = LIVES_MAGIC;
    lives_at(mem_end())->left = left;
    smc(call, 0, 0, 0);
}

/* Takes over memory; goes on where the last life has ended, if there was one. */
static void begin_life(uint64_t ram_end)
{
    bool was_living = lives_at(ram_end)->magic == LIVES_MAGIC;
    uint64_t left = lives_at(ram_end)->left;
    mem_init(ram_end);
    if (was_living && left > 0) {
        end_life(SYSTEM_RESET, left - 1);
    } else if (was_living) {
        say("S6 ok");
        say("r: 1 rows, 0 failed");
    }
}

void main(const void *fdt)
{
    uint64_t ram_end = find_devices(fdt);
    say("hostile: %u devices", num_devices);
    begin_life(ram_end);
    for (;;) {
        char letter = key(&devices[0]);
        if (letter >= 'A' && letter <= 'Z') {
            play_sections(letter);
        } else if (letter == 'r') {
            end_life(SYSTEM_RESET, LIVES);
        } else if (letter == 'o') {
            end_life(SYSTEM_OFF, 0);
        }
    }
}
