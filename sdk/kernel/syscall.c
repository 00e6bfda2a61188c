/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls (kernel/syscall.h). Each handler reads its arguments from the caller's saved
 * registers, checks every one of them, and leaves its results there.
 */
#include "kernel/syscall.h"

#include "sdk/kernel/arch.h"
#include "sdk/kernel/console.h"
#include "sdk/kernel/gic.h"
#include "sdk/kernel/ipc.h"
#include "sdk/kernel/kernel.h"
#include "sdk/kernel/vcpu.h"

#define VCPU_MAX_INTID    1019
#define VCPU_MAX_PRIORITY 31 /* as a list register holds it */

static uint64_t arg(const struct thread *pd, unsigned n)
{
    return pd->frame->x[n];
}

static void result(struct thread *pd, uint64_t error)
{
    pd->frame->x[0] = error;
}

/* The PD's channel in x0 if it has one of that number with `flag`, else NULL. */
static const struct image_channel *channel_arg(const struct thread *pd, uint8_t flag)
{
    uint64_t id = arg(pd, 0);
    if (id >= IMAGE_MAX_CHANNEL || (pd->image->channel[id].flags & flag) == 0) {
        return 0;
    }
    return &pd->image->channel[id];
}

static struct thread *child_by_id(const struct thread *pd, uint64_t id)
{
    return id < IMAGE_MAX_CHANNEL ? thread_at(pd->image->child[id]) : 0;
}

static struct thread *vcpu_by_id(const struct thread *pd, uint64_t id)
{
    return id < IMAGE_VM_VCPUS ? thread_at(pd->image->vcpu[id]) : 0;
}

/* Nothing comes between the characters of one call, but this much is the most that others wait. */
static void sys_debug_puts(struct thread *pd)
{
    const char *text = (const char *)(pd->ipc_words - 1) + DEBUG_TEXT_OFFSET;
    uint64_t bytes = arg(pd, 0);
    if (bytes > DEBUG_TEXT_BYTES) {
        result(pd, SYS_RANGE);
        return;
    }
    for (uint64_t i = 0; i < bytes; i++) {
        console_putc(text[i]);
    }
    result(pd, SYS_OK);
}

static void sys_recv(struct thread *pd)
{
    ipc_receive(pd);
}

static void sys_reply_recv(struct thread *pd)
{
    ipc_reply(pd, arg(pd, 1));
    ipc_receive(pd);
}

