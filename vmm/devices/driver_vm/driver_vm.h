/* SPDX-License-Identifier: BSD-2-Clause */
/* The links of a guest that serves its disk to other guests, and what they have in common. */
#pragma once

#include "vmm/devices/driver_vm/blk_link.h"

#define DRIVER_VM_TICK_NS 1000000000ul

struct driver_vm_ops {
    struct blk_link_ops link;
    void (*set_timeout)(uint64_t ns); /* one notification on vmm_config.timer_channel */
};

struct driver_vm {
    const struct driver_vm_ops *ops;
    bool ticks; /* a timeout is under way */
    unsigned num_links;
    struct blk_link links[VMM_MAX_SERVED];
};

/* Adds a link. The pointers must stay. False: there are enough, or its record can't be right. */
bool driver_vm_add(struct driver_vm *driver_vm, const struct vmm_served_disk *record,
                   const struct irq_line *irq, const struct driver_vm_ops *ops);

/* The registers of the link that was added last. */
struct mmio_region driver_vm_region(struct driver_vm *driver_vm, gpa_t gpa, uint64_t size_bytes);

/* A client has notified, on any channel. */
void driver_vm_notified(struct driver_vm *driver_vm, unsigned channel);

/* The timeout is over. */
void driver_vm_timeout(struct driver_vm *driver_vm);

/* The guest is stopped. */
void driver_vm_stop(struct driver_vm *driver_vm);

/* The end of every event: sees that time passes while a server has requests. */
void driver_vm_end_event(struct driver_vm *driver_vm);
