/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of a device that is passed through: none is lost between the guest's handler and the
 * acknowledgement, and none storms.
 */
#include "tests/unit/vmm/arch/vgic_rig.h"

#define SPI 63

static void start(bool is_edge)
{
    rig_init(1, SPI);
    rig_device.intid = SPI;
    rig_device.is_edge = is_edge;
    rig_write(0, GICD_CTLR, 1);
    rig_write8(0, GICD_IPRIORITYR + SPI, 0xa0);
    rig_write(0, GICD_ICFGR + SPI / 16 * 4, is_edge ? 2u << SPI % 16 * 2 : 0);
}

static void raise_line(void)
{
    rig_device.high = rig_device.latched = true;
}

/* Guests are free to configure an edge as a level and the other way round. */
static int edge(void **state)
{
    start(true);
    (void)state;
    return 0;
}

static int level(void **state)
{
    start(false);
    (void)state;
    return 0;
}

static int level_as_edge(void **state)
{
    start(false);
    rig_write(0, GICD_ICFGR + SPI / 16 * 4, 2u << SPI % 16 * 2);
    (void)state;
    return 0;
}

/* One interrupt, taken and ended; the handler has made the device's line low. */
static void one_round(void)
{
    raise_line();
    assert_true(rig_device_event());
    assert_int_equal(rig_take(0), SPI);
    rig_device.high = false;
    rig_end(0, SPI);
    assert_false(rig_device.masked);
    assert_false(rig_device_event());
    assert_int_equal(rig_take(0), NONE);
}

static void rounds(void **state)
{
    (void)state;
    rig_write_bit(0, GICD_ISENABLER, SPI);
    for (unsigned i = 0; i < 3; i++) {
        one_round();
        assert_int_equal(rig_device.acks, i + 1);
    }
}

/* It comes between the handler's last look at the device and the end of interrupt. */
static void another_before_the_end(void **state)
{
    (void)state;
    rig_write_bit(0, GICD_ISENABLER, SPI);
    raise_line();
    assert_true(rig_device_event());
    assert_int_equal(rig_take(0), SPI);
    raise_line();
    assert_false(rig_device_event()); /* masked */
    rig_end(0, SPI);
    assert_true(rig_device_event());
    assert_int_equal(rig_take(0), SPI);
    rig_device.high = false;
    rig_end(0, SPI);
    assert_false(rig_device_event());
    assert_int_equal(rig_device.acks, 2);
}

/* A device that nobody listens to costs one event. */
static void before_the_guest_enables_it(void **state)
{
    (void)state;
    raise_line();
    assert_true(rig_device_event());
    assert_false(rig_device_event());
    assert_int_equal(rig_take(0), NONE);
    assert_true(rig_read_bit(0, GICD_ISPENDR, SPI));
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), SPI);
    rig_device.high = false;
    rig_end(0, SPI);
    assert_int_equal(rig_device.acks, 1);
    one_round();
}

static void disabled_while_it_waits(void **state)
{
    (void)state;
    rig_write_bit(0, GICD_ISENABLER, SPI);
    rig_write(0, GICD_CTLR, 0);
    raise_line();
    assert_true(rig_device_event());
    rig_write_bit(0, GICD_ICENABLER, SPI);
    rig_write(0, GICD_CTLR, 1);
    assert_int_equal(rig_take(0), NONE);
    assert_true(rig_device.masked);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), SPI);
    rig_device.high = false;
    rig_end(0, SPI);
    assert_false(rig_device.masked);
}

/* A line that is still high comes back; an edge that was cleared is gone, and the next one comes.
 */
static void cleared(void **state)
{
    (void)state;
    raise_line();
    assert_true(rig_device_event());
    rig_write_bit(0, GICD_ICPENDR, SPI);
    assert_int_equal(rig_device.acks, 1);
    assert_int_equal(rig_device_event(), !rig_device.is_edge);
    rig_device.high = false;
    rig_write_bit(0, GICD_ICPENDR, SPI);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), NONE);
    one_round();
}

