/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/lifecycle.h"

#include "vmm/arch/aarch64/esr.h"
#include "vmm/arch/aarch64/vcpu_control.h"
#include "vmm/core/guest_image.h"
#include "vmm/core/vm.h"
#include "vmm/core/vmm_log.h"
#include "vmm/devices/devices.h"

#include <string.h>

#define BOOT_VCPU           0
#define PROPERTY_HEAD_BYTES 12 /* FDT_PROP, length, name */

/* Stopped first, since no register of a running vCPU may be touched; its timer stays silent. */
static void stop_vcpu(struct vm *vm, unsigned vcpu)
{
    vcpu_stop(vcpu);
    vcpu_sysreg_write(vcpu, VCPU_CNTV_CTL, 0);
    vgic_cpu_off(&vm->vgic, vcpu);
}

/* Publishes what the operator's console is to know of the guest. */
static void publish(struct vm *vm, enum guest_state state)
{
    serial_port_publish(&vm->devices.port, state);
}

static void stop_all(struct vm *vm, enum vm_state state)
{
    for (unsigned vcpu = 0; vcpu < vm->config->num_vcpus; vcpu++) {
        stop_vcpu(vm, vcpu);
    }
    vm->state = state;
    vm->held = 0;
    devices_stop(vm);
}

/* Stops the guest until the operator starts it; input that it has not read is dropped. */
static void stop(struct vm *vm, enum guest_state state)
{
    stop_all(vm, VM_STOPPED);
    serial_port_drop_input(&vm->devices.port);
    publish(vm, state);
}

/*
 * Each start's own /chosen/rng-seed. Linux counts on what stands there, so without random bytes
 * the whole property becomes FDT_NOP (Devicetree Specification, 5.4.1).
 */
static void seed_tree(const struct vm *vm)
{
    static const uint8_t nop[] = { 0, 0, 0, 4 };
    gpa_t gpa = vm->config->dtb_gpa + vm->config->entropy.seed_offset;
    uint8_t *value = guest_ram_at(&vm->ram, gpa, VMM_SEED_BYTES);
    if (!vm->devices.has_rng || value == NULL ||
        vm->devices.random(value, VMM_SEED_BYTES) == VMM_SEED_BYTES) {
        return;
    }
    for (uint8_t *at = value - PROPERTY_HEAD_BYTES; at < value + VMM_SEED_BYTES; at += 4) {
        memcpy(at, nop, sizeof(nop));
    }
}

void lifecycle_start(struct vm *vm)
{
    gpa_t entry;
    vm->state = VM_STOPPED;
    if (!image_load(vm->config, &vm->ram, &entry)) {
        vmm_log("not started");
        publish(vm, GUEST_FAILED);
        return;
    }
    seed_tree(vm);
    psci_init(&vm->psci, &lifecycle_psci_ops, vm, &vm->ram, vm->config->num_vcpus);
    vm->state = VM_RUNNING;
    vcpu_start(BOOT_VCPU, entry, vm->config->dtb_gpa);
    vgic_cpu_on(&vm->vgic, BOOT_VCPU);
    publish(vm, GUEST_RUNS);
}

void lifecycle_init(struct vm *vm)
{
    stop_all(vm, VM_UNUSABLE);
    publish(vm, GUEST_FAILED);
}

bool lifecycle_hold(struct vm *vm, unsigned vcpu)
{
    if (!devices_busy(vm)) {
        return false;
    }
    vm->held |= 1u << vcpu;
    return true;
}

static void resume_held(struct vm *vm)
{
    for (unsigned vcpu = 0; vcpu < vm->config->num_vcpus; vcpu++) {
        if ((vm->held >> vcpu & 1) != 0) {
            vcpu_resume(vcpu);
        }
    }
    vm->held = 0;
}

static void wait_for_devices(struct vm *vm)
{
    vm->state = VM_WAITING;
    publish(vm, GUEST_WAITS);
}

/* Goes on with a guest that does not run, as far as its devices let it. */
static void continue_start(struct vm *vm)
{
    bool resets = vm->state == VM_REBOOTING || vm->state == VM_RESETTING;
    bool starts = false;
    if (resets && devices_reset(vm)) {
        vgic_reset(&vm->vgic);
        starts = vm->state == VM_REBOOTING;
        if (!starts) {
            wait_for_devices(vm);
        }
    }
    if (starts || (vm->state == VM_WAITING && devices_ready(vm))) {
        lifecycle_start(vm);
    }
}

