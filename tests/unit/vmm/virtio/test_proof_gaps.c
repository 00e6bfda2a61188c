/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Eva cannot show (tests/proof/alarms.txt): that a place and a length which were checked
 * together belong together. Small sizes, all of them, each in memory of exactly its size, under
 * AddressSanitizer.
 */
#include "io/virt/blk/gpt.h"
#include "vmm/virtio/queue.h"
#include "vmm/virtio/virtio_abi.h"

#include <sddf/serial_queue.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <setjmp.h> /* behind stdarg.h and stddef.h, as cmocka.h wants it */

#include <cmocka.h>

#define GPA   0x1000u
#define LONG  UINT64_MAX /* beside all small numbers, one whose sums overflow */
#define SMALL 40u

/* ---- guest_ram_at() --------------------------------------------------------------------------*/

static void what_is_ram_lies_in_it(void **state)
{
    uint8_t bytes[SMALL];
    struct guest_ram ram = { bytes, GPA, SMALL };
    (void)state;
    for (uint64_t gpa = GPA - 2; gpa <= GPA + SMALL + 2; gpa++) {
        for (uint64_t n = 0; n <= SMALL + 2; n++) {
            bool inside = gpa >= GPA && gpa < GPA + SMALL && gpa + n <= GPA + SMALL;
            assert_ptr_equal(guest_ram_at(&ram, gpa, n), inside ? bytes + (gpa - GPA) : NULL);
            assert_null(guest_ram_at(&ram, gpa, LONG - n));
            assert_null(guest_ram_at(&ram, LONG - gpa, n));
        }
    }
}

/* ---- partition_bytes() -----------------------------------------------------------------------*/

static void assert_in_windows(const struct partition_disk *disk, uint64_t sector, uint64_t n)
{
    uint64_t disk_bytes = disk->blocks * 4096, at = sector * disk->sector_bytes;
    const uint8_t *found = partition_bytes(disk, sector, n);
    if (found == NULL) {
        return;
    }
    assert_true(at < disk_bytes && n <= disk_bytes - at);
    if (at <= disk->window_bytes && n <= disk->window_bytes - at) {
        assert_ptr_equal(found, disk->head + at);
    } else {
        uint64_t skip = at - (disk_bytes - disk->window_bytes);
        assert_true(skip <= disk->window_bytes && n <= disk->window_bytes - skip);
        assert_ptr_equal(found, disk->tail + skip);
    }
}

static void what_is_read_of_a_disk_lies_in_a_window(void **state)
{
    static uint8_t head[PARTITION_WINDOW], tail[PARTITION_WINDOW];
    (void)state;
    for (uint64_t blocks = 1; blocks <= 18; blocks++) {
        uint32_t window = blocks < 8 ? (uint32_t)blocks * 4096 : PARTITION_WINDOW;
        for (uint32_t sector_bytes = 512; sector_bytes <= 4096; sector_bytes *= 2) {
            struct partition_disk disk = { head, tail, window, sector_bytes, blocks };
            for (uint64_t sector = 0; sector <= partition_disk_sectors(&disk) + 1; sector++) {
                for (uint64_t n = 0; n <= 2 * PARTITION_WINDOW + 128; n += 128) {
                    assert_in_windows(&disk, sector, n);
                }
                assert_null(partition_bytes(&disk, sector, LONG));
                assert_null(partition_bytes(&disk, LONG - sector, 512));
            }
        }
    }
}

/* ---- sDDF's serial queue ---------------------------------------------------------------------*/

#define MOST 8u

/* `claim`: how full the other side says that the queue is; more than the capacity is a lie. */
static void enqueue(uint32_t capacity, uint32_t tail, uint32_t claim, uint32_t count)
{
    uint8_t *data = malloc(capacity), *from = calloc(1, count > 0 ? count : 1);
    struct serial_queue queue = { .tail = tail, .head = tail - claim };
    struct serial_producer p = serial_queue_producer(&queue, data, capacity);
    uint32_t room = claim > capacity ? 0 : capacity - claim;
    assert_int_equal(serial_queue_enqueue(&p, from, count), count < room ? count : room);
    free(data);
    free(from);
}

static void dequeue(uint32_t capacity, uint32_t head, uint32_t claim, uint32_t count)
{
    uint8_t *data = calloc(1, capacity), *to = malloc(count > 0 ? count : 1);
    struct serial_queue queue = { .tail = head + claim, .head = head };
    struct serial_consumer c = serial_queue_consumer(&queue, data, capacity);
    uint32_t length = claim > capacity ? 0 : claim;
    const uint8_t *front;
    uint32_t piece = serial_queue_peek(&c, &front);
    assert_true(front >= data && piece <= capacity - (uint32_t)(front - data));
    for (uint32_t skip = 0; skip <= MOST + 2; skip++) {
        uint32_t left = skip < length ? length - skip : 0;
        assert_int_equal(serial_queue_copy(&c, skip, to, count), count < left ? count : left);
        assert_int_equal(serial_queue_copy(&c, UINT32_MAX - skip, to, count), 0);
    }
    assert_int_equal(serial_queue_dequeue(&c, to, count), count < length ? count : length);
    free(data);
    free(to);
}

