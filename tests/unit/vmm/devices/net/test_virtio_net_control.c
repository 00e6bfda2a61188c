/* SPDX-License-Identifier: BSD-2-Clause */
/* The control queue: what the guest wants to hear, and row N13 of the bad-input catalogue. */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

#include <stdlib.h>

enum {
    CLASS_RX = VIRTIO_NET_CTRL_RX,
    CLASS_MAC = VIRTIO_NET_CTRL_MAC,
    TABLE_SET = VIRTIO_NET_CTRL_MAC_TABLE_SET,
};

static uint8_t set_mode(uint8_t command, uint8_t on)
{
    return control(CLASS_RX, command, &on, 1);
}

/* Two tables of addresses; `bytes` as they should be, and a difference. */
static uint8_t set_tables(uint32_t unicast, uint32_t multicast, int difference)
{
    static uint8_t data[4096];
    uint32_t bytes = 4 + 6 * unicast;
    memcpy(data, &unicast, 4);
    memcpy(data + bytes, &multicast, 4);
    bytes += 4 + 6 * multicast;
    return control(CLASS_MAC, TABLE_SET, data, bytes + (uint32_t)difference);
}

static void modes(void **state)
{
    static const uint32_t told[] = { PORT_RECV_PROMISC,    0,
                                     PORT_RECV_PROMISC,    PORT_RECV_NO_MULTICAST,
                                     PORT_RECV_NO_UNICAST, PORT_RECV_NO_BROADCAST };
    uint32_t all = 0;
    (void)state;
    drive(ALL);
    assert_int_equal(port.control.recv_mode, 0);
    for (uint8_t i = 0; i < 6; i++) {
        assert_int_equal(set_mode(i, 1), VIRTIO_NET_OK);
        assert_int_equal(port.control.recv_mode, told[i]);
        assert_int_equal(set_mode(i, 0), VIRTIO_NET_OK);
        assert_int_equal(port.control.recv_mode, 0);
    }
    for (uint8_t i = 0; i < 6; i++) {
        all |= told[i];
        set_mode(i, 1);
        assert_int_equal(port.control.recv_mode, all);
    }
    set_mode(VIRTIO_NET_CTRL_RX_PROMISC, 0); /* ALLUNI still wants it */
    assert_int_equal(port.control.recv_mode, all);
    assert_true(guest.irq_level);
    drive(ALL); /* a reset forgets */
    assert_int_equal(port.control.recv_mode, 0);
}

static void tables_of_addresses(void **state)
{
    (void)state;
    drive(ALL);
    assert_int_equal(set_tables(0, 100, 0), VIRTIO_NET_OK);
    assert_int_equal(port.control.recv_mode, 0); /* multicast is heard anyway */
    assert_int_equal(set_tables(1, 0, 0), VIRTIO_NET_OK);
    assert_int_equal(port.control.recv_mode, PORT_RECV_PROMISC);
    assert_int_equal(set_tables(300, 300, 1), VIRTIO_NET_ERR);
    assert_int_equal(set_tables(0, 0, 0), VIRTIO_NET_OK);
    assert_int_equal(port.control.recv_mode, 0);
}

static void commands_of_features_that_were_not_accepted(void **state)
{
    (void)state;
    drive(BASE | F(CTRL_VQ));
    for (uint8_t i = 0; i < 7; i++) {
        assert_int_equal(set_mode(i, 1), VIRTIO_NET_ERR);
    }
    assert_int_equal(set_tables(1, 1, 0), VIRTIO_NET_ERR);
    drive(BASE | F(CTRL_VQ) | F(CTRL_RX));
    for (uint8_t i = 0; i < 7; i++) {
        assert_int_equal(set_mode(i, 1), i < 2 ? VIRTIO_NET_OK : VIRTIO_NET_ERR);
    }
    drive(BASE); /* without the queue itself nothing is consumed */
    assert_int_equal(set_mode(0, 1), 0xee);
    assert_int_equal(port.control.recv_mode, 0);
}

