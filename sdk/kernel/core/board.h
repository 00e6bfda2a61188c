/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel knows of its board: <board>/board_addresses.h gives the physical addresses. */
#pragma once

#include "board_addresses.h"

/* The kernel's window: all RAM and the devices below, at one distance from their addresses. */
#define KERNEL_VADDR_OFFSET 0xffffff8000000000

#define BOARD_GICD_VADDR    (KERNEL_VADDR_OFFSET + BOARD_GICD_PADDR)
#define BOARD_GICC_VADDR    (KERNEL_VADDR_OFFSET + BOARD_GICC_PADDR)
#define BOARD_GICH_VADDR    (KERNEL_VADDR_OFFSET + BOARD_GICH_PADDR)
#define BOARD_UART_VADDR    (KERNEL_VADDR_OFFSET + BOARD_UART_PADDR)

/* Private interrupts, the same on all boards with the generic timer (BSA). */
#define INTID_MAINTENANCE  25
#define INTID_HYP_TIMER    26 /* a PD's: CNTP_*_EL0 under TGE */
#define INTID_VTIMER       27
#define INTID_KERNEL_TIMER 30
