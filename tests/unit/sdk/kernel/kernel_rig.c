/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/sdk/kernel/kernel_rig.h"

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/debug_console.h"
#include "sdk/kernel/core/fault.h"
#include "sdk/kernel/core/ipc.h"
#include "sdk/kernel/core/kernel.h"
#include "sdk/kernel/gic/gic.h"

#include <stdio.h>
#include <string.h>

#define PAGE_BYTES 4096
#define LR_PENDING (1u << 28)
#define LR_ACTIVE  (1u << 29)

struct image_thread rig_images[RIG_THREADS];
struct image_irq rig_irqs[RIG_IRQS];
struct rig_hardware hardware;
const struct kernel_info kernel_info = { .thread_bytes = sizeof(struct thread) };

static struct cpu cpu;
static struct thread threads[RIG_THREADS];
static _Alignas(PAGE_BYTES) uint8_t pages[RIG_THREADS][PAGE_BYTES];
static jmp_buf asleep;

/* ---- arch.h -----------------------------------------------------------------------------------*/

struct cpu *this_cpu(void)
{
    return &cpu;
}

uint64_t arch_now(void)
{
    return hardware.now;
}

uint64_t arch_ticks(uint64_t us)
{
    return us != 0 ? us : 1;
}

void arch_timer_set(uint64_t deadline)
{
    hardware.timer_at = deadline;
    hardware.pending[INTID_KERNEL_TIMER] = false;
}

void arch_timer_off(void)
{
    hardware.timer_at = UINT64_MAX;
    hardware.pending[INTID_KERNEL_TIMER] = false;
}

static bool is_any_pending(void)
{
    for (unsigned intid = 0; intid < BOARD_NUM_IRQS; intid++) {
        if (hardware.enabled[intid] && hardware.pending[intid]) {
            return true;
        }
    }
    return false;
}

/* The counter reaches the timer's deadline, if nothing else ends the wait. */
void arch_wait_for_interrupt(void)
{
    if (is_any_pending()) {
        return;
    }
    if (hardware.timer_at == UINT64_MAX) {
        longjmp(asleep, 1);
    }
    if (hardware.now < hardware.timer_at) {
        hardware.now = hardware.timer_at;
    }
    hardware.pending[INTID_KERNEL_TIMER] = true;
}

void arch_cycles_start(void)
{
}

uint64_t arch_cycles(void)
{
    return hardware.now;
}

void arch_load_pd(struct cpu *core, const struct thread *pd)
{
    assert_ptr_equal(core->current, pd);
    hardware.loaded = pd;
}

void arch_load_guest(struct cpu *core)
{
    hardware.loaded = core->current;
}

void arch_load_fp(struct cpu *core, struct thread *next, bool is_guest)
{
    assert_int_equal(is_guest, thread_is_vcpu(next));
    core->fp_owner = is_guest ? next : core->fp_owner;
}

void arch_vcpu_init(struct thread *thread)
{
    thread->vcpu.regs[16] = thread->image->id;
}

uint64_t arch_vcpu_entry_spsr(void)
{
    return 0x3c5;
}

void arch_load_vm(struct cpu *core, const struct thread *thread)
{
    core->vttbr = thread->image->space;
}

void arch_flush_vm(void)
{
    hardware.num_flushes++;
}

void arch_vcpu_save(struct vcpu *vcpu)
{
    assert_ptr_equal(hardware.vcpu, vcpu);
    memcpy(vcpu->regs, hardware.el1, sizeof(vcpu->regs));
    hardware.vcpu = NULL;
}

void arch_vcpu_restore(const struct vcpu *vcpu)
{
    assert_null(hardware.vcpu);
    memcpy(hardware.el1, vcpu->regs, sizeof(vcpu->regs));
    hardware.vcpu = vcpu;
}

bool arch_vcpu_read(unsigned reg, uint64_t *value)
{
    assert_in_range(reg, 0, VCPU_REGS - 1);
    *value = hardware.el1[reg];
    return true;
}

