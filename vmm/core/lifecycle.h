/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's life: start, power off, reboot, crash. Whatever happens to it, its VMM and all other
 * guests go on.
 */
#pragma once

#include "vmm/arch/aarch64/psci.h"
#include "vmm/core/guest_ram.h"

#include <stdbool.h>
#include <stdint.h>

struct vm;

/* What PSCI calls make happen; the context is the struct vm. */
extern const struct psci_ops lifecycle_psci_ops;

/*
 * The VMM begins: what a former life of it has left running is stopped, before there are devices.
 * To start the guest when these let it: lifecycle_wait().
 */
void lifecycle_init(struct vm *vm);

/* The devices are made: starts the guest now or, by lifecycle_continue(), when they let it. */
void lifecycle_wait(struct vm *vm);

/* Loads the images and starts vCPU 0. If that fails, a line on the log says why. */
void lifecycle_start(struct vm *vm);

/*
 * To be called when the receive virtualiser has notified. Starts a stopped guest, as the VMM's
 * first start does, if the operator has asked for that; a line on the log says so, or why not.
 * Drops the input of a guest that stays stopped.
 */
void lifecycle_console(struct vm *vm);

/*
 * To be called at the end of every event: completes a reboot, and resumes vCPUs that were held,
 * once the devices let it.
 */
void lifecycle_continue(struct vm *vm);

/*
 * Whether this vCPU, whose fault is handled, must not be resumed now: a device is still busy with
 * guest memory that its driver takes for its own again. lifecycle_continue() resumes it. If the
 * device never gets ready, the guest stands still; its device has said why.
 */
bool lifecycle_hold(struct vm *vm, unsigned vcpu);

/*
 * Stops the guest because of a fault that the VMM can't handle: a report on the log with the
 * reason, the fault (ESR_EL2 and the guest physical address, or 0 for either) and the registers.
 */
void lifecycle_crash(struct vm *vm, unsigned vcpu, const char *reason, uint64_t esr, gpa_t gpa);
