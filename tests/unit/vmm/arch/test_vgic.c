/* SPDX-License-Identifier: BSD-2-Clause */
/* The distributor's registers, and its rules one by one. */
#include "tests/unit/vmm/arch/vgic_rig.h"

#define SPI 40

static int one_vcpu(void **state)
{
    (void)state;
    rig_init(1, 63);
    rig_write(0, GICD_CTLR, 1);
    return 0;
}

static int two_vcpus(void **state)
{
    (void)state;
    rig_init(2, 95);
    rig_write(0, GICD_CTLR, 1);
    return 0;
}

static void enable_spi(unsigned intid, unsigned priority)
{
    rig_write8(0, GICD_IPRIORITYR + intid, priority);
    rig_write8(0, GICD_ITARGETSR + intid, 1);
    rig_write_bit(0, GICD_ISENABLER, intid);
}

static void identification(void **state)
{
    (void)state;
    rig_init(4, 1019);
    assert_int_equal(rig_read(0, GICD_TYPER), 3 << 5 | 31);
    rig_init(1, 40);
    assert_int_equal(rig_read(0, GICD_TYPER), 1);
    assert_int_equal(rig_read(0, GICD_IIDR) & 0xfff, 0x43b);
    assert_int_equal(rig_read(0, GICD_PIDR2) >> 4 & 15, 2);
    assert_int_equal(rig_read(0, 0xff0), 0x0d);
    assert_int_equal(rig_read(0, 0xffc), 0xb1);
}

static void reset_values(void **state)
{
    (void)state;
    rig_init(2, 63);
    assert_int_equal(rig_read(0, GICD_CTLR), 0);
    assert_int_equal(rig_read(0, GICD_ISENABLER), 0xffff);
    assert_int_equal(rig_read(0, GICD_ISENABLER + 4), 0);
    assert_int_equal(rig_read(0, GICD_ICFGR), 0xaaaaaaaa);
    assert_int_equal(rig_read(0, GICD_ICFGR + 4), 0);
    assert_int_equal(rig_read(1, GICD_ITARGETSR), 0x02020202);
    assert_int_equal(rig_read(0, GICD_ITARGETSR + 32), 0);
}

/* What is written and then read, for one word of each register (4.3); SGIs in bank 0. */
static void register_bits(void **state)
{
    static const struct {
        uint32_t offset, written, read;
    } rows[] = {
        { GICD_CTLR, 0xffffffff, 3 },
        { GICD_TYPER, 0xffffffff, 1 << 5 | 2 },
        { GICD_IGROUPR, 0xffffffff, 0xffffffff },
        { GICD_IGROUPR + 8, 0x12345678, 0x12345678 },
        { GICD_IGROUPR + 12, 0xffffffff, 0 }, /* beyond ITLinesNumber */
        { GICD_ISENABLER + 4, 0xff00ff00, 0xff00ff00 },
        { GICD_ISENABLER, 0xffff0000, 0xffffffff },
        { GICD_ICENABLER, 0x0fffffff, 0xf000ffff }, /* SGIs stay enabled */
        { GICD_ICENABLER + 4, 0x0000ff00, 0xff000000 },
        { GICD_ISPENDR, 0x8000ffff, 0x80000000 }, /* an SGI's pending bit is read-only */
        { GICD_ICPENDR, 0x80000000, 0 },
        { GICD_ISACTIVER + 4, 0x000000f0, 0xf0 },
        { GICD_ICACTIVER + 4, 0x00000030, 0xc0 },
        { GICD_IPRIORITYR + 36, 0xffffffff, 0xf8f8f8f8 }, /* five bits */
        { GICD_IPRIORITYR, 0x10203040, 0x10203040 },
        { GICD_IPRIORITYR + 96, 0xffffffff, 0 },
        { GICD_ITARGETSR + 32, 0xffffffff, 0x03030303 }, /* two vCPUs */
        { GICD_ITARGETSR, 0xffffffff, 0x01010101 },
        { GICD_ICFGR, 0, 0xaaaaaaaa }, /* SGIs are edges */
        { GICD_ICFGR + 4, 0xffffffff, 0xaaaaaaaa },
        { GICD_ICFGR + 8, 0x80000002, 0x80000002 },
        { GICD_ICFGR + 24, 0xffffffff, 0 },
        { GICD_SPENDSGIR, 0xffffffff, 0x03030303 },
        { GICD_CPENDSGIR, 0x01010101, 0x02020202 },
        { GICD_SGIR, 0x0fffffff, 0 },
        { GICD_PIDR2, 0, 0x2b },
    };
    (void)state;
    rig_init(2, 95);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_write(0, rows[i].offset, rows[i].written);
        if (rig_read(0, rows[i].offset) != rows[i].read) {
            fail_msg("offset 0x%x: 0x%x", rows[i].offset, rig_read(0, rows[i].offset));
        }
        rig_write(0, GICD_CTLR, 0);
    }
}

