/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's `virt` machine with virtualization=on, gic-version=2. */
#pragma once

#define BOARD_NAME       "qemu_virt_aarch64"
#define BOARD_LOAD_PADDR 0x70000000
#define BOARD_UART_PADDR 0x09000000 /* PL011 */
#define BOARD_GICD_PADDR 0x08000000
#define BOARD_GICC_PADDR 0x08010000
#define BOARD_GICH_PADDR 0x08030000
#define BOARD_RAM_PADDR  0x40000000
#define BOARD_RAM_BYTES  0x40000000 /* what `-m 1G` gives; more is not used */
#define BOARD_NUM_IRQS   288