void arch_vcpu_write(unsigned reg, uint64_t value)
{
    assert_in_range(reg, 0, VCPU_REGS - 1);
    hardware.el1[reg] = value;
}

uint64_t arch_pd_spsr(uint64_t spsr)
{
    return spsr & 0xf0000000;
}

void arch_smc(uint64_t words[8])
{
    hardware.num_smcs++;
    words[0] = ~words[0];
}

/* ---- gic.h ------------------------------------------------------------------------------------*/

void gic_init(void)
{
}

void gic_set_edge(uint32_t intid, bool edge)
{
    assert_in_range(intid, 32, BOARD_NUM_IRQS - 1);
    hardware.edge[intid] = edge;
}

void gic_enable(uint32_t intid)
{
    assert_in_range(intid, 0, BOARD_NUM_IRQS - 1);
    hardware.enabled[intid] = true;
}

void gic_disable(uint32_t intid)
{
    assert_in_range(intid, 0, BOARD_NUM_IRQS - 1);
    hardware.enabled[intid] = false;
}

uint32_t gic_acknowledge(void)
{
    for (uint32_t intid = 0; intid < BOARD_NUM_IRQS; intid++) {
        if (hardware.enabled[intid] && hardware.pending[intid]) {
            hardware.pending[intid] = false;
            hardware.active = intid;
            return intid;
        }
    }
    return GIC_SPURIOUS + 3;
}

void gic_end(uint32_t acknowledged)
{
    assert_int_equal(acknowledged, hardware.active);
    hardware.active = 0;
}

uint32_t gic_read_lr(unsigned n)
{
    assert_in_range(n, 0, VCPU_LRS - 1);
    return hardware.lr[n];
}

void gic_write_lr(unsigned n, uint32_t value)
{
    assert_in_range(n, 0, VCPU_LRS - 1);
    hardware.lr[n] = value;
    hardware.ended &= ~(1u << n);
}

uint32_t gic_make_lr(uint32_t intid, unsigned priority, unsigned group)
{
    return LR_PENDING | group << 30 | priority << 23 | intid;
}

bool gic_lr_is_active(uint32_t lr)
{
    return (lr & LR_ACTIVE) != 0;
}

bool gic_lr_is_pending(uint32_t lr)
{
    return (lr & LR_PENDING) != 0;
}

uint32_t gic_ended_lrs(void)
{
    return hardware.ended;
}

void gic_virtual_load(uint32_t vmcr, uint32_t apr)
{
    (void)vmcr, (void)apr;
}

void gic_virtual_save(uint32_t *vmcr, uint32_t *apr)
{
    *vmcr = *apr = 0;
}

/* ---- The rest ---------------------------------------------------------------------------------*/

void console_putc(char c)
{
    size_t used = strlen(hardware.console);
    assert_true(used + 1 < sizeof(hardware.console));
    hardware.console[used] = c;
}

void fault_report(const struct thread *thread)
{
    console_print("%s has stopped\n", thread->image->name);
}

int rig_setup(void **state)
{
    (void)state;
    memset(rig_images, 0, sizeof(rig_images));
    memset(rig_irqs, 0, sizeof(rig_irqs));
    memset(threads, 0, sizeof(threads));
    memset(pages, 0, sizeof(pages));
    hardware = (struct rig_hardware){ .timer_at = UINT64_MAX };
    cpu = (struct cpu){ .timer_at = UINT64_MAX, .vtimer_masked = true };
    for (unsigned i = 0; i < RIG_THREADS; i++) {
        struct image_thread *image = &rig_images[i];
        image->parent = IMAGE_NONE;
        image->budget_us = image->period_us = 1000;
        image->frame_paddr = (uintptr_t)pages[i] - KERNEL_VADDR_OFFSET;
        memset(image->child, 0xff, sizeof(image->child));
        memset(image->vcpu, 0xff, sizeof(image->vcpu));
    }
    return 0;
}

