/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's program: one for all guests. What its guest has comes in records, which compose puts
 * into the sections of their names.
 */
#include "vmm/arch/aarch64/cache.h"
#include "vmm/arch/aarch64/guest_fault.h"
#include "vmm/arch/aarch64/vcpu_control.h"
#include "vmm/arch/aarch64/vgic.h"
#include "vmm/core/lifecycle.h"
#include "vmm/core/vm.h"
#include "vmm/core/vmm_config.h"
#include "vmm/core/vmm_count.h"
#include "vmm/core/vmm_log.h"
#include "vmm/devices/devices.h"

#include <cloister/entropy.h>
#include <cloister/restart.h>
#include <microkit.h>
#include <sddf/config.h>
#include <sddf/timer.h>
#include <string.h>

extern struct vmm_config config;
extern struct sddf_serial_client_config serial_config;
extern struct sddf_blk_client_config block_config;

__attribute__((section(".vmm_config"), used)) struct vmm_config config;
__attribute__((section(".serial_client_config"),
               used)) struct sddf_serial_client_config serial_config;
/* Only of a guest with a disk. */
__attribute__((section(".blk_client_config"), used)) struct sddf_blk_client_config block_config;

/* Written by compose, so not what the compiler may take for constant. */
extern struct counters_page counters_page;
__attribute__((section(".counters_page"), used)) struct counters_page counters_page;

static struct vm vm;
static uint64_t own_counts[COUNTERS_GROUP]; /* where there is no page */
static uint64_t *pd_counts = own_counts;

static void notify(unsigned channel)
{
    pd_counts[COUNT_PD_NOTIFIES]++;
    microkit_notify(channel);
}

static void inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group, unsigned index)
{
    vmm_count(COUNT_GUEST_INJECTED, 1);
    vcpu_inject(vcpu, intid, priority, group, index);
}

static void ack(unsigned vcpu, unsigned intid)
{
    if (intid < VGIC_FIRST_SPI) {
        vcpu_ack_ppi(vcpu, intid);
        return;
    }
    for (unsigned i = 0; i < config.num_irqs; i++) {
        if (config.irqs[i].intid == intid) {
            microkit_irq_ack(config.irqs[i].channel);
        }
    }
}

static const struct vgic_ops vgic_ops = {
    .inject = inject,
    .ack = ack,
};

static void set_timeout(uint64_t ns)
{
    timer_set_timeout(config.timer_channel, ns);
}

static const struct driver_vm_ops driver_vm_ops = {
    .link = { .notify = notify, .cache_clean = cache_clean, .cache_drop = cache_drop },
    .set_timeout = set_timeout,
};

static seL4_Word ask(uint32_t bytes)
{
    microkit_mr_set(0, bytes);
    return microkit_msginfo_get_count(
        microkit_ppcall(config.entropy.channel, microkit_msginfo_new(ENTROPY_GET, 1)));
}

/* Random bytes in whole words. The driver is passive: they are drawn in the guest's own time. */
static uint32_t draw(void *to, uint32_t bytes)
{
    uint8_t *at = to;
    seL4_Word count = ask(bytes);
    count = count > 0 ? count : ask(bytes); /* it may just have been started again */
    for (unsigned i = 0; i < count && bytes >= sizeof(seL4_Word); i++) {
        seL4_Word word = microkit_mr_get((seL4_Uint8)i);
        memcpy(at, &word, sizeof(word));
        at += sizeof(word);
        bytes -= (uint32_t)sizeof(word);
    }
    return (uint32_t)(at - (uint8_t *)to);
}

static unsigned last_intid(void)
{
    unsigned last = VGIC_FIRST_SPI;
    for (unsigned i = 0; i < config.num_devices; i++) {
        last = config.devices[i].intid > last ? config.devices[i].intid : last;
    }
    for (unsigned i = 0; i < config.num_irqs; i++) {
        last = config.irqs[i].intid > last ? config.irqs[i].intid : last;
    }
    return last;
}

/* The record is trusted, but it may be missing or of another version of these sources. */
static bool config_ok(void)
{
    return config.magic == VMM_CONFIG_MAGIC && config.num_vcpus >= 1 &&
           config.num_vcpus <= VMM_MAX_VCPUS && config.num_devices <= VMM_MAX_DEVICES &&
           config.num_irqs <= VMM_MAX_IRQS && config.num_passed <= VMM_MAX_PASSED &&
           last_intid() <= VGIC_LAST_SPI && sddf_magic_ok(&serial_config.magic, SDDF_SERIAL);
}

