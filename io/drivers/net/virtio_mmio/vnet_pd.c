/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-net driver as a protection domain. Regions: the page that holds the device's slot of
 * registers, and the DMA region (struct vnet_dma). One interrupt, edge triggered in QEMU. It does
 * not map the frames.
 */
#include "io/drivers/net/virtio_mmio/vnet.h"
#include "io/drivers/virtio_mmio/transport.h"
#include "sdk/libc/format.h"

#include <cloister/restart.h>
#include <microkit.h>

struct sddf_device_resources device_resources __attribute__((section(".device_resources"), used));
struct sddf_net_driver_config driver_config __attribute__((section(".net_driver_config"), used));

static struct vnet card;
static const char *error_told;

static void tell_link(void)
{
    char line[96];
    const uint8_t *mac = card.mac.bytes;
    format_text(line, sizeof(line), "network driver: %02x:%02x:%02x:%02x:%02x:%02x, link %s\n",
                mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], card.link_up ? "up" : "down");
    microkit_dbg_puts(line);
}

static void move_frames(void)
{
    uint32_t notify;
    do {
        notify = vnet_run(&card);
        if (notify & 1u << VNET_RX) {
            microkit_notify(driver_config.rx.channel);
        }
        if (notify & 1u << VNET_TX) {
            microkit_notify(driver_config.tx.channel);
        }
    } while (notify & VNET_AGAIN);
    if (card.error != error_told) {
        error_told = card.error;
        microkit_dbg_puts("network driver: ");
        microkit_dbg_puts(card.error);
        microkit_dbg_puts("\n");
    }
}

static bool configured(void)
{
    return sddf_magic_ok(&device_resources.magic, SDDF_DEVICE) &&
           sddf_magic_ok(&driver_config.magic, SDDF_NET) && device_resources.num_regions == 2 &&
           device_resources.num_irqs == 1 &&
           device_resources.regions[1].region.size_bytes >= sizeof(struct vnet_dma);
}

void init(void)
{
    const struct sddf_device_region *regions = device_resources.regions;
    if (!configured()) {
        microkit_dbg_puts("network driver: its configuration sections are not filled in\n");
        return;
    }
    card.base = transport_base(&regions[0]);
    card.dma = (struct vnet_dma *)(uintptr_t)regions[1].region.vaddr;
    card.dma_address = regions[1].io_addr;
    vnet_start(&card, &driver_config);
    if (card.error == NULL) {
        tell_link();
    }
    microkit_irq_ack(device_resources.irqs[0].channel);
    move_frames();
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (card.dma == NULL) {
        return; /* not configured */
    }
    if (ch == device_resources.irqs[0].channel) {
        bool was_up = card.link_up;
        /* First: an edge that is lost while this is masked leaves its mark in the status. */
        microkit_irq_ack(ch);
        if (vnet_interrupt(&card) && card.link_up != was_up) {
            tell_link();
        }
    }
    move_frames();
}
