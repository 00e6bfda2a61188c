/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: their labels, as seL4 numbers them, and their report for a PD that nobody looks after. */
#pragma once

#include "sdk/kernel/core/thread.h"

enum fault_label {
    FAULT_UNKNOWN_SYSCALL = 2,
    FAULT_USER_EXCEPTION = 3,
    FAULT_VM = 6,
    FAULT_VGIC_MAINTENANCE = 7,
    FAULT_VCPU = 8,
    FAULT_VPPI_EVENT = 9,
};

/* Prints on the debug console which thread has stopped, why, and its registers. The architecture's.
 */
void fault_report(const struct thread *thread);