static void reserved_is_raz_wi(void **state)
{
    (void)state;
    static const uint32_t offsets[] = { 0x00c, 0x010, 0x07c, 0xd00, 0xdfc, 0xe00,
                                        0xefc, 0xf04, 0xf30, 0xfcc, 0xf0c };
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        rig_write(0, offsets[i], 0xffffffff);
        assert_int_equal(rig_read(0, offsets[i]), 0);
    }
    assert_int_equal(rig[0].injects, 0);
}

static void access_widths(void **state)
{
    (void)state;
    vgic_write(&rig_vgic, GICD_IPRIORITYR + 40, 4, 0x80706050);
    assert_int_equal(vgic_read(&rig_vgic, GICD_IPRIORITYR + 41, 1), 0x60);
    assert_int_equal(vgic_read(&rig_vgic, GICD_IPRIORITYR + 42, 2), 0x8070);
    vgic_write(&rig_vgic, GICD_IPRIORITYR + 42, 2, 0x1828);
    assert_int_equal(vgic_read(&rig_vgic, GICD_IPRIORITYR + 40, 4), 0x18286050);
    /* Word registers have no bytes, and nothing has 64 bits. */
    rig_write(0, GICD_ISENABLER + 4, 0x100);
    vgic_write(&rig_vgic, GICD_ICENABLER + 5, 1, 1);
    vgic_write(&rig_vgic, GICD_ICENABLER + 4, 2, 0x100);
    vgic_write(&rig_vgic, GICD_ICENABLER + 4, 8, 0x100);
    assert_int_equal(rig_read(0, GICD_ISENABLER + 4), 0x100);
    assert_int_equal(vgic_read(&rig_vgic, GICD_ISENABLER + 4, 8), 0);
    assert_int_equal(vgic_read(&rig_vgic, GICD_ISENABLER + 5, 1), 0);
    assert_int_equal(vgic_read(&rig_vgic, GICD_IPRIORITYR + 40, 8), 0);
    vgic_write(&rig_vgic, GICD_SGIR, 1, 2);
    vgic_write(&rig_vgic, GICD_SGIR, 2, 2);
    assert_int_equal(rig[0].injects, 0);
}

/* Any offset, width and value: nothing but a value comes of it (ASan and UBSan look on). */
static void every_offset(void **state)
{
    (void)state;
    rig_init(4, 1019);
    for (uint64_t offset = 0; offset < VGIC_SIZE_BYTES; offset++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            vgic_write(&rig_vgic, offset, bytes, UINT64_MAX);
            assert_true(bytes == 8 || vgic_read(&rig_vgic, offset, bytes) < 1ul << 8 * bytes);
        }
    }
    /* 1020 to 1023 never became interrupts. */
    assert_int_equal(rig_read(0, GICD_ISENABLER + 124) >> 28, 0);
    assert_int_equal(rig_read(0, GICD_IPRIORITYR + 1020), 0);
}

static void one_vcpu_has_no_targets(void **state)
{
    (void)state;
    rig_write(0, GICD_ITARGETSR + 40, 0xffffffff);
    assert_int_equal(rig_read(0, GICD_ITARGETSR + 40), 0);
    assert_int_equal(rig_read(0, GICD_ITARGETSR), 0);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), SPI);
}