static void serial_bytes_stay_in_their_region(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= MOST; capacity *= 2) {
        for (uint32_t at = 0; at < 2 * capacity; at++) {
            for (uint32_t claim = 0; claim <= capacity + 2; claim++) {
                for (uint32_t count = 0; count <= capacity + 2; count++) {
                    enqueue(capacity, at - capacity, claim, count);
                    enqueue(capacity, at, UINT32_MAX - claim, count);
                    dequeue(capacity, at - capacity, claim, count);
                    dequeue(capacity, at, UINT32_MAX - claim, count);
                }
            }
        }
    }
}

/* ---- virtq_chain_read(), virtq_chain_write() -------------------------------------------------*/

#define SEGMENTS 3u

/* Segments of the lengths that the base-3 digits of `lengths` say, and one. */
static void copy_chain(unsigned lengths, uint64_t offset, uint32_t count)
{
    struct virtq_segment segments[SEGMENTS];
    uint8_t *local = calloc(1, count > 0 ? count : 1), value = 0;
    uint32_t total = 0;
    for (unsigned i = 0; i < SEGMENTS; i++, lengths /= 3) {
        segments[i].bytes = 1 + lengths % 3;
        segments[i].at = malloc(segments[i].bytes);
        for (unsigned k = 0; k < segments[i].bytes; k++) {
            segments[i].at[k] = value++;
        }
        total += segments[i].bytes;
    }
    uint64_t left = offset < total ? total - offset : 0;
    uint32_t n = count < left ? count : (uint32_t)left;
    struct virtq_chain readable = { .segments = segments, .num_readable = SEGMENTS };
    struct virtq_chain writable = { .segments = segments, .num_writable = SEGMENTS };
    assert_int_equal(virtq_chain_read(&readable, offset, local, count), n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(local[i], offset + i);
    }
    assert_int_equal(virtq_chain_write(&writable, offset, local, count), n);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        free(segments[i].at);
    }
    free(local);
}

static void a_chains_bytes_are_its_segments(void **state)
{
    (void)state;
    for (unsigned lengths = 0; lengths < 27; lengths++) {
        for (uint32_t count = 0; count <= 3 * SEGMENTS + 2; count++) {
            for (uint64_t offset = 0; offset <= 3 * SEGMENTS + 2; offset++) {
                copy_chain(lengths, offset, count);
                copy_chain(lengths, LONG - offset, count);
            }
        }
    }
}

/* ---- Indirect tables -------------------------------------------------------------------------*/

#define SIZE      4u
#define RAM_BYTES 256u
#define AVAIL     64u
#define USED      80u
#define TABLES    128u /* behind the rings */

/* A chain of one reference to a table, which has as many entries as are RAM and no end. */
static void walk_table(uint64_t at, uint32_t length, uint16_t next)
{
    uint8_t *bytes = aligned_alloc(16, RAM_BYTES);
    struct guest_ram ram = { bytes, GPA, RAM_BYTES };
    struct virtq_layout layout = { GPA, GPA + AVAIL, GPA + USED, SIZE };
    struct virtq_segment segments[SIZE];
    struct virtq_chain chain = { .segments = segments };
    struct vring_desc entry = { GPA, 1, VRING_DESC_F_NEXT, next };
    struct vring_desc head = { GPA + at, length, VRING_DESC_F_INDIRECT, 0 };
    struct virtq q;
    memset(bytes, 0, RAM_BYTES);
    for (uint64_t i = at; i + sizeof(entry) <= RAM_BYTES; i += sizeof(entry)) {
        memcpy(bytes + i, &entry, sizeof(entry));
    }
    memcpy(bytes, &head, sizeof(head));
    bytes[AVAIL + 2] = 1; /* its index */
    virtq_init(&q, &ram, SIZE);
    assert_true(virtq_start(&q, &layout, VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)));
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_ERROR);
    free(bytes);
}

static void d19_d22_a_walk_stays_in_its_table(void **state)
{
    (void)state;
    for (uint64_t at = TABLES; at <= RAM_BYTES + 1; at++) {
        for (uint32_t length = 0; length <= RAM_BYTES - TABLES + 16; length++) {
            for (uint16_t next = 0; next <= (RAM_BYTES - TABLES) / 16; next++) {
                walk_table(at, length, next);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_ram_lies_in_it),
        cmocka_unit_test(what_is_read_of_a_disk_lies_in_a_window),
        cmocka_unit_test(serial_bytes_stay_in_their_region),
        cmocka_unit_test(a_chains_bytes_are_its_segments),
        cmocka_unit_test(d19_d22_a_walk_stays_in_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