/* RAM beside the images stays as it was: Linux assumes nothing of it, and it is the guest's own. */
void lifecycle_continue(struct vm *vm)
{
    if (vm->held != 0 && !devices_busy(vm)) {
        resume_held(vm);
    }
    if (vm->state != VM_RUNNING) {
        continue_start(vm);
    }
}

void lifecycle_wait(struct vm *vm)
{
    wait_for_devices(vm);
    serial_port_start_handled(&vm->devices.port); /* what a former life was asked for */
    lifecycle_continue(vm);
}

/* What the operator gets for the request to start the guest, by enum vm_state. */
static const char *const start_answers[] = {
    [VM_STOPPED] = "started again from the console",
    [VM_UNUSABLE] = "cannot be started: its configuration record is wrong",
    [VM_WAITING] = "starts when its disk is ready",
    [VM_RUNNING] = "is running",
    [VM_REBOOTING] = "is rebooting",
    [VM_RESETTING] = "starts when its devices are reset",
};

static void answer_start(struct vm *vm)
{
    vmm_log("%s", start_answers[vm->state]);
    if (vm->state == VM_STOPPED) {
        vm->state = VM_RESETTING;
        publish(vm, GUEST_RUNS);
    }
    serial_port_start_handled(&vm->devices.port);
}

void lifecycle_console(struct vm *vm)
{
    if (serial_port_start_asked(&vm->devices.port)) {
        answer_start(vm);
    } else if (vm->state == VM_STOPPED || vm->state == VM_UNUSABLE) {
        serial_port_drop_input(&vm->devices.port);
    }
}

static void cpu_on(void *context, unsigned vcpu, gpa_t entry, uint64_t x0)
{
    struct vm *vm = context;
    vcpu_start(vcpu, entry, x0);
    /* After the start, which empties the list registers. */
    vgic_cpu_on(&vm->vgic, vcpu);
}

static void cpu_off(void *context, unsigned vcpu)
{
    struct vm *vm = context;
    stop_vcpu(vm, vcpu);
    for (unsigned i = 0; i < vm->config->num_vcpus; i++) {
        if (vm->psci.on[i]) {
            return;
        }
    }
    stop(vm, GUEST_OFF);
    vmm_log("stopped: all its vCPUs are off");
}

static void system_off(void *context)
{
    stop(context, GUEST_OFF);
    vmm_log("powered off");
}

static void system_reset(void *context)
{
    stop_all(context, VM_REBOOTING);
    vmm_log("rebooting");
    lifecycle_continue(context);
}

const struct psci_ops lifecycle_psci_ops = {
    .cpu_on = cpu_on,
    .cpu_off = cpu_off,
    .system_off = system_off,
    .system_reset = system_reset,
};

static void log_registers(unsigned vcpu)
{
    const struct vcpu_regs *regs = vcpu_regs_get(vcpu);
    vmm_log("  pc %016lx  spsr %016lx  sp_el0 %016lx  sp_el1 %016lx", regs->pc, regs->spsr,
            regs->sp_el0, vcpu_sysreg_read(vcpu, VCPU_SP_EL1));
    vmm_log("  elr_el1 %016lx  esr_el1 %016lx  far_el1 %016lx", vcpu_sysreg_read(vcpu, VCPU_ELR),
            vcpu_sysreg_read(vcpu, VCPU_ESR), vcpu_sysreg_read(vcpu, VCPU_FAR));
    vmm_log("  vbar_el1 %016lx  sctlr_el1 %016lx  spsr_el1 %016lx",
            vcpu_sysreg_read(vcpu, VCPU_VBAR), vcpu_sysreg_read(vcpu, VCPU_SCTLR),
            vcpu_sysreg_read(vcpu, VCPU_SPSR));
    for (unsigned i = 0; i < 28; i += 4) {
        vmm_log("  x%02u %016lx %016lx %016lx %016lx", i, regs->x[i], regs->x[i + 1],
                regs->x[i + 2], regs->x[i + 3]);
    }
    vmm_log("  x28 %016lx %016lx %016lx", regs->x[28], regs->x[29], regs->x[30]);
}

void lifecycle_crash(struct vm *vm, unsigned vcpu, const char *reason, uint64_t esr, gpa_t gpa)
{
    char text[ESR_TEXT_BYTES];
    stop(vm, GUEST_CRASHED);
    esr_text(text, esr);
    vmm_log("crashed: %s", reason);
    vmm_log("  vCPU %u, ESR_EL2 %lx (%s), guest address %lx", vcpu, esr, text, gpa);
    log_registers(vcpu);
    vmm_log("  stopped; other guests run on");
}