static void level_pends_again(void **state)
{
    (void)state;
    enable_spi(SPI, 0xa0);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), SPI);
    rig_end(0, SPI); /* still high */
    assert_int_equal(rig_take(0), SPI);
    vgic_set_line(&rig_vgic, SPI, false);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), NONE);
    assert_int_equal(rig_read(0, GICD_ISPENDR + 4), 0);
}

static void edge_while_active_is_remembered(void **state)
{
    (void)state;
    rig_write(0, GICD_ICFGR + 8, 2u << (SPI - 32) * 2);
    enable_spi(SPI, 0xa0);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), SPI);
    vgic_set_line(&rig_vgic, SPI, true); /* no edge */
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), NONE);
    vgic_set_line(&rig_vgic, SPI, false);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), SPI);
    vgic_set_line(&rig_vgic, SPI, false);
    vgic_set_line(&rig_vgic, SPI, true);
    vgic_set_line(&rig_vgic, SPI, false);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), SPI);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), NONE);
}

static void disabled_waits(void **state)
{
    (void)state;
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), NONE);
    assert_true(rig_read_bit(0, GICD_ISPENDR, SPI));
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), SPI);
    /* Disabled while active: after its end it is held back, though the line is high. */
    rig_write_bit(0, GICD_ICENABLER, SPI);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), NONE);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), SPI);
}

static void distributor_off(void **state)
{
    (void)state;
    rig_write(0, GICD_CTLR, 0);
    enable_spi(SPI, 0);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), NONE);
    rig_write(0, GICD_CTLR, 2); /* group 1 only */
    assert_int_equal(rig_take(0), NONE);
    rig_write_bit(0, GICD_IGROUPR, SPI);
    assert_int_equal(rig_take(0), SPI);
    assert_int_equal(rig[0].lr[0].group, 1);
}

static void more_than_four(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        enable_spi(SPI + i, 0xa0);
        rig_write_bit(0, GICD_ISPENDR, SPI + i);
    }
    /* Each once and in order, except that an urgent one overtakes those not yet in a register. */
    assert_int_equal(rig_take(0), SPI);
    enable_spi(SPI + 12, 0x40);
    rig_write_bit(0, GICD_ISPENDR, SPI + 12);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), SPI + 12);
    rig_end(0, SPI + 12);
    for (unsigned i = 1; i < 12; i++) {
        assert_int_equal(rig_take(0), SPI + i);
        rig_end(0, SPI + i);
    }
    assert_int_equal(rig_take(0), NONE);
    assert_int_equal(rig[0].injects, 13);
}

static void software_pending(void **state)
{
    (void)state;
    enable_spi(SPI, 0xa0);
    rig_write_bit(0, GICD_ISPENDR, SPI);
    assert_true(rig_read_bit(0, GICD_ICPENDR, SPI));
    assert_int_equal(rig_take(0), SPI);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), NONE);
    rig_write_bit(0, GICD_ICENABLER, SPI);
    rig_write_bit(0, GICD_ISPENDR, SPI);
    rig_write_bit(0, GICD_ICPENDR, SPI);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), NONE);
    /* ICPENDR does not clear a level that is high (4.3.8). */
    rig_write_bit(0, GICD_ICENABLER, SPI);
    vgic_set_line(&rig_vgic, SPI, true);
    rig_write_bit(0, GICD_ICPENDR, SPI);
    rig_write_bit(0, GICD_ISENABLER, SPI);
    assert_int_equal(rig_take(0), SPI);
    assert_true(rig_read_bit(0, GICD_ISACTIVER, SPI));
}

static void software_active(void **state)
{
    (void)state;
    enable_spi(SPI, 0xa0);
    rig_write_bit(0, GICD_ISACTIVER, SPI);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), NONE);
    rig_write_bit(0, GICD_ICACTIVER, SPI);
    assert_int_equal(rig_take(0), SPI);
}