/* Cleared while the guest handles it: the end of interrupt acknowledges, once. */
static void cleared_in_its_handler(void **state)
{
    (void)state;
    rig_write_bit(0, GICD_ISENABLER, SPI);
    raise_line();
    assert_true(rig_device_event());
    assert_int_equal(rig_take(0), SPI);
    rig_write_bit(0, GICD_ICPENDR, SPI);
    assert_int_equal(rig_device.acks, 0);
    rig_device.high = false;
    rig_end(0, SPI);
    assert_int_equal(rig_device.acks, 1);
}

static void reboot(void)
{
    vgic_cpu_off(&rig_vgic, 0);
    vgic_reset(&rig_vgic);
    rig_clear_lrs(0);
    assert_false(rig_device.masked);
    /* The device has not heard of the reboot: it may fire before its driver resets it. */
    (void)rig_device_event();
    vgic_cpu_on(&rig_vgic, 0);
    assert_int_equal(rig_take(0), NONE);
    rig_device.high = false;
    rig_write(0, GICD_CTLR, 1);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    if (rig_take(0) == SPI) {
        rig_end(0, SPI);
    }
    one_round();
}

/* In each state of an interrupt: latched, in a list register, taken, raised again, ended. */
static void reboots_in_each_state(void **state)
{
    for (unsigned stop = 0; stop < 5; stop++) {
        bool is_edge = rig_device.is_edge;
        start(is_edge);
        raise_line();
        assert_true(rig_device_event());
        if (stop > 0) {
            rig_write_bit(0, GICD_ISENABLER, SPI);
        }
        if (stop > 1) {
            assert_int_equal(rig_take(0), SPI);
        }
        if (stop > 2) {
            raise_line();
        }
        if (stop > 3) {
            rig_end_quietly(0, SPI);
        }
        reboot();
    }
    (void)state;
}

/* The vCPU that had it stops: the next one gets it, and the acknowledgement stays due. */
static void moves_to_another_vcpu(void **state)
{
    bool is_edge = rig_device.is_edge;
    (void)state;
    rig_init(2, SPI);
    rig_device.intid = SPI;
    rig_device.is_edge = is_edge;
    rig_write(0, GICD_CTLR, 1);
    rig_write8(0, GICD_ITARGETSR + SPI, 3);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    raise_line();
    assert_true(rig_device_event());
    memset(rig[0].lr, 0, sizeof(rig[0].lr));
    vgic_cpu_off(&rig_vgic, 0);
    assert_true(rig_device.masked);
    assert_int_equal(rig_take(1), SPI);
    rig_device.high = false;
    rig_end(1, SPI);
    assert_int_equal(rig_device.acks, 1);
}

static void others_are_ignored(void **state)
{
    static const uint64_t none[] = { 0, 15, 64, 1020, 1ul << 32 | SPI };
    (void)state;
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        vgic_fired(&rig_vgic, 0, none[i]);
    }
    for (unsigned offset = 0; offset < 8; offset += 4) {
        assert_int_equal(rig_read(0, GICD_ISPENDR + offset), 0);
    }
}

#define EACH_WAY(f)                                                                                \
    { #f ", edge", f, edge, NULL, NULL }, { #f ", level", f, level, NULL, NULL },                  \
    {                                                                                              \
#f ", level as edge", f, level_as_edge, NULL, NULL                                         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_WAY(rounds),
        EACH_WAY(another_before_the_end),
        EACH_WAY(before_the_guest_enables_it),
        EACH_WAY(disabled_while_it_waits),
        EACH_WAY(cleared),
        EACH_WAY(cleared_in_its_handler),
        EACH_WAY(reboots_in_each_state),
        EACH_WAY(moves_to_another_vcpu),
        EACH_WAY(others_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
