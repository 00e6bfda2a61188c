/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: their labels, as seL4 numbers them, and their report for a PD that nobody looks after. */
#pragma once

#include "sdk/kernel/thread.h"

enum fault_label {
    FAULT_UNKNOWN_SYSCALL = 2,
    FAULT_USER_EXCEPTION = 3,
    FAULT_VM = 6,
    FAULT_VGIC_MAINTENANCE = 7,
    FAULT_VCPU = 8,
    FAULT_VPPI_EVENT = 9,
};

/* Prints who has stopped, why, and its registers, on the debug console. */
void fault_report(const struct thread *thread);

/* An exception of the kernel itself: prints it and halts the core. */
_Noreturn void fault_kernel(uint64_t esr, uint64_t elr, uint64_t far);
