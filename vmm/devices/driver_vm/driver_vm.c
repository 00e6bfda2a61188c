/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/devices/driver_vm/driver_vm.h"

#define EACH_LINK(link, driver_vm)                                                                 \
    struct blk_link *link = (driver_vm)->links;                                                    \
    link < (driver_vm)->links + (driver_vm)->num_links;                                            \
    link++

bool driver_vm_add(struct driver_vm *driver_vm, const struct vmm_served_disk *record,
                   const struct irq_line *irq, const struct driver_vm_ops *ops)
{
    if (driver_vm->num_links == VMM_MAX_SERVED || ops == NULL ||
        !blk_link_init(&driver_vm->links[driver_vm->num_links], record, irq, &ops->link)) {
        return false;
    }
    driver_vm->ops = ops;
    driver_vm->num_links++;
    return true;
}

static uint64_t read_register(void *link, uint64_t offset, unsigned bytes)
{
    (void)link, (void)offset, (void)bytes;
    return 0;
}

static void write_register(void *link, uint64_t offset, unsigned bytes, uint64_t value)
{
    if (bytes == 4) {
        blk_link_write(link, offset, (uint32_t)value);
    }
}

struct mmio_region driver_vm_region(struct driver_vm *driver_vm, gpa_t gpa, uint64_t size_bytes)
{
    struct blk_link *link = &driver_vm->links[driver_vm->num_links - 1];
    return (struct mmio_region){
        .gpa = gpa,
        .size_bytes = size_bytes,
        .device = link,
        .read = read_register,
        .write = write_register,
    };
}

void driver_vm_notified(struct driver_vm *driver_vm, unsigned channel)
{
    for (EACH_LINK(link, driver_vm)) {
        if (channel == link->record->conn.channel) {
            blk_link_run(link);
        }
    }
}

void driver_vm_timeout(struct driver_vm *driver_vm)
{
    driver_vm->ticks = false;
    for (EACH_LINK(link, driver_vm)) {
        blk_link_tick(link);
    }
}

void driver_vm_stop(struct driver_vm *driver_vm)
{
    for (EACH_LINK(link, driver_vm)) {
        blk_link_stop(link);
    }
}

void driver_vm_end_event(struct driver_vm *driver_vm)
{
    bool waits = false;
    for (EACH_LINK(link, driver_vm)) {
        waits |= link->in_flight > 0;
    }
    if (waits && !driver_vm->ticks) {
        driver_vm->ticks = true;
        driver_vm->ops->set_timeout(DRIVER_VM_TICK_NS);
    }
}
