/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows N of the bad-input catalogue: frames, headers and buffers that make no sense. */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

#include <stdlib.h>

#define NEEDS_CSUM VIRTIO_NET_HDR_F_NEEDS_CSUM
#define TCPV4      VIRTIO_NET_HDR_GSO_TCPV4
#define TCPV6      VIRTIO_NET_HDR_GSO_TCPV6

static const struct virtio_net_hdr_v1 plain = { 0 };

/* Whether the card passes such a frame on. One that it drops goes back, counted, and harms nobody.
 */
static bool passes(const struct virtio_net_hdr_v1 *header, uint32_t bytes)
{
    uint64_t before = net.dropped;
    submit(0, header, BUFFERS_GPA, bytes);
    snapshot();
    kick(TX);
    bool passed = num_sents == 1;
    assert_int_equal(net.dropped - before, !passed);
    if (passed) {
        assert_int_equal(sents[0].bytes, bytes);
        switch_done(0);
        switch_signal();
    }
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(net.device.guest_errors, 0);
    guest_assert_untouched(&guest);
    return passed;
}

static void n1_n14_shorter_than_a_header(void **state)
{
    (void)state;
    drive(ALL);
    set_header(0, &plain);
    for (unsigned bytes = 1; bytes < 12; bytes++) {
        ring_set(&rings[TX], 0, HEADER(0), bytes, 0, 0);
        ring_offer(&rings[TX], 0);
        kick(TX);
        assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    }
    assert_int_equal(net.dropped, 11);
    assert_int_equal(log_lines, 4); /* 1, 2, 4, 8 */
    assert_int_equal(num_sents, 0);
    assert_int_equal(net.port.sending, 0);
}

static void n2_n3_frame_lengths(void **state)
{
    static const struct virtio_net_hdr_v1 tso = { NEEDS_CSUM, TCPV4, 54, 1448, { { 34, 16 } }, 0 };
    (void)state;
    drive(ALL);
    for (uint32_t bytes = 0; bytes <= MTU + 100; bytes++) {
        assert_int_equal(passes(&plain, bytes), bytes >= 14 && bytes <= MTU + 22);
    }
    assert_false(passes(&plain, 65535));
    assert_false(passes(&plain, 0x20000));
    for (uint32_t bytes = 65535 + 22 - 4; bytes < 65535 + 22 + 4; bytes++) {
        assert_int_equal(passes(&tso, bytes), bytes <= 65535 + 22);
    }
}

/* The log names the length, the limit and the reason; each reason counts by itself. */
static void drops_are_told_with_their_reason(void **state)
{
    static const struct {
        uint64_t features;
        struct virtio_net_hdr_v1 header;
        uint32_t bytes;
        const char *told;
    } rows[] = {
        { BASE, { 0 }, 1526, "dropped: frame of 1526 bytes; at most 1522 with this MTU (1 such" },
        { BASE, { 0 }, 13, "dropped: frame of 13 bytes; at least 14 (1 such until now)" },
        { BASE, { NEEDS_CSUM, 0, 0, 0, { { 34, 16 } }, 0 }, 60, "without VIRTIO_NET_F_CSUM" },
        { ALL, { NEEDS_CSUM, 0, 0, 0, { { 34, 25 } }, 0 }, 60, "its checksum field is not" },
        { ALL, { NEEDS_CSUM, 9, 0, 1, { { 34, 16 } }, 0 }, 60, "a gso_type that is not" },
        { ALL, { NEEDS_CSUM, TCPV4, 0, 0, { { 34, 16 } }, 0 }, 60, "gso_type without gso_size" },
        { ALL, { 0, TCPV4, 0, 1, { { 34, 16 } }, 0 }, 60, "gso_type without checksum offload" },
        { ALL,
          { NEEDS_CSUM, TCPV4, 0, 1448, { { 34, 16 } }, 0 },
          65558,
          "frame of 65558 bytes; at most 65557 to be cut into segments" },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        drive(rows[i].features);
        assert_false(passes(&rows[i].header, rows[i].bytes));
        if (log_lines != 2 * i + 1 || strstr(log_last, rows[i].told) == NULL) {
            fail_msg("row %u: %s", i, log_last);
        }
        assert_false(passes(&rows[i].header, rows[i].bytes));
        assert_false(passes(&rows[i].header, rows[i].bytes));
        assert_int_equal(log_lines, 2 * (i + 1)); /* 1, 2 */
    }
}

static void n3_lengths_whose_sum_wraps(void **state)
{
    (void)state;
    drive(ALL);
    struct vring_desc *table = guest_at(&guest, TABLE);
    set_header(0, &plain);
    table[0] = (struct vring_desc){ HEADER(0), 12, NEXT, 1 };
    for (unsigned i = 1; i < 255; i++) {
        table[i] = (struct vring_desc){ RAM_GPA, RAM_BYTES, i < 254 ? NEXT : 0, (uint16_t)(i + 1) };
    }
    ring_set(&rings[TX], 0, TABLE, 255 * 16, INDIRECT, 0);
    ring_offer(&rings[TX], 0);
    kick(TX);
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(net.dropped, 1);
}

