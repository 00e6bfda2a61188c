/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/emulated_pl011.h"

#include "tests/unit/vmm/virtio/virtio_serial_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h wants the ones above before it. */
#include <cmocka.h>

#define DR      0x000
#define FR      0x018
#define FR_RXFE 0x10u
#define FR_TXFF 0x20u
#define FR_BUSY 0x08u

static struct pl011 uart;
static struct mmio_region region;

static int setup(void **state)
{
    (void)state;
    rig_create();
    pl011_init(&uart, &rig.port);
    region = pl011_region(&uart, 0x9000000, 0x1000);
    return 0;
}

static uint32_t read32(uint64_t offset)
{
    return (uint32_t)region.read(region.device, offset, 4);
}

static void write32(uint64_t offset, uint32_t value)
{
    region.write(region.device, offset, 4, value);
}

static void put(const char *text)
{
    for (; *text != '\0'; text++) {
        region.write(region.device, DR, 1, (uint8_t)*text);
    }
}

static void assert_printed(const char *text)
{
    char got[RIG_BYTES + 1] = { 0 };
    rig_print(got, RIG_BYTES);
    assert_string_equal(got, text);
}

static void whole_lines_go_out_at_once(void **state)
{
    (void)state;
    put("Booting Linux");
    assert_printed("");
    assert_int_equal(tx_notified, 0);
    put("\n");
    assert_int_equal(tx_notified, 1);
    assert_printed("Booting Linux\n");
}

static void half_a_line_waits_for_a_flush(void **state)
{
    (void)state;
    put("login: ");
    pl011_flush(&uart);
    assert_printed("login: ");
    pl011_flush(&uart);
    assert_int_equal(tx_notified, 1);
}

static void a_tick_breaks_no_line_that_is_being_written(void **state)
{
    (void)state;
    put("Booting");
    pl011_tick(&uart);
    assert_printed("");
    put(" Lin");
    pl011_tick(&uart);
    assert_printed("");
    pl011_tick(&uart);
    assert_printed("Booting Lin");
    pl011_tick(&uart);
    assert_int_equal(tx_notified, 1);
}

/* As Linux's earlycon: wait for room, write. Returns false if it would have waited for ever. */
static bool earlycon_put(uint8_t byte, char *log, uint32_t *logged)
{
    for (unsigned tries = 0; tries < 3; tries++) {
        if ((read32(FR) & FR_TXFF) == 0) {
            region.write(region.device, DR, 1, byte);
            assert_int_equal(read32(FR) & FR_BUSY, 0);
            return true;
        }
        *logged += rig_print(log + *logged, 5); /* the virtualiser gets to run */
    }
    return false;
}

static void nothing_is_lost_when_the_port_is_full(void **state)
{
    static char log[8192];
    uint32_t logged = 0;
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(earlycon_put((uint8_t)(i * 7), log, &logged));
    }
    for (unsigned i = 0; i < 20; i++) {
        pl011_flush(&uart);
        logged += rig_print(log + logged, RIG_BYTES);
    }
    assert_int_equal(logged, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal((uint8_t)log[i], (uint8_t)(i * 7));
    }
    assert_int_equal(uart.lost, 0);
}

static void who_ignores_the_full_flag_loses_and_is_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RIG_BYTES + PL011_LINE_BYTES; i++) {
        put("x");
    }
    assert_int_equal(uart.lost, 0);
    assert_true((read32(FR) & FR_TXFF) != 0);
    put("yyy\n");
    assert_int_equal(uart.lost, 4);
    assert_int_equal(rig.tx_queue.producer_signalled, 0); /* it asked for room */
    char got[RIG_BYTES];
    rig_print(got, RIG_BYTES);
    pl011_flush(&uart);
    assert_int_equal(read32(FR) & FR_TXFF, 0);
}

static void registers_read_as_a_pl011s(void **state)
{
    static const uint8_t ids[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    static const uint32_t kept[][2] = {
        { 0x024, 0xffff }, { 0x028, 0x3f }, { 0x02c, 0xff }, { 0x030, 0xffff }
    };
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(read32(0xfe0 + 4 * i), ids[i]);
    }
    assert_int_equal(read32(FR), FR_RXFE | 0x80);
    assert_int_equal(read32(0x030), 0x300);
    for (unsigned i = 0; i < 4; i++) {
        write32(kept[i][0], 0xffffffff);
        assert_int_equal(read32(kept[i][0]), kept[i][1]);
    }
    assert_int_equal(region.read(region.device, 0x024, 1), 0xff);
}

static void every_other_access_is_harmless(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset < 0x1000; offset++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            bool is_data = offset == DR && bytes <= 4;
            if (!is_data) {
                region.write(region.device, offset, bytes, UINT64_MAX);
            }
            region.read(region.device, offset, bytes);
            assert_true(offset % 4 == 0 || region.read(region.device, offset, bytes) == 0);
        }
    }
    assert_int_equal(uart.used, 0);
    assert_int_equal(read32(DR), 0);
    assert_int_equal(read32(0x038), 0); /* no interrupts */
    assert_int_equal(read32(0x03c), 0);
    assert_int_equal(read32(0x040), 0);
    pl011_flush(&uart);
    assert_int_equal(tx_notified, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whole_lines_go_out_at_once, setup),
        cmocka_unit_test_setup(half_a_line_waits_for_a_flush, setup),
        cmocka_unit_test_setup(a_tick_breaks_no_line_that_is_being_written, setup),
        cmocka_unit_test_setup(nothing_is_lost_when_the_port_is_full, setup),
        cmocka_unit_test_setup(who_ignores_the_full_flag_loses_and_is_counted, setup),
        cmocka_unit_test_setup(registers_read_as_a_pl011s, setup),
        cmocka_unit_test_setup(every_other_access_is_harmless, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
