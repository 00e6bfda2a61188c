/* SPDX-License-Identifier: BSD-2-Clause */
/* How the tests look into, and interfere with, the queue code's loads from guest memory. */
#pragma once

/*
 * Called after each load of the queue code from guest memory (NULL: nothing), as another vCPU
 * that runs in that moment. guest_loads counts them.
 */
extern void (*guest_race)(const void *at, unsigned bytes);
extern unsigned guest_loads;
