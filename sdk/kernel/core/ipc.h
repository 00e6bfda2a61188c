/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Communication between threads: notifications, protected calls, and faults, which are calls that
 * a child makes without knowing. A PD receives all of them in one place.
 */
#pragma once

#include "sdk/kernel/core/thread.h"

/* Sets `channel` (0 to 61) in the PD's notifications and wakes it if it receives. */
void ipc_notify(struct thread *pd, unsigned channel);

/* The PD waits for what comes: it gets a badge and a msginfo (syscall.h) in x0 and x1. */
void ipc_receive(struct thread *pd);

/* Calls `callee`, which sees `badge`; the caller waits for the reply. info is made legal. */
void ipc_call(struct thread *caller, struct thread *callee, uint64_t badge, uint64_t info);

/* Answers whom the PD has received from last, if anybody still waits. */
void ipc_reply(struct thread *pd, uint64_t info);

/*
 * Stops `child` with a fault for its parent: `label` and `count` words of thread.message.fault,
 * which the caller has filled in. Without a parent it is reported on the debug console.
 */
void ipc_fault(struct thread *child, unsigned label, unsigned count);

/* Takes a thread out of all that it waits for, and lets go whom it serves. */
void ipc_cancel(struct thread *thread);
