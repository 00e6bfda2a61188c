/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emulated registers: what a device offers to the VMM's fault handler, and what it needs from the
 * interrupt controller. Devices know neither of these beyond this header, so they run on the host.
 */
#pragma once

#include "vmm/core/guest_ram.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A page or more of emulated registers. `offset` is below size_bytes and `bytes` is 1, 2, 4 or 8;
 * an access may be unaligned and may reach past the end (the device ignores what it does not
 * have). Reads return the value in the low bits.
 */
struct mmio_region {
    gpa_t gpa;
    uint64_t size_bytes;
    void *device;
    uint64_t (*read)(void *device, uint64_t offset, unsigned bytes);
    void (*write)(void *device, uint64_t offset, unsigned bytes, uint64_t value);
    unsigned count; /* what an access counts as: COUNT_GUEST_* */
};

/* An interrupt line from a device into the guest's interrupt controller; level triggered. */
struct irq_line {
    void *controller;
    uint32_t intid;
    void (*set)(void *controller, uint32_t intid, bool level);
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
    line->set(line->controller, line->intid, level);
}
