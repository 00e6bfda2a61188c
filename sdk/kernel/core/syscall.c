/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls (kernel/syscall.h). Each handler reads its arguments from the caller's saved
 * registers, checks every one of them, and leaves its results there.
 */
#include "kernel/syscall.h"

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/cycle_count.h"
#include "sdk/kernel/core/debug_console.h"
#include "sdk/kernel/core/ipc.h"
#include "sdk/kernel/core/kernel.h"
#include "sdk/kernel/core/vcpu.h"
#include "sdk/kernel/gic/gic.h"

#include <string.h>

#define VCPU_MAX_INTID    1019
#define VCPU_MAX_PRIORITY 31 /* as a list register holds it */

#define NO_RESULT         UINT64_MAX /* a handler's: x0 is set already, or will be when the PD goes on */

static uint64_t arg(const struct thread *pd, unsigned n)
{
    return pd->frame->x[n];
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

/* Whom x0 names, for calls about another thread: NULL if the PD has none of that number. */
static struct thread *child_by_id(const struct thread *pd, uint64_t id)
{
    return id < IMAGE_MAX_CHANNEL ? thread_at(pd->image->child[id]) : 0;
}

static struct thread *vcpu_by_id(const struct thread *pd, uint64_t id)
{
    return id < IMAGE_VM_VCPUS ? thread_at(pd->image->vcpu[id]) : 0;
}

/* Nothing comes between the characters of one call, but this much is the most that others wait. */
static uint64_t sys_debug_puts(struct thread *pd, struct thread *none)
{
    const char *text = (const char *)(pd->ipc_words - 1) + DEBUG_TEXT_OFFSET;
    uint64_t bytes = arg(pd, 0);
    (void)none;
    if (bytes > DEBUG_TEXT_BYTES) {
        return SYS_RANGE;
    }
    for (uint64_t i = 0; i < bytes; i++) {
        console_putc(text[i]);
    }
    return SYS_OK;
}

static uint64_t sys_recv(struct thread *pd, struct thread *none)
{
    (void)none;
    ipc_receive(pd);
    return NO_RESULT;
}

static uint64_t sys_reply_recv(struct thread *pd, struct thread *none)
{
    (void)none;
    ipc_reply(pd, arg(pd, 1));
    ipc_receive(pd);
    return NO_RESULT;
}

static uint64_t sys_call(struct thread *pd, struct thread *none)
{
    const struct image_channel *channel = channel_arg(pd, IMAGE_MAY_CALL);
    (void)none;
    if (channel == 0) {
        return SYS_INVALID_SLOT;
    }
    ipc_call(pd, thread_at(channel->peer), channel->peer_channel, arg(pd, 1));
    return NO_RESULT;
}

static uint64_t sys_notify(struct thread *pd, struct thread *none)
{
    const struct image_channel *channel = channel_arg(pd, IMAGE_MAY_NOTIFY);
    (void)none;
    if (channel == 0) {
        return SYS_INVALID_SLOT;
    }
    ipc_notify(thread_at(channel->peer), channel->peer_channel);
    return SYS_OK;
}

static uint64_t sys_irq_ack(struct thread *pd, struct thread *none)
{
    const struct image_channel *channel = channel_arg(pd, IMAGE_IRQ);
    (void)none;
    if (channel == 0) {
        return SYS_INVALID_SLOT;
    }
    gic_enable(((const struct image_irq *)image_info.irqs_vaddr)[channel->peer].intid);
    return SYS_OK;
}

static uint64_t sys_stop(struct thread *pd, struct thread *child)
{
    (void)pd;
    thread_stop(child);
    return SYS_OK;
}

static uint64_t sys_pd_restart(struct thread *pd, struct thread *child)
{
    thread_stop(child);
    child->frame->pc = arg(pd, 1);
    thread_resume(child);
    return SYS_OK;
}

static uint64_t sys_vcpu_restart(struct thread *pd, struct thread *vcpu)
{
    thread_stop(vcpu);
    vcpu_reset_interrupts(vcpu);
    vcpu->frame->pc = arg(pd, 1);
    vcpu->frame->spsr = arch_vcpu_entry_spsr();
    thread_resume(vcpu);
    return SYS_OK;
}

static uint64_t sys_vcpu_inject(struct thread *pd, struct thread *vcpu)
{
    if (arg(pd, 1) > VCPU_MAX_INTID || arg(pd, 2) > VCPU_MAX_PRIORITY || arg(pd, 3) > 1 ||
        arg(pd, 4) >= VCPU_LRS) {
        return SYS_RANGE;
    }
    bool taken = vcpu_inject(vcpu, (unsigned)arg(pd, 4), (uint32_t)arg(pd, 1), (unsigned)arg(pd, 2),
                             (unsigned)arg(pd, 3));
    return taken ? SYS_OK : SYS_BUSY;
}

static uint64_t sys_vcpu_ack_vppi(struct thread *pd, struct thread *vcpu)
{
    if (arg(pd, 1) != INTID_VTIMER) {
        return SYS_INVALID_ARGUMENT;
    }
    vcpu_ack_vtimer(vcpu);
    return SYS_OK;
}

static uint64_t sys_vcpu_read_reg(struct thread *pd, struct thread *vcpu)
{
    if (arg(pd, 1) >= VCPU_REGS) {
        return SYS_RANGE;
    }
    pd->frame->x[1] = vcpu_read_reg(vcpu, (unsigned)arg(pd, 1));
    return SYS_OK;
}

static uint64_t sys_vcpu_write_reg(struct thread *pd, struct thread *vcpu)
{
    if (arg(pd, 1) >= VCPU_REGS) {
        return SYS_RANGE;
    }
    vcpu_write_reg(vcpu, (unsigned)arg(pd, 1), arg(pd, 2));
    return SYS_OK;
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

static uint64_t sys_tcb_read(struct thread *pd, struct thread *thread)
{
    uint64_t words = arg(pd, 1);
    if (words > TCB_WORDS) {
        return SYS_RANGE;
    }
    for (uint64_t n = 0; n < words; n++) {
        pd->ipc_words[n] = frame_words(thread)[tcb_word[n]];
    }
    return SYS_OK;
}

static uint64_t sys_tcb_write(struct thread *pd, struct thread *thread)
{
    uint64_t words = arg(pd, 1);
    if (words > TCB_WORDS) {
        return SYS_RANGE;
    }
    for (uint64_t n = 0; n < words; n++) {
        frame_words(thread)[tcb_word[n]] = pd->ipc_words[n];
    }
    if (!thread_is_vcpu(thread)) {
        thread->frame->spsr = arch_pd_spsr(thread->frame->spsr);
    }
    if (arg(pd, 2) != 0) {
        thread_stop(thread);
        thread_resume(thread);
    }
    return SYS_OK;
}

static uint64_t sys_smc(struct thread *pd, struct thread *none)
{
    (void)none;
    if ((pd->image->flags & IMAGE_SMC) == 0) {
        return SYS_INVALID_SLOT;
    }
    arch_smc(pd->ipc_words);
    return SYS_OK;
}

/* Of any thread, and behind the last one of the idle core: who runs a benchmark sees all. */
static uint64_t sys_thread_counts(struct thread *pd, struct thread *none)
{
    (void)none;
    if (!COUNT) {
        return SYS_INVALID_SLOT;
    }
    uint64_t index = arg(pd, 0);
    if (index > image_info.num_threads) {
        return SYS_INVALID_SLOT;
    }
    const struct thread *thread = index < image_info.num_threads ? thread_at((unsigned)index) : 0;
    static const char idle[IMAGE_NAME_BYTES] = "idle";
    memcpy(pd->ipc_words, thread != 0 ? thread->image->name : idle, IMAGE_NAME_BYTES);
    memcpy(pd->ipc_words + IMAGE_NAME_BYTES / sizeof(uint64_t),
           thread != 0 ? thread->counts : this_cpu()->idle_counts, sizeof(thread->counts));
    return SYS_OK;
}

/* One row a call: whom x0 names if it is about another thread (else NULL), and what is done. */
static const struct {
    struct thread *(*target)(const struct thread *pd, uint64_t id);
    uint64_t (*handler)(struct thread *pd, struct thread *target);
} calls[NUM_SYSCALLS] = {
#define X(number, name, target, handler) [number] = { target, sys_##handler },
    SYSCALLS(X)
#undef X
};

bool syscall_dispatch(struct thread *pd)
{
    uint64_t number = arg(pd, 7);
    struct thread *target = 0;
    if (number >= NUM_SYSCALLS) {
        return false;
    }
    if (calls[number].target != 0) {
        target = calls[number].target(pd, arg(pd, 0));
        if (target == 0) {
            pd->frame->x[0] = SYS_INVALID_SLOT;
            return true;
        }
    }
    uint64_t result = calls[number].handler(pd, target);
    if (result != NO_RESULT) {
        pd->frame->x[0] = result;
    }
    return true;
}
