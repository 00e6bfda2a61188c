/* SPDX-License-Identifier: BSD-2-Clause */
/* The PL011 driver on a model of the device (DDI 0183G chapter 2 and 3). */
#include "tests/unit/io/virt/io_rig.h"

#include "io/drivers/serial/pl011/pl011.h"

#define CAPACITY   64u
#define FIFO_BYTES 16u
#define BASE       0x9000000u

static struct {
    uint16_t rx[FIFO_BYTES]; /* with the error bits of DR */
    uint32_t rx_count;
    uint32_t tx_count;
    bool overrun;
    uint32_t raw, mask, control, line, levels;
    char sent[4096];
    size_t sent_count;
    uint32_t clears;
} model;

static struct rig_queue rx_queue, tx_queue;
static struct serial_consumer rx_end;
static struct serial_producer tx_end;
static struct pl011 uart;

uint32_t pl011_read(uintptr_t base, uint32_t offset)
{
    assert_int_equal(base, BASE);
    uint32_t value = 0;
    switch (offset) {
    case PL011_FR:
        return (model.rx_count == 0 ? FR_RXFE : 0) | (model.tx_count == FIFO_BYTES ? FR_TXFF : 0);
    case PL011_CR:
        return model.control;
    case PL011_DR:
        assert_true(model.rx_count > 0);
        value = model.rx[0] | (model.overrun ? DR_OVERRUN : 0);
        model.overrun = false;
        model.rx_count--;
        memmove(model.rx, model.rx + 1, model.rx_count * sizeof(model.rx[0]));
        if (model.rx_count == 0) {
            model.raw &= ~(INT_RX | INT_RX_TIMEOUT);
        }
        return value;
    default:
        fail_msg("read of %x", offset);
        return 0;
    }
}

void pl011_write(uintptr_t base, uint32_t offset, uint32_t value)
{
    assert_int_equal(base, BASE);
    switch (offset) {
    case PL011_DR:
        assert_true(model.tx_count < FIFO_BYTES);
        model.sent[model.sent_count++] = (char)value;
        model.tx_count++;
        if (model.tx_count > FIFO_BYTES / 4) {
            model.raw &= ~INT_TX;
        }
        return;
    case PL011_IMSC:
        model.mask = value;
        return;
    case PL011_ICR:
        model.raw &= ~value;
        model.clears++;
        return;
    case PL011_CR:
        model.control = value;
        return;
    case PL011_LCR_H:
        assert_false(model.control & CR_UARTEN); /* 3.3.7: not while it is enabled */
        model.rx_count = (value ^ model.line) & LCR_H_FEN ? 0 : model.rx_count;
        model.line = value;
        return;
    case PL011_IFLS:
        model.levels = value;
        return;
    default:
        fail_msg("write of %x", offset);
    }
}

/* The line brings a byte. */
static void arrives(uint16_t data)
{
    if (model.rx_count == FIFO_BYTES) {
        model.overrun = true;
        return;
    }
    model.rx[model.rx_count++] = data;
    model.raw |= INT_RX_TIMEOUT | (model.rx_count >= FIFO_BYTES / 2 ? INT_RX : 0);
}

/* The line takes `count` bytes of the FIFO. */
static void sends(uint32_t count)
{
    for (; count > 0 && model.tx_count > 0; count--) {
        model.tx_count--;
        model.raw |= model.tx_count == FIFO_BYTES / 4 ? INT_TX : 0;
    }
}

static bool interrupts(void)
{
    return (model.raw & model.mask) != 0;
}

