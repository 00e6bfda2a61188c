/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/board.h"
#include "kernel/image.h"
#include "sdk/kernel/core/thread.h"

/* For bin/microkit, which reads it from the ELF file. */
__attribute__((section(".kernel_info"), used)) const struct kernel_info kernel_info = {
    .magic = IMAGE_MAGIC,
    .board = BOARD_NAME,
    .load_paddr = BOARD_LOAD_PADDR,
    .vaddr_offset = KERNEL_VADDR_OFFSET,
    .thread_bytes = (sizeof(struct thread) + 63) / 64 * 64,
    .num_irqs = BOARD_NUM_IRQS,
    .ram = { { BOARD_RAM_PADDR, BOARD_RAM_BYTES } },
    .device = { { BOARD_GICD_PADDR, 0x1000 },
                { BOARD_GICC_PADDR, 0x2000 },
                { BOARD_GICH_PADDR, 0x1000 } },
    .shared_device = { { BOARD_UART_PADDR, 0x1000 } },
    .irq_alias = { { INTID_KERNEL_TIMER, INTID_HYP_TIMER } },
    .reserved_irq = { INTID_MAINTENANCE, INTID_VTIMER },
    .min_ram_bytes = BOARD_RAM_BYTES,
};