struct image_thread *rig_pd(unsigned index, const char *name, uint8_t priority)
{
    struct image_thread *image = &rig_images[index];
    (void)snprintf(image->name, sizeof(image->name), "%s", name);
    image->kind = IMAGE_PD;
    image->priority = priority;
    image->space = 0x1000 + index;
    image->entry_vaddr = 0x200000;
    return image;
}

struct image_thread *rig_vcpu(unsigned index, const char *name, uint8_t priority, unsigned vmm,
                              uint8_t id)
{
    struct image_thread *image = rig_pd(index, name, priority);
    image->kind = IMAGE_VCPU;
    image->parent = (uint16_t)vmm;
    image->id = id;
    image->space = 0x2000 + vmm;
    rig_images[vmm].vcpu[id] = (uint16_t)index;
    return image;
}

void rig_channel(unsigned a, uint8_t a_id, uint8_t a_flags, unsigned b, uint8_t b_id,
                 uint8_t b_flags)
{
    rig_images[a].channel[a_id] = (struct image_channel){ a_flags, b_id, (uint16_t)b };
    rig_images[b].channel[b_id] = (struct image_channel){ b_flags, a_id, (uint16_t)a };
}

void rig_child(unsigned parent, uint8_t id, unsigned child)
{
    rig_images[parent].child[id] = (uint16_t)child;
    rig_images[child].parent = (uint16_t)parent;
    rig_images[child].id = id;
}

struct thread *rig_boot(unsigned num_threads, unsigned num_irqs)
{
    image_info.threads_vaddr = (uintptr_t)rig_images;
    image_info.objects_vaddr = (uintptr_t)threads;
    image_info.irqs_vaddr = (uintptr_t)rig_irqs;
    image_info.num_threads = num_threads;
    image_info.num_irqs = num_irqs;
    for (unsigned i = 0; i < num_irqs; i++) {
        rig_images[rig_irqs[i].thread].channel[rig_irqs[i].channel] =
            (struct image_channel){ .flags = IMAGE_IRQ, .peer = (uint16_t)i };
    }
    kernel_start();
    return rig_next();
}

struct thread *rig_next(void)
{
    if (setjmp(asleep) != 0) {
        return NULL;
    }
    struct thread *next = turn_next(&cpu);
    assert_int_equal(next->state, THREAD_READY);
    assert_ptr_equal(cpu.current, next);
    assert_ptr_equal(hardware.loaded, next);
    assert_true(!thread_is_vcpu(next) || hardware.vcpu == &next->vcpu);
    return next;
}

struct thread *rig_syscall(struct thread *thread, enum syscall_number number,
                           const uint64_t args[5])
{
    assert_ptr_equal(cpu.current, thread);
    memcpy(thread->frame->x, args, 5 * sizeof(*args));
    thread->frame->x[7] = number;
    assert_true(syscall_dispatch(thread));
    return rig_next();
}

static struct thread *take_interrupt(void)
{
    irq_handle(&cpu);
    return rig_next();
}

struct thread *rig_run(uint64_t ticks)
{
    struct thread *thread = cpu.current;
    uint64_t end = hardware.now + ticks;
    while (hardware.timer_at <= end) {
        if (hardware.now < hardware.timer_at) {
            hardware.now = hardware.timer_at;
        }
        hardware.pending[INTID_KERNEL_TIMER] = true;
        struct thread *next = take_interrupt();
        if (next != thread) {
            return next;
        }
    }
    if (hardware.now < end) { /* the core may have been idle meanwhile */
        hardware.now = end;
    }
    return thread;
}

struct thread *rig_interrupt(uint32_t intid)
{
    hardware.pending[intid] = true;
    return take_interrupt();
}

struct thread *rig_fault(struct thread *thread, unsigned label, uint64_t word)
{
    assert_ptr_equal(cpu.current, thread);
    thread->message.fault[0] = word;
    ipc_fault(thread, label, 1);
    return rig_next();
}