static void sgis_by_filter(void **state)
{
    (void)state;
    rig_init(4, 63);
    rig_write(0, GICD_CTLR, 1);
    rig_write(1, GICD_SGIR, 0x000d0000 | 3); /* to 0, 2 and 3 */
    assert_int_equal(rig_take(0), 3);
    assert_int_equal(rig_take(1), NONE);
    assert_int_equal(rig_take(2), 3);
    assert_int_equal(rig_take(3), 3);
    rig_write(2, GICD_SGIR, 0x01000000 | 5); /* to all others */
    rig_write(2, GICD_SGIR, 0x02000000 | 6); /* to itself */
    rig_write(2, GICD_SGIR, 0x03ff0000 | 7); /* reserved */
    for (unsigned vcpu = 0; vcpu < 4; vcpu++) {
        if (vcpu != 1) {
            rig_end(vcpu, 3);
        }
        assert_int_equal(rig_take(vcpu), vcpu == 2 ? 6 : 5);
        rig_end(vcpu, vcpu == 2 ? 6 : 5);
        assert_int_equal(rig_take(vcpu), NONE);
    }
}

/* S3: an SGI to vCPUs that do not exist. */
static void sgi_to_nobody(void **state)
{
    (void)state;
    rig_write(0, GICD_SGIR, 0x00fc0000 | 1);
    rig_write8(0, GICD_SPENDSGIR + 2, 0xfc);
    assert_int_equal(rig[0].injects + rig[1].injects, 0);
    assert_int_equal(rig_read(0, GICD_SPENDSGIR), 0);
}

static void sgi_of_each_source(void **state)
{
    (void)state;
    rig_init(4, 63);
    for (unsigned from = 1; from < 4; from++) {
        rig_write(from, GICD_SGIR, 0x00010000 | 9);
        rig_write(from, GICD_SGIR, 0x00010000 | 9); /* the same again merges */
    }
    assert_int_equal(rig_read(0, GICD_SPENDSGIR + 8), 0x0e00);
    assert_true(rig_read_bit(0, GICD_ISPENDR, 9));
    rig_write(0, GICD_CPENDSGIR + 8, 0x0400);
    rig_write(0, GICD_CTLR, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rig_take(0), 9);
        rig_end(0, 9);
    }
    assert_int_equal(rig_take(0), NONE);
    rig_write8(0, GICD_SPENDSGIR + 9, 0x01);
    assert_int_equal(rig_take(0), 9);
}

static void targets(void **state)
{
    (void)state;
    enable_spi(SPI, 0xa0);
    rig_write8(0, GICD_ITARGETSR + SPI, 2);
    vgic_set_line(&rig_vgic, SPI, true);
    assert_int_equal(rig_take(0), NONE);
    assert_int_equal(rig_take(1), SPI);
    rig_write8(0, GICD_ITARGETSR + SPI, 1); /* moved while active: the next one */
    rig_end(1, SPI);
    assert_int_equal(rig_take(1), NONE);
    assert_int_equal(rig_take(0), SPI);
    rig_write8(0, GICD_ITARGETSR + SPI, 0);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), NONE);
    rig_write8(0, GICD_ITARGETSR + SPI, 3);
    assert_true(rig_take(0) == SPI || rig_take(1) == SPI);
}

static void priorities_go_into_list_registers(void **state)
{
    (void)state;
    enable_spi(SPI, 0xf8);
    rig_write_bit(0, GICD_ISPENDR, SPI);
    assert_int_equal(rig[0].lr[0].priority, 31);
}

static void odd_lines_and_events(void **state)
{
    (void)state;
    vgic_set_line(&rig_vgic, 5, true);
    vgic_set_line(&rig_vgic, 64, true);
    vgic_set_line(&rig_vgic, 1023, true);
    vgic_set_line(&rig_vgic, UINT32_MAX, true);
    vgic_fired(&rig_vgic, 0, 15);
    vgic_fired(&rig_vgic, 0, 32);
    vgic_fired(&rig_vgic, 0, UINT64_MAX);
    vgic_maintenance(&rig_vgic, 0, UINT64_MAX);
    vgic_maintenance(&rig_vgic, 0, 4);
    vgic_maintenance(&rig_vgic, 0, 0); /* not in use */
    assert_int_equal(rig[0].injects, 0);
}