void init(void)
{
    if (!config_ok()) {
        vmm_log("no configuration record, or a wrong one; build the system with compose");
        return;
    }
    pd_counts = counters_of(&counters_page, own_counts, 0);
    vmm_count_init(&counters_page);
    vm.config = &config;
    vm.ram = (struct guest_ram){ (uint8_t *)config.ram_vaddr, config.ram_gpa, config.ram_bytes };
    serial_port_init(&vm.devices.port, &serial_config, notify);
    vm.devices.block_client = &block_config;
    vm.devices.notify = notify;
    vm.devices.random = draw;
    vm.devices.driver_vm_ops = &driver_vm_ops;
    log_init(config.guest, &vm.devices.port);
    vgic_init(&vm.vgic, &vgic_ops, config.num_vcpus, last_intid());
    vm.regions[0] = (struct mmio_region){ config.gicd_gpa, VGIC_SIZE_BYTES, &vm.vgic,
                                          vgic_read,       vgic_write,      COUNT_GUEST_GIC };
    vm.bus = (struct mmio_bus){ .regions = vm.regions, .num_regions = 1 };
    for (unsigned i = 0; i < config.num_irqs; i++) {
        microkit_irq_ack(config.irqs[i].channel); /* Microkit 2.0 leaves that to us */
    }
    lifecycle_init(&vm);
    if (devices_init(&vm)) {
        lifecycle_wait(&vm);
    }
    if (restart_lives > 1) {
        vmm_log("its VMM has been started again: the guest boots anew");
    }
    devices_end_event(&vm);
    restart_signal();
}

static void end_event(void)
{
    lifecycle_continue(&vm);
    devices_end_event(&vm);
}

void notified(microkit_channel channel)
{
    if (vm.config != NULL) {
        pd_counts[COUNT_PD_NOTIFIED]++;
        if (channel == vm.devices.port.rx_channel) {
            lifecycle_console(&vm);
        }
        devices_notified(&vm, channel);
        end_event();
    }
}

static enum fault_outcome memory_fault(unsigned vcpu)
{
    gpa_t ipa = microkit_mr_get(seL4_VMFault_Addr);
    uint64_t esr = microkit_mr_get(seL4_VMFault_FSR);
    enum fault_outcome outcome = fault_memory(&vm.bus, vcpu, ipa, esr);
    if (outcome == FAULT_FATAL) {
        lifecycle_crash(&vm, vcpu, "its exception vectors are not in its memory", esr, ipa);
    }
    return outcome;
}

static enum fault_outcome trapped_instruction(unsigned vcpu)
{
    return fault_instruction(&vm.psci, vcpu, microkit_mr_get(seL4_VCPUFault_HSR));
}

static enum fault_outcome unknown_syscall(unsigned vcpu)
{
    return fault_hypercall(vcpu);
}

static enum fault_outcome user_exception(unsigned vcpu)
{
    lifecycle_crash(&vm, vcpu, "an exception that only a PD can take", 0, 0);
    return FAULT_FATAL;
}

static enum fault_outcome maintenance(unsigned vcpu)
{
    vmm_count(COUNT_GUEST_MAINTENANCE, 1);
    vgic_maintenance(&vm.vgic, vcpu, microkit_mr_get(seL4_VGICMaintenance_IDX));
    return FAULT_RESUME;
}

/* Only the timer has one. Its tick is also what makes the guest's unfinished output line seen. */
static enum fault_outcome timer_fired(unsigned vcpu)
{
    vmm_count(COUNT_GUEST_TIMER, 1);
    vgic_fired(&vm.vgic, vcpu, microkit_mr_get(seL4_VPPIEvent_IRQ));
    devices_tick(&vm);
    return FAULT_RESUME;
}

static enum fault_outcome (*const handlers[])(unsigned vcpu) = {
    [seL4_Fault_UnknownSyscall] = unknown_syscall, [seL4_Fault_UserException] = user_exception,
    [seL4_Fault_VMFault] = memory_fault,           [seL4_Fault_VGICMaintenance] = maintenance,
    [seL4_Fault_VCPUFault] = trapped_instruction,  [seL4_Fault_VPPIEvent] = timer_fired,
};

#define NUM_LABELS (sizeof(handlers) / sizeof(handlers[0]))

seL4_Bool fault(microkit_child vcpu, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    seL4_Word label = microkit_msginfo_get_label(msginfo);
    enum fault_outcome outcome = FAULT_FATAL;
    *reply_msginfo = microkit_msginfo_new(0, 0);
    if (vm.state != VM_RUNNING) {
        return false; /* a fault that was on its way when the guest was stopped */
    }
    vm.vgic.accessor = vcpu;
    if (label < NUM_LABELS && handlers[label] != NULL) {
        outcome = handlers[label](vcpu);
    } else {
        lifecycle_crash(&vm, vcpu, "a fault of a kind that the VMM does not know", 0, 0);
    }
    end_event();
    return outcome == FAULT_RESUME && !lifecycle_hold(&vm, vcpu);
}
