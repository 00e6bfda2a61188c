/* SPDX-License-Identifier: BSD-2-Clause */
/* The PL011 driver as a protection domain: one register region, one interrupt, two queues. */
#include "io/drivers/serial/pl011/pl011.h"

#include <cloister/restart.h>
#include <microkit.h>
#include <sddf/config.h>

struct sddf_device_resources device_resources __attribute__((section(".device_resources"), used));
struct sddf_serial_driver_config driver_config
    __attribute__((section(".serial_driver_config"), used));

static struct pl011 uart;
static uint64_t overruns_told;

uint32_t pl011_read(uintptr_t base, uint32_t offset)
{
    return *(volatile uint32_t *)(base + offset);
}

void pl011_write(uintptr_t base, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(base + offset) = value;
}

/* Input that the hardware lost is said once; the count goes on. */
static void tell_overrun(void)
{
    if (uart.overruns > 0 && overruns_told == 0) {
        overruns_told = uart.overruns;
        microkit_dbg_puts("serial driver: input overrun in the UART, bytes were lost\n");
    }
}

static void move_bytes(void)
{
    if (uart.base == 0) {
        return; /* not configured */
    }
    if (pl011_receive(&uart)) {
        microkit_notify(driver_config.rx.channel);
    }
    if (pl011_transmit(&uart)) {
        microkit_notify(driver_config.tx.channel);
    }
    tell_overrun();
}

void init(void)
{
    if (!sddf_magic_ok(&device_resources.magic, SDDF_DEVICE) ||
        !sddf_magic_ok(&driver_config.magic, SDDF_SERIAL) || device_resources.num_regions < 1) {
        microkit_dbg_puts("serial driver: its configuration sections are not filled in\n");
        return;
    }
    uart.base = device_resources.regions[0].region.vaddr;
    uart.rx_enabled = driver_config.rx_enabled;
    if (uart.rx_enabled) {
        uart.rx = serial_queue_connect_producer(&driver_config.rx);
    }
    uart.tx = serial_queue_connect_consumer(&driver_config.tx);
    if (pl011_start(&uart)) {
        microkit_notify(driver_config.rx.channel);
    }
    microkit_irq_ack(device_resources.irqs[0].channel);
    move_bytes();
    restart_signal();
}

void notified(microkit_channel ch)
{
    /* Whatever woke us: the interrupt, output, or room for input; all are cheap to look at. */
    move_bytes();
    if (ch == device_resources.irqs[0].channel) {
        microkit_deferred_irq_ack(ch);
    }
}