static void timer_round(void **state)
{
    (void)state;
    rig_write_bit(0, GICD_ISENABLER, TIMER);
    rig[0].timer_high = true;
    assert_true(rig_timer_event(0));
    assert_int_equal(rig_take(0), TIMER);
    assert_int_equal(rig[0].acks, 0); /* not before its end */
    rig[0].timer_high = false;
    rig_end(0, TIMER);
    assert_int_equal(rig[0].acks, 1);
    assert_false(rig_timer_event(0));
    assert_int_equal(rig_take(0), NONE);
    rig[0].timer_high = true;
    assert_true(rig_timer_event(0));
    assert_int_equal(rig_take(0), TIMER);
    rig_end(0, TIMER); /* the guest left it high: again */
    assert_true(rig_timer_event(0));
    assert_int_equal(rig_take(0), TIMER);
}

/* The reference's boot livelock: an event while the guest has the timer disabled. */
static void timer_before_enable(void **state)
{
    unsigned events = 0;
    (void)state;
    rig[0].timer_high = true;
    for (unsigned i = 0; i < 100; i++) {
        events += rig_timer_event(0);
    }
    assert_int_equal(events, 1);
    assert_true(rig_read_bit(0, GICD_ISPENDR, TIMER));
    rig_write_bit(0, GICD_ISENABLER, TIMER);
    assert_int_equal(rig_take(0), TIMER);
    /* Disabled within its handler. */
    rig_write_bit(0, GICD_ICENABLER, TIMER);
    rig_end(0, TIMER);
    assert_true(rig_timer_event(0));
    assert_false(rig_timer_event(0));
    assert_int_equal(rig_take(0), NONE);
    rig_write_bit(0, GICD_ISENABLER, TIMER);
    assert_int_equal(rig_take(0), TIMER);
}

/* ICPENDR: if the line is low the interrupt is gone, if it is high it comes once more. */
static void timer_cleared(void **state)
{
    (void)state;
    rig[0].timer_high = true;
    assert_true(rig_timer_event(0));
    rig_write_bit(0, GICD_ICPENDR, TIMER);
    assert_true(rig_timer_event(0));
    assert_false(rig_timer_event(0));
    rig[0].timer_high = false;
    rig_write_bit(0, GICD_ICPENDR, TIMER);
    rig_write_bit(0, GICD_ISENABLER, TIMER);
    assert_int_equal(rig_take(0), NONE);
    rig[0].timer_high = true;
    assert_true(rig_timer_event(0));
    assert_int_equal(rig_take(0), TIMER);
    rig_write_bit(0, GICD_ICPENDR, TIMER); /* while active: it stays held */
    assert_false(rig_timer_event(0));
    rig_end(0, TIMER);
    assert_true(rig_timer_event(0));
}

static void timer_with_full_registers(void **state)
{
    (void)state;
    rig_write_bit(0, GICD_ISENABLER, TIMER);
    for (unsigned i = 0; i < 4; i++) {
        enable_spi(SPI + i, 0);
        vgic_set_line(&rig_vgic, SPI + i, true);
    }
    rig[0].timer_high = true;
    assert_true(rig_timer_event(0));
    assert_int_equal(rig_take(0), SPI);
    vgic_set_line(&rig_vgic, SPI, false);
    rig_end(0, SPI);
    assert_int_equal(rig_take(0), TIMER); /* the lowest number of equal priority */
    assert_int_equal(rig[0].acks, 0);
    rig_end(0, TIMER);
    assert_int_equal(rig[0].acks, 1);
}