struct row {
    uint64_t features;
    struct virtio_net_hdr_v1 header;
    uint32_t bytes;
    bool passes;
};

#define HOST BASE | F_HOST
#define TSO(type, hdr_len, size, start, offset)                                                    \
    {                                                                                              \
        NEEDS_CSUM, type, hdr_len, size, { { start, offset } }, 0                                  \
    }

static const struct row n4_rows[] = {
    { HOST, TSO(TCPV4, 54, 1448, 34, 16), 4000, true },
    { HOST, TSO(TCPV6, 74, 1428, 54, 16), 4000, true },
    { BASE | F(CSUM), TSO(TCPV4, 54, 1448, 34, 16), 4000, false }, /* not negotiated */
    { BASE | F(CSUM) | F(HOST_TSO4), TSO(TCPV4, 54, 1448, 34, 16), 4000, true },
    { BASE | F(CSUM) | F(HOST_TSO4), TSO(TCPV6, 74, 1428, 54, 16), 4000, false },
    { BASE | F(CSUM) | F(HOST_TSO6), TSO(TCPV4, 54, 1448, 34, 16), 4000, false },
    { BASE | F(CSUM) | F(HOST_TSO6), TSO(TCPV6, 74, 1428, 54, 16), 4000, true },
    { BASE, TSO(TCPV4, 54, 1448, 34, 16), 4000, false },
    { HOST, TSO(TCPV4, 54, 0, 34, 16), 4000, false },     /* gso_size 0 */
    { HOST, TSO(TCPV4, 54, 65535, 34, 16), 4000, true },  /* one segment */
    { HOST, TSO(TCPV4, 65535, 100, 34, 16), 4000, true }, /* hdr_len: see check_header() */
    { HOST, TSO(TCPV4, 0, 100, 34, 16), 4000, true },
    { HOST, TSO(TCPV4, 4001, 100, 34, 16), 4000, true },
    { HOST, TSO(TCPV4, 54, 100, 34, 16), 51, false }, /* no room for the checksum */
    { HOST, TSO(TCPV4, 54, 100, 0xfff0, 16), 65537, false },
    { HOST, { 0, TCPV4, 54, 1448, { { 34, 16 } }, 0 }, 4000, false }, /* without NEEDS_CSUM */
    { HOST, TSO(TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 54, 1448, 34, 16), 4000, false },
    { HOST, TSO(VIRTIO_NET_HDR_GSO_UDP, 42, 1448, 34, 6), 4000, false },
    { HOST, TSO(2, 54, 1448, 34, 16), 4000, false },
    { HOST, TSO(5, 54, 1448, 34, 16), 4000, false },
    { HOST, TSO(0x80, 54, 1448, 34, 16), 100, false },
    { HOST, TSO(0xff, 54, 1448, 34, 16), 4000, false },
    { HOST, TSO(0, 54, 1448, 34, 16), 100, true }, /* gso_size does not count */
};

static const struct row n5_rows[] = {
    { HOST, TSO(0, 0, 0, 34, 16), 60, true },
    { BASE, TSO(0, 0, 0, 34, 16), 60, false }, /* CSUM not negotiated */
    { HOST, TSO(0, 0, 0, 34, 24), 60, true },
    { HOST, TSO(0, 0, 0, 34, 25), 60, false },
    { HOST, TSO(0, 0, 0, 58, 0), 60, true },
    { HOST, TSO(0, 0, 0, 59, 0), 60, false },
    { HOST, TSO(0, 0, 0, 60, 0), 60, false },
    { HOST, TSO(0, 0, 0, 13, 16), 60, false }, /* over the addresses */
    { HOST, TSO(0, 0, 0, 0, 0), 60, false },
    { HOST, TSO(0, 0, 0, 65535, 0), 60, false },
    { HOST, TSO(0, 0, 0, 34, 65535), 60, false },
    { HOST, TSO(0, 0, 0, 65535, 65535), 60, false }, /* 16 bits would wrap */
    { HOST, TSO(0, 0, 0, 40, 65514), 60, false },
    /* N6: without the flag they do not count, nor do other flags. */
    { HOST, { 0, 0, 0, 0, { { 65535, 65535 } }, 0 }, 60, true },
    { HOST, { 0xfe, 0, 77, 99, { { 65535, 65535 } }, 9 }, 60, true },
    { BASE, { 0xfe, 0, 77, 99, { { 1, 1 } }, 9 }, 60, true },
};

static void check_rows(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        drive(rows[i].features);
        if (passes(&rows[i].header, rows[i].bytes) != rows[i].passes) {
            fail_msg("row %u", i);
        }
    }
    assert_works_after_reset();
}

