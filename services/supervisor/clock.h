/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer's counter as seconds (Arm ARM D11.2.1). */
#pragma once

#include <stdint.h>

/* Seconds since the counter began; always 0 if firmware has not set CNTFRQ_EL0. */
uint64_t clock_seconds(void);