static void sys_call(struct thread *pd)
{
    const struct image_channel *channel = channel_arg(pd, IMAGE_MAY_CALL);
    if (channel == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    ipc_call(pd, thread_at(channel->peer), channel->peer_channel, arg(pd, 1));
}

static void sys_notify(struct thread *pd)
{
    const struct image_channel *channel = channel_arg(pd, IMAGE_MAY_NOTIFY);
    if (channel == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    result(pd, SYS_OK);
    ipc_notify(thread_at(channel->peer), channel->peer_channel);
}

static void sys_irq_ack(struct thread *pd)
{
    const struct image_channel *channel = channel_arg(pd, IMAGE_IRQ);
    if (channel == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    gic_enable(((const struct image_irq *)image_info.irqs_vaddr)[channel->peer].intid);
    result(pd, SYS_OK);
}

static void sys_pd_stop(struct thread *pd)
{
    struct thread *child = child_by_id(pd, arg(pd, 0));
    if (child == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    thread_stop(child);
    result(pd, SYS_OK);
}

static void sys_pd_restart(struct thread *pd)
{
    struct thread *child = child_by_id(pd, arg(pd, 0));
    if (child == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    thread_stop(child);
    child->frame->pc = arg(pd, 1);
    thread_resume(child);
    result(pd, SYS_OK);
}

static void sys_vcpu_stop(struct thread *pd)
{
    struct thread *vcpu = vcpu_by_id(pd, arg(pd, 0));
    if (vcpu == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    thread_stop(vcpu);
    result(pd, SYS_OK);
}

static void sys_vcpu_restart(struct thread *pd)
{
    struct thread *vcpu = vcpu_by_id(pd, arg(pd, 0));
    if (vcpu == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    thread_stop(vcpu);
    vcpu_reset_interrupts(vcpu);
    vcpu->frame->pc = arg(pd, 1);
    vcpu->frame->spsr = SPSR_EL1H | SPSR_DAIF;
    thread_resume(vcpu);
    result(pd, SYS_OK);
}

static void sys_vcpu_inject(struct thread *pd)
{
    struct thread *vcpu = vcpu_by_id(pd, arg(pd, 0));
    if (vcpu == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    if (arg(pd, 1) > VCPU_MAX_INTID || arg(pd, 2) > VCPU_MAX_PRIORITY || arg(pd, 3) > 1 ||
        arg(pd, 4) >= VCPU_LRS) {
        result(pd, SYS_RANGE);
        return;
    }
    bool taken = vcpu_inject(vcpu, (unsigned)arg(pd, 4), (uint32_t)arg(pd, 1), (unsigned)arg(pd, 2),
                             (unsigned)arg(pd, 3));
    result(pd, taken ? SYS_OK : SYS_BUSY);
}

static void sys_vcpu_ack_vppi(struct thread *pd)
{
    struct thread *vcpu = vcpu_by_id(pd, arg(pd, 0));
    if (vcpu == 0 || arg(pd, 1) != 27) {
        result(pd, vcpu == 0 ? SYS_INVALID_SLOT : SYS_INVALID_ARGUMENT);
        return;
    }
    vcpu_ack_vtimer(vcpu);
    result(pd, SYS_OK);
}

static void sys_vcpu_read_reg(struct thread *pd)
{
    struct thread *vcpu = vcpu_by_id(pd, arg(pd, 0));
    if (vcpu == 0 || arg(pd, 1) >= VCPU_REGS) {
        result(pd, vcpu == 0 ? SYS_INVALID_SLOT : SYS_RANGE);
        return;
    }
    pd->frame->x[1] = vcpu_read_reg(vcpu, (unsigned)arg(pd, 1));
    result(pd, SYS_OK);
}

static void sys_vcpu_write_reg(struct thread *pd)
{
    struct thread *vcpu = vcpu_by_id(pd, arg(pd, 0));
    if (vcpu == 0 || arg(pd, 1) >= VCPU_REGS) {
        result(pd, vcpu == 0 ? SYS_INVALID_SLOT : SYS_RANGE);
        return;
    }
    vcpu_write_reg(vcpu, (unsigned)arg(pd, 1), arg(pd, 2));
    result(pd, SYS_OK);
}

/* The thread that a TCB slot names: a child PD or a vCPU of the caller's, or NULL. */
static struct thread *tcb_by_slot(const struct thread *pd, uint64_t slot)
{
    if (slot >= SLOT_VCPU) {
        return vcpu_by_id(pd, slot - SLOT_VCPU);
    }
    return slot >= SLOT_CHILD ? child_by_id(pd, slot - SLOT_CHILD) : 0;
}

/* Where word n of seL4_UserContext is in struct frame, as an index into its words. */
static const uint8_t tcb_word[TCB_WORDS] = {
    32, 31, 33, 0,  1,  2,  3,  4,  5,  6,  7,  8,  16, 17, 18, 29, 30, 9,
    10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 34, 35,
};
#define TCB_WORD_SPSR 2

static uint64_t *frame_words(struct thread *thread)
{
    return (uint64_t *)thread->frame;
}

static void sys_tcb_read(struct thread *pd)
{
    struct thread *thread = tcb_by_slot(pd, arg(pd, 0));
    uint64_t words = arg(pd, 1);
    if (thread == 0 || words > TCB_WORDS) {
        result(pd, thread == 0 ? SYS_INVALID_SLOT : SYS_RANGE);
        return;
    }
    for (uint64_t n = 0; n < words; n++) {
        pd->ipc_words[n] = frame_words(thread)[tcb_word[n]];
    }
    result(pd, SYS_OK);
}

static void sys_tcb_write(struct thread *pd)
{
    struct thread *thread = tcb_by_slot(pd, arg(pd, 0));
    uint64_t words = arg(pd, 1);
    if (thread == 0 || words > TCB_WORDS) {
        result(pd, thread == 0 ? SYS_INVALID_SLOT : SYS_RANGE);
        return;
    }
    for (uint64_t n = 0; n < words; n++) {
        frame_words(thread)[tcb_word[n]] = pd->ipc_words[n];
    }
    if (!thread_is_vcpu(thread)) {
        thread->frame->spsr &= SPSR_NZCV; /* a PD runs at EL0, with interrupts */
    }
    if (arg(pd, 2) != 0) {
        thread_stop(thread);
        thread_resume(thread);
    }
    result(pd, SYS_OK);
}

static void sys_smc(struct thread *pd)
{
    if ((pd->image->flags & IMAGE_SMC) == 0) {
        result(pd, SYS_INVALID_SLOT);
        return;
    }
    uint64_t *words = pd->ipc_words;
    register uint64_t x0 __asm__("x0") = words[0];
    register uint64_t x1 __asm__("x1") = words[1];
    register uint64_t x2 __asm__("x2") = words[2];
    register uint64_t x3 __asm__("x3") = words[3];
    register uint64_t x4 __asm__("x4") = words[4];
    register uint64_t x5 __asm__("x5") = words[5];
    register uint64_t x6 __asm__("x6") = words[6];
    register uint64_t x7 __asm__("x7") = words[7];
    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
                       "+r"(x7)::"x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "memory");
    words[0] = x0;
    words[1] = x1;
    words[2] = x2;
    words[3] = x3;
    words[4] = x4;
    words[5] = x5;
    words[6] = x6;
    words[7] = x7;
    result(pd, SYS_OK);
}

static void (*const handlers[NUM_SYSCALLS])(struct thread *pd) = {
#define X(number, name, handler) [number] = sys_##handler,
    SYSCALLS(X)
#undef X
};

bool syscall_dispatch(struct thread *pd)
{
    uint64_t number = arg(pd, 7);
    if (number >= NUM_SYSCALLS) {
        return false;
    }
    handlers[number](pd);
    return true;
}