static void n4_segmentation(void **state)
{
    (void)state;
    check_rows(n4_rows, sizeof(n4_rows) / sizeof(n4_rows[0]));
}

static void n5_n6_checksums(void **state)
{
    (void)state;
    check_rows(n5_rows, sizeof(n5_rows) / sizeof(n5_rows[0]));
}

/* N7: the card reads no byte of a frame; the switch's check_header() sees each header that passes.
 */
static void n7_any_header(void **state)
{
    (void)state;
    srand(7);
    drive(ALL);
    unsigned passed = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct virtio_net_hdr_v1 header = {
            .flags = (uint8_t)(rand() % 4),
            .gso_type = (uint8_t)(rand() % 6),
            .hdr_len = (uint16_t)rand(),
            .gso_size = (uint16_t)(rand() % 3),
            .csum_start = (uint16_t)(rand() % 2 ? rand() : rand() % 100),
            .csum_offset = (uint16_t)(rand() % 2 ? rand() : rand() % 100),
        };
        passed += passes(&header, (uint32_t)rand() % 200);
    }
    assert_in_range(passed, 500, 15000);
}

/* ---- Receive ---------------------------------------------------------------------------------*/

static void n8_a_frame_longer_than_its_buffer(void **state)
{
    static uint8_t frame[1514];
    (void)state;
    drive(BASE);
    post(0, BUF(0), 1000);
    kick(RX);
    snapshot();
    assert_false(switch_deliver(&plain, frame, sizeof(frame)));
    switch_signal();
    ring_assert_nothing_used(&rings[RX]);
    guest_assert_untouched(&guest);
    assert_true(switch_deliver(&plain, frame, 988)); /* the buffer is still there */
    switch_signal();
    assert_int_equal(ring_take_used(&rings[RX], 0), 1000);
    assert_works_after_reset();
}

/* One-byte descriptors make a buffer, one-byte buffers break the rule (5.1.6.3.1). */
static void n9_small_buffers(void **state)
{
    static uint8_t frame[60];
    (void)state;
    drive(ALL);
    for (unsigned n = 0; n < 4; n++) {
        post(n, BUF(n), 12);
    }
    kick(RX);
    assert_false(switch_deliver(&plain, frame, sizeof(frame))); /* all or nothing */
    assert_true(switch_deliver(&plain, frame, 36));
    switch_signal();
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(ring_take_used(&rings[RX], n), 12);
    }
    assert_int_equal(((struct virtio_net_hdr_v1 *)guest_at(&guest, BUF(0)))->num_buffers, 4);
    for (unsigned bytes = 1; bytes < 12; bytes += 10) {
        drive(ALL);
        post(0, BUF(0), 2048);
        post(1, BUF(1), bytes);
        snapshot();
        kick(RX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
        assert_non_null(strstr(log_last, "shorter than a header"));
        assert_false(switch_is_open());
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
}

static void n10_readable_receive_buffers(void **state)
{
    (void)state;
    for (unsigned mixed = 0; mixed < 2; mixed++) {
        drive(ALL);
        ring_set(&rings[RX], 0, BUF(0), 64, mixed ? NEXT : 0, 1);
        ring_set(&rings[RX], 1, BUF(1), 2048, WRITE, 0);
        ring_offer(&rings[RX], 0);
        snapshot();
        kick(RX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
        assert_non_null(strstr(log_last, "readable buffer in the receive queue"));
        assert_false(switch_is_open());
        ring_assert_nothing_used(&rings[RX]);
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
}

static void n10_writable_transmit_buffers(void **state)
{
    (void)state;
    drive(ALL);
    send_plain(0, BUF(0), 60);
    ring_desc(&rings[TX], 1)->flags = WRITE;
    snapshot();
    kick(TX);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_non_null(strstr(log_last, "writable buffer in the transmit queue"));
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

static void n11_no_buffers_then_some(void **state)
{
    static uint8_t frame[60];
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(switch_deliver(&plain, frame, sizeof(frame)));
        virtio_net_notified(&net);
    }
    assert_false(guest.irq_level);
    post(0, BUF(0), 2048);
    kick(RX);
    assert_true(switch_deliver(&plain, frame, sizeof(frame)));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[RX], 0), 72);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(n1_n14_shorter_than_a_header),
        TEST(n2_n3_frame_lengths),
        TEST(drops_are_told_with_their_reason),
        TEST(n3_lengths_whose_sum_wraps),
        TEST(n4_segmentation),
        TEST(n5_n6_checksums),
        TEST(n7_any_header),
        TEST(n8_a_frame_longer_than_its_buffer),
        TEST(n9_small_buffers),
        TEST(n10_readable_receive_buffers),
        TEST(n10_writable_transmit_buffers),
        TEST(n11_no_buffers_then_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
