/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-blk driver as a protection domain. Regions: the page that holds the device's slot of
 * registers (QEMU puts eight into one page; the low bits of io_addr tell which), and the DMA region
 * (struct vblk_dma). One interrupt, edge triggered in QEMU; one queue, from the virtualiser.
 */
#include "io/drivers/blk/virtio_mmio/vblk.h"
#include "io/drivers/virtio_mmio/transport.h"

#include <cloister/restart.h>
#include <microkit.h>
#include <sddf/config.h>
#include <stddef.h>

struct sddf_device_resources device_resources __attribute__((section(".device_resources"), used));
struct sddf_blk_driver_config driver_config __attribute__((section(".blk_driver_config"), used));

static struct vblk disk;
static bool error_told;

static void move_requests(void)
{
    if (vblk_run(&disk)) {
        microkit_notify(driver_config.virt.channel);
    }
    if (disk.error != NULL && !error_told) {
        error_told = true;
        microkit_dbg_puts("block driver: ");
        microkit_dbg_puts(disk.error);
        microkit_dbg_puts("\n");
    }
}

static bool configured(void)
{
    return sddf_magic_ok(&device_resources.magic, SDDF_DEVICE) &&
           sddf_magic_ok(&driver_config.magic, SDDF_BLOCK) && device_resources.num_regions == 2 &&
           device_resources.num_irqs == 1 &&
           device_resources.regions[1].region.size_bytes >= sizeof(struct vblk_dma);
}

void init(void)
{
    const struct sddf_device_region *regions = device_resources.regions;
    if (!configured()) {
        microkit_dbg_puts("block driver: its configuration sections are not filled in\n");
        return;
    }
    disk.base = transport_base(&regions[0]);
    disk.dma = (struct vblk_dma *)(uintptr_t)regions[1].region.vaddr;
    disk.dma_address = regions[1].io_addr;
    disk.queue = blk_queue_connect_server(&driver_config.virt);
    disk.info = (struct blk_storage_info *)(uintptr_t)driver_config.virt.storage_info.vaddr;
    vblk_start(&disk);
    microkit_irq_ack(device_resources.irqs[0].channel);
    move_requests();
    restart_signal();
}

void notified(microkit_channel ch)
{
    if (disk.info == NULL) {
        return; /* not configured */
    }
    if (ch == device_resources.irqs[0].channel) {
        /* First: an edge that is lost while this is masked leaves its mark in the status. */
        microkit_irq_ack(ch);
        vblk_interrupt(&disk);
    }
    move_requests();
}