static void offline_vcpu(void **state)
{
    (void)state;
    enable_spi(SPI, 0xa0);
    rig_write(0, GICD_ICFGR + 12, 2u << 1); /* 48 is an edge */
    enable_spi(48, 0xa0);
    rig_write8(0, GICD_ITARGETSR + SPI, 2);
    rig_write8(0, GICD_ITARGETSR + 48, 3);
    rig_write_bit(1, GICD_ISENABLER, TIMER);
    rig[1].timer_high = true;
    assert_true(rig_timer_event(1));
    vgic_set_line(&rig_vgic, SPI, true);
    rig_write(0, GICD_SGIR, 0x00020000 | 2);
    assert_int_equal(rig[1].injects, 3);
    vgic_cpu_off(&rig_vgic, 1);
    rig_clear_lrs(1);
    rig[1].timer_high = false;
    assert_int_equal(rig[1].acks, 1);
    vgic_set_line(&rig_vgic, 48, true); /* goes to the one that is there */
    assert_int_equal(rig_take(0), 48);
    assert_int_equal(rig[1].injects, 3);
    vgic_cpu_on(&rig_vgic, 1);
    assert_int_equal(rig_take(1), 2);
    rig_end(1, 2);
    assert_int_equal(rig_take(1), SPI);
    rig_end(1, SPI);
    assert_int_equal(rig_take(1), SPI); /* line still high */
    assert_int_equal(rig[1].injects, 6);
}

static void reset(void **state)
{
    (void)state;
    enable_spi(SPI, 0xa0);
    vgic_set_line(&rig_vgic, SPI, true);
    rig_write_bit(1, GICD_ISENABLER, TIMER);
    rig[1].timer_high = true;
    assert_true(rig_timer_event(1));
    assert_int_equal(rig_take(1), TIMER); /* the guest dies in its handler */
    vgic_reset(&rig_vgic);
    assert_int_equal(rig[1].acks, 1);
    rig_clear_lrs(0);
    rig_clear_lrs(1);
    vgic_cpu_on(&rig_vgic, 0);
    vgic_cpu_on(&rig_vgic, 1);
    assert_int_equal(rig_read(0, GICD_CTLR), 0);
    assert_int_equal(rig_read(0, GICD_ISENABLER + 4), 0);
    rig_write(0, GICD_CTLR, 1);
    rig_write_bit(1, GICD_ISENABLER, TIMER);
    assert_true(rig_timer_event(1));
    assert_int_equal(rig_take(1), TIMER);
    enable_spi(SPI, 0xa0);
    assert_int_equal(rig_take(0), SPI); /* the device's line is as it was */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identification),
        cmocka_unit_test(reset_values),
        cmocka_unit_test(register_bits),
        cmocka_unit_test_setup(reserved_is_raz_wi, one_vcpu),
        cmocka_unit_test_setup(access_widths, one_vcpu),
        cmocka_unit_test(every_offset),
        cmocka_unit_test_setup(one_vcpu_has_no_targets, one_vcpu),
        cmocka_unit_test_setup(level_pends_again, two_vcpus),
        cmocka_unit_test_setup(edge_while_active_is_remembered, two_vcpus),
        cmocka_unit_test_setup(disabled_waits, one_vcpu),
        cmocka_unit_test_setup(distributor_off, two_vcpus),
        cmocka_unit_test_setup(more_than_four, two_vcpus),
        cmocka_unit_test_setup(software_pending, two_vcpus),
        cmocka_unit_test_setup(software_active, two_vcpus),
        cmocka_unit_test(sgis_by_filter),
        cmocka_unit_test_setup(sgi_to_nobody, two_vcpus),
        cmocka_unit_test(sgi_of_each_source),
        cmocka_unit_test_setup(targets, two_vcpus),
        cmocka_unit_test_setup(priorities_go_into_list_registers, two_vcpus),
        cmocka_unit_test_setup(odd_lines_and_events, one_vcpu),
        cmocka_unit_test_setup(timer_round, two_vcpus),
        cmocka_unit_test_setup(timer_before_enable, two_vcpus),
        cmocka_unit_test_setup(timer_cleared, two_vcpus),
        cmocka_unit_test_setup(timer_with_full_registers, two_vcpus),
        cmocka_unit_test_setup(offline_vcpu, two_vcpus),
        cmocka_unit_test_setup(reset, two_vcpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
