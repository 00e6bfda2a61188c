/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest as its VMM holds it: one struct, in one place (main.c). */
#pragma once

#include "vmm/arch/aarch64/guest_fault.h"
#include "vmm/arch/aarch64/psci.h"
#include "vmm/arch/aarch64/vgic.h"
#include "vmm/core/guest_ram.h"
#include "vmm/core/mmio_bus.h"
#include "vmm/core/vmm_config.h"
#include "vmm/devices/devices.h"

#define VM_MAX_REGIONS (VMM_MAX_DEVICES + 1) /* the devices' and the distributor's */

enum vm_state {
    VM_STOPPED,   /* powered off, crashed, or never started */
    VM_UNUSABLE,  /* its record is wrong: it cannot be started */
    VM_WAITING,   /* to be started when its devices are ready */
    VM_RUNNING,   /* at least one vCPU runs */
    VM_REBOOTING, /* waits until devices are done with guest memory */
    VM_RESETTING, /* likewise, then VM_WAITING: the operator starts it again */
};

struct vm {
    const struct vmm_config *config;
    enum vm_state state;
    uint32_t held; /* one bit a vCPU: not resumed until devices_busy() is over */
    struct guest_ram ram;
    struct vgic vgic;
    struct psci psci;
    struct devices devices;
    struct mmio_region regions[VM_MAX_REGIONS];
    struct mmio_bus bus;
};

_Static_assert(VMM_MAX_VCPUS == VGIC_MAX_VCPUS, "one limit");
_Static_assert(VMM_MAX_VCPUS == PSCI_MAX_VCPUS, "one limit");
