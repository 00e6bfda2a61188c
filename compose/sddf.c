/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/sddf.h"

#include "compose/limits.h"

#include <string.h>

void sddf_set_magic(struct sddf_magic *magic, enum sddf_type type)
{
    static const char sddf[4] = { 's', 'D', 'D', 'F' };
    memcpy(magic->sddf, sddf, sizeof(sddf));
    magic->type = (uint8_t)type;
}

void sddf_set_name(char *to, const char *name)
{
    /* A name fits (NAME_MAX_LENGTH); of two in one, as counters show them, the end may go. */
    strncpy(to, name, SDDF_NAME_BYTES - 1);
}

void sddf_set_mac(uint8_t *mac, uint64_t number)
{
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = (uint8_t)(number >> (40 - 8 * i));
    }
}

struct sddf_region sddf_map(struct plan *plan, struct pd *pd, const struct region *region,
                            const char *perms)
{
    return (struct sddf_region){ plan_map(plan, pd, region, perms), region->bytes };
}

struct sddf_device_resources *sddf_plan_driver(struct plan *plan, struct pd *driver,
                                               const struct board_irq *irq, const char *name,
                                               const struct board_range *registers)
{
    struct sddf_device_resources *resources =
        plan_record(plan, driver, ".device_resources", sizeof(*resources));
    sddf_set_magic(&resources->magic, SDDF_DEVICE);
    if (name != NULL) {
        /* Whole pages: a virtio-mmio slot shares its page with others. */
        uint64_t paddr = registers->addr / PAGE_BYTES * PAGE_BYTES;
        const struct region *region = plan_device(plan, name, paddr, registers->bytes);
        resources->num_regions = 1;
        resources->regions[0].region = sddf_map(plan, driver, region, "rw");
        resources->regions[0].io_addr = registers->addr;
    }
    resources->num_irqs = 1;
    resources->irqs[0].channel = plan_irq(plan, driver, irq->intid, irq->is_edge);
    return resources;
}

struct sddf_device_region sddf_plan_dma(struct plan *plan, struct pd *pd, const char *name,
                                        uint64_t bytes)
{
    struct region *region = plan_region(plan, name, bytes, PAGE_BYTES);
    region->phys_addr = plan_reserve(plan, region->bytes);
    return (struct sddf_device_region){ sddf_map(plan, pd, region, "rw"), region->phys_addr };
}

void sddf_plan_virtio_driver(struct plan *plan, struct pd *driver, const struct board_slot *slot,
                             uint64_t dma_bytes)
{
    const char *registers = arena_printf(plan->arena, "%s_registers", driver->name);
    const char *dma = arena_printf(plan->arena, "%s_dma", driver->name);
    struct sddf_device_resources *resources =
        sddf_plan_driver(plan, driver, &slot->irq, registers, &slot->registers);
    resources->num_regions = 2;
    resources->regions[1] = sddf_plan_dma(plan, driver, dma, dma_bytes);
}

uint8_t sddf_connect_timer(struct plan *plan, struct pd *pd, struct pd *timer)
{
    struct channel *channel = plan_channel(plan, pd, timer);
    channel->a.calls = true;
    return channel->a.id;
}
