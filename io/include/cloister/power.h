/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching the machine off: a protected call to the supervisor, the one PD that may call the
 * firmware. A call and not a notification: a PD that is restarted notifies all its channels.
 */
#pragma once

#define POWER_OFF       1u /* the label; returns only if the firmware refuses */

#define PSCI_SYSTEM_OFF 0x84000008u /* Arm DEN 0022, 5.9 */
