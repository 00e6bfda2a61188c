/* SPDX-License-Identifier: BSD-2-Clause */
/* dmb: what stands in memory and what the device is told are seen in the order of the program. */
#include "io/drivers/virtio_mmio/transport.h"

uint32_t mmio_read(uintptr_t base, uint32_t offset)
{
    return mmio_read_narrow(base, offset, 4);
}

uint32_t mmio_read_narrow(uintptr_t base, uint32_t offset, uint32_t bytes)
{
    uintptr_t at = base + offset;
    uint32_t value = bytes == 1   ? *(volatile uint8_t *)at
                     : bytes == 2 ? *(volatile uint16_t *)at
                                  : *(volatile uint32_t *)at;
    __asm__ volatile("dmb oshld" : : : "memory");
    return value;
}

void mmio_write(uintptr_t base, uint32_t offset, uint32_t value)
{
    __asm__ volatile("dmb osh" : : : "memory");
    *(volatile uint32_t *)(base + offset) = value;
}
