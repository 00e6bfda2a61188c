/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ID registers that a guest reads (trapped by HCR_EL2.TID3): the core's, less what is not
 * offered to guests. Only the kernel can read them, so it answers itself.
 */
#pragma once

#include "sdk/kernel/core/thread.h"

/*
 * Emulates a trapped read of op0 3, op1 0, CRn 0, CRm 1 to 7 with the ISS of the exception, and
 * moves the pc on. False: the trap was another register's.
 */
bool idregs_emulate(struct frame *frame, uint64_t iss);