static int setup(void **state)
{
    (void)state;
    struct sddf_serial_connection rx = rig_connect(&rx_queue, CAPACITY, 1);
    struct sddf_serial_connection tx = rig_connect(&tx_queue, CAPACITY, 2);
    memset(&model, 0, sizeof(model));
    model.control = CR_UARTEN | CR_TXE; /* as the kernel's console leaves it */
    rx_end = serial_queue_connect_consumer(&rx);
    tx_end = serial_queue_connect_producer(&tx);
    uart = (struct pl011){
        .base = BASE,
        .rx_enabled = true,
        .rx = serial_queue_connect_producer(&rx),
        .tx = serial_queue_connect_consumer(&tx),
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(&rx_queue);
    rig_free(&tx_queue);
    return 0;
}

static const char *received(void)
{
    static char text[CAPACITY + 1];
    text[serial_queue_dequeue(&rx_end, text, CAPACITY)] = '\0';
    return text;
}

static void the_start_keeps_what_was_typed(void **state)
{
    (void)state;
    arrives('!');
    assert_true(pl011_start(&uart));
    assert_int_equal(model.line, LCR_H_FEN | LCR_H_WLEN_8);
    assert_int_equal(model.control & (CR_UARTEN | CR_TXE | CR_RXE), CR_UARTEN | CR_TXE | CR_RXE);
    assert_int_equal(model.mask, INT_RX | INT_RX_TIMEOUT);
    assert_string_equal(received(), "!");
}

static void input_comes_through(void **state)
{
    (void)state;
    pl011_start(&uart);
    uint32_t clears = model.clears;
    for (int i = 0; i < 10; i++) {
        arrives('a');
        arrives('b');
        assert_true(interrupts());
        assert_true(pl011_receive(&uart));
        assert_false(interrupts());
        assert_string_equal(received(), "ab");
    }
    assert_false(pl011_receive(&uart));
    assert_int_equal(model.clears, clears); /* a clear could lose a byte's interrupt */
}

static void a_full_queue_leaves_bytes_in_the_fifo(void **state)
{
    (void)state;
    pl011_start(&uart);
    serial_queue_cancel_signal(&uart.rx);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        arrives((uint8_t)('0' + i % 10));
        pl011_receive(&uart);
    }
    arrives('x');
    assert_false(pl011_receive(&uart));
    assert_int_equal(model.mask & (INT_RX | INT_RX_TIMEOUT), 0);
    assert_false(interrupts());
    assert_int_equal(model.rx_count, 1);
    /* The virtualiser makes room and sees that it is to notify. */
    assert_int_equal(strlen(received()), CAPACITY);
    assert_true(serial_queue_must_signal(&rx_end));
    assert_true(pl011_receive(&uart));
    assert_string_equal(received(), "x");
    arrives('y');
    assert_true(interrupts());
}

static void errors_are_left_out_and_overruns_counted(void **state)
{
    (void)state;
    pl011_start(&uart);
    arrives('a');
    arrives(0x400); /* a break */
    arrives(0x100 | 'f');
    arrives('b');
    for (int i = 0; i < 14; i++) {
        arrives('c');
    }
    pl011_receive(&uart);
    assert_string_equal(received(), "abcccccccccccc");
    assert_int_equal(uart.bad_bytes, 2);
    assert_int_equal(uart.overruns, 1);
}

static void output_by_interrupt_where_the_fifo_is_full(void **state)
{
    (void)state;
    static const char text[] = "a text that does not fit into sixteen bytes at once";
    pl011_start(&uart);
    serial_queue_enqueue(&tx_end, text, sizeof(text) - 1);
    serial_queue_request_signal(&tx_end);
    assert_true(pl011_transmit(&uart));
    assert_int_equal(model.sent_count, FIFO_BYTES);
    assert_true(model.mask & INT_TX);
    assert_false(interrupts());
    while (model.sent_count < sizeof(text) - 1) {
        sends(FIFO_BYTES - FIFO_BYTES / 4);
        assert_true(interrupts());
        assert_false(pl011_transmit(&uart)); /* nobody waits any more */
    }
    assert_memory_equal(model.sent, text, sizeof(text) - 1);
    assert_false(model.mask & INT_TX);
    assert_false(interrupts());
}

static void output_goes_across_the_end_of_the_queue(void **state)
{
    (void)state;
    pl011_start(&uart);
    for (int i = 0; i < 20; i++) {
        serial_queue_enqueue(&tx_end, "0123456789", 10);
        pl011_transmit(&uart);
        sends(FIFO_BYTES);
    }
    assert_int_equal(model.sent_count, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(model.sent[i], '0' + (int)(i % 10));
    }
}

/* The kernel's console fills the FIFO under our hands. */
static void a_fifo_filled_by_the_console(void **state)
{
    (void)state;
    pl011_start(&uart);
    model.tx_count = FIFO_BYTES;
    serial_queue_enqueue(&tx_end, "x", 1);
    assert_false(pl011_transmit(&uart));
    sends(FIFO_BYTES);
    assert_true(interrupts());
    pl011_transmit(&uart);
    assert_int_equal(model.sent_count, 1);
    assert_false(interrupts());
}

static void without_input(void **state)
{
    (void)state;
    uart.rx_enabled = false;
    assert_false(pl011_start(&uart));
    arrives('a');
    assert_false(pl011_receive(&uart));
    assert_int_equal(model.mask, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_start_keeps_what_was_typed),
        TEST(input_comes_through),
        TEST(a_full_queue_leaves_bytes_in_the_fifo),
        TEST(errors_are_left_out_and_overruns_counted),
        TEST(output_by_interrupt_where_the_fifo_is_full),
        TEST(output_goes_across_the_end_of_the_queue),
        TEST(a_fifo_filled_by_the_console),
        TEST(without_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