static void n13_commands_that_make_no_sense(void **state)
{
    static const uint32_t too_many[] = { 1, 0xffffffff, 0x2aaaaaaa, 0x2aaaaaab, 0x80000000 };
    uint8_t data[64] = { 0 };
    (void)state;
    drive(ALL);
    for (unsigned class = 0; class < 256; class ++) {
        for (unsigned command = 0; command < 8; command++) { /* unknown ones, and no data */
            assert_int_equal(control((uint8_t) class, (uint8_t)command, data, 0), VIRTIO_NET_ERR);
            if (class > CLASS_MAC) {
                assert_int_equal(control((uint8_t) class, (uint8_t)command, data, 2),
                                 VIRTIO_NET_ERR);
            }
        }
    }
    assert_int_equal(control(CLASS_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, data, 6), VIRTIO_NET_ERR);
    assert_int_equal(set_mode(0, 2), VIRTIO_NET_ERR);
    assert_int_equal(control(CLASS_RX, 0, data, 2), VIRTIO_NET_ERR); /* a byte too many */
    for (int difference = -8; difference <= 8; difference++) {
        assert_int_equal(set_tables(0, 0, difference) == VIRTIO_NET_OK, difference == 0);
    }
    for (unsigned i = 0; i < 5; i++) {
        memcpy(data, &too_many[i], 4);
        memcpy(data + 4, (uint32_t[]){ 0 }, 4);
        assert_int_equal(control(CLASS_MAC, TABLE_SET, data, 8), VIRTIO_NET_ERR);
        memcpy(data, (uint32_t[]){ 0 }, 4);
        memcpy(data + 4, &too_many[i], 4);
        assert_int_equal(control(CLASS_MAC, TABLE_SET, data, 8), VIRTIO_NET_ERR);
    }
    assert_int_equal(net.device.guest_errors, 0);
    assert_int_equal(port.control.recv_mode, 0);
    assert_works_after_reset();
}

static void n13_without_place_for_an_answer_or_without_a_command(void **state)
{
    (void)state;
    drive(ALL);
    memset(guest_at(&guest, CTRL_GPA), 0, 16); /* promiscuous: off */
    ring_set(&rings[CTRL], 0, CTRL_GPA, 3, 0, 0);
    ring_offer(&rings[CTRL], 0);
    snapshot();
    kick(CTRL);
    assert_int_equal(ring_take_used(&rings[CTRL], 0), 0);
    guest_assert_untouched(&guest);
    for (unsigned bytes = 0; bytes < 2; bytes++) {
        ring_set(&rings[CTRL], 0, CTRL_GPA, 1, NEXT, 1);
        ring_set(&rings[CTRL], 1, CTRL_GPA + 32, 4, WRITE, 0);
        ring_offer(&rings[CTRL], bytes == 0 ? 1 : 0);
        snapshot();
        guest_allow(&guest, CTRL_GPA + 32, 1);
        kick(CTRL);
        assert_int_equal(ring_take_used(&rings[CTRL], bytes == 0 ? 1 : 0), 1);
        assert_int_equal(*(uint8_t *)guest_at(&guest, CTRL_GPA + 32), VIRTIO_NET_ERR);
        guest_assert_untouched(&guest);
    }
    assert_works_after_reset();
}

static void d26_a_command_in_pieces(void **state)
{
    (void)state;
    drive(ALL);
    memset(guest_at(&guest, CTRL_GPA), 0, 64);
    *(uint8_t *)guest_at(&guest, CTRL_GPA + 2) = 1;
    for (unsigned i = 0; i < 3; i++) {
        ring_set(&rings[CTRL], i, CTRL_GPA + i, 1, NEXT, i + 1);
    }
    ring_set(&rings[CTRL], 3, CTRL_GPA + 32, 1, WRITE, 0);
    ring_offer(&rings[CTRL], 0);
    kick(CTRL);
    assert_int_equal(ring_take_used(&rings[CTRL], 0), 1);
    assert_int_equal(*(uint8_t *)guest_at(&guest, CTRL_GPA + 32), VIRTIO_NET_OK);
    assert_int_equal(port.control.recv_mode, PORT_RECV_PROMISC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modes),
        TEST(tables_of_addresses),
        TEST(commands_of_features_that_were_not_accepted),
        TEST(n13_commands_that_make_no_sense),
        TEST(n13_without_place_for_an_answer_or_without_a_command),
        TEST(d26_a_command_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
