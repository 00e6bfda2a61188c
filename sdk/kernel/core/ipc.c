/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/ipc.h"

#include "kernel/syscall.h"
#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/fault.h"
#include "sdk/kernel/core/sched.h"

#define INFO(label, words) ((uint64_t)(label) << 12 | (words))
#define INFO_WORDS(info)   ((unsigned)(info)&0x7f)
#define INFO_LABEL(info)   ((info) >> 12)

static void block(struct thread *thread, enum thread_state state)
{
    sched_dequeue(this_cpu(), thread);
    thread->state = state;
}

static void senders_append(struct thread *pd, struct thread *sender)
{
    sender->sending_to = pd;
    sender->sender_next = 0;
    if (pd->senders_tail != 0) {
        pd->senders_tail->sender_next = sender;
    } else {
        pd->senders_head = sender;
    }
    pd->senders_tail = sender;
}

static void senders_remove(struct thread *pd, struct thread *sender)
{
    struct thread *before = 0;
    for (struct thread *at = pd->senders_head; at != sender; at = at->sender_next) {
        before = at;
    }
    if (before != 0) {
        before->sender_next = sender->sender_next;
    } else {
        pd->senders_head = sender->sender_next;
    }
    if (pd->senders_tail == sender) {
        pd->senders_tail = before;
    }
    sender->sending_to = 0;
}

static void copy_words(uint64_t *to, const uint64_t *from, unsigned words)
{
    for (unsigned i = 0; i < words; i++) {
        to[i] = from[i];
    }
}

/* Hands the sender's message to a PD that is not running; the sender waits for its reply. */
static void deliver(struct thread *sender, struct thread *pd)
{
    bool fault = sender->state == THREAD_FAULTED;
    copy_words(pd->ipc_words, fault ? sender->message.fault : sender->ipc_words,
               INFO_WORDS(sender->message.info));
    pd->frame->x[0] = sender->message.badge;
    pd->frame->x[1] = sender->message.info;
    pd->replying_to = sender;
    sender->awaiting = pd;
    if (thread_is_vcpu(sender) || (!fault && (pd->image->flags & IMAGE_PASSIVE) != 0)) {
        pd->sc = sender->sc;
        pd->sc->user = pd;
    }
}

static void send(struct thread *sender, struct thread *pd)
{
    if (pd->state == THREAD_RECEIVING) {
        deliver(sender, pd);
        thread_resume(pd);
    } else {
        senders_append(pd, sender);
    }
}

static void deliver_notifications(struct thread *pd)
{
    pd->frame->x[0] = BADGE_NOTIFICATION;
    pd->frame->x[1] = pd->notifications;
    pd->notifications = 0;
}

void ipc_notify(struct thread *pd, unsigned channel)
{
    pd->notifications |= 1ul << channel;
    if (pd->state == THREAD_RECEIVING) {
        deliver_notifications(pd);
        thread_resume(pd);
    }
}

/* From here on the PD pays for itself again. */
static void return_sched_context(struct thread *pd)
{
    pd->sc->user = pd->replying_to;
    pd->sc = &pd->own;
    pd->own.user = pd;
}

/* Whom we have not answered until now is not answered by us any more. */
static void forget_caller(struct thread *pd)
{
    if (pd->replying_to != 0) {
        return_sched_context(pd);
        pd->replying_to->awaiting = 0;
        pd->replying_to = 0;
    }
}

void ipc_receive(struct thread *pd)
{
    forget_caller(pd);
    if (pd->notifications != 0) {
        deliver_notifications(pd);
        return;
    }
    struct thread *sender = pd->senders_head;
    if (sender != 0) {
        senders_remove(pd, sender);
        deliver(sender, pd);
        return;
    }
    block(pd, THREAD_RECEIVING);
}

static uint64_t legal_info(uint64_t info)
{
    return INFO_WORDS(info) <= MESSAGE_WORDS ? info : INFO(INFO_LABEL(info), MESSAGE_WORDS);
}

void ipc_call(struct thread *caller, struct thread *callee, uint64_t badge, uint64_t info)
{
    caller->message.badge = badge;
    caller->message.info = legal_info(info);
    block(caller, THREAD_CALLING);
    send(caller, callee);
}

void ipc_reply(struct thread *pd, uint64_t info)
{
    struct thread *caller = pd->replying_to;
    if (caller == 0) {
        return;
    }
    info = legal_info(info);
    return_sched_context(pd);
    pd->replying_to = 0;
    caller->awaiting = 0;
    if (caller->state == THREAD_CALLING) {
        copy_words(caller->ipc_words, pd->ipc_words, INFO_WORDS(info));
        caller->frame->x[0] = SYS_OK;
        caller->frame->x[1] = info;
    } else if (INFO_LABEL(info) != 0) {
        return; /* the child stays stopped, as its parent says */
    }
    thread_resume(caller);
}

void ipc_fault(struct thread *child, unsigned label, unsigned count)
{
    struct thread *parent = thread_at(child->image->parent);
    child->message.badge = BADGE_FAULT | child->image->id;
    child->message.info = INFO(label, count);
    block(child, THREAD_FAULTED);
    if (parent == 0) {
        ipc_cancel(child); /* it will never answer */
        fault_report(child);
        return;
    }
    send(child, parent);
}

void ipc_cancel(struct thread *thread)
{
    struct thread *caller = thread->replying_to;
    if (thread->sending_to != 0) {
        senders_remove(thread->sending_to, thread);
    }
    if (thread->awaiting != 0) {
        return_sched_context(thread->awaiting);
        thread->awaiting->replying_to = 0;
        thread->awaiting = 0;
    }
    forget_caller(thread);
    if (caller != 0 && caller->state == THREAD_CALLING) {
        caller->frame->x[0] = SYS_OK;
        caller->frame->x[1] = INFO(LABEL_CANCELLED, 0);
        thread_resume(caller);
    }
}
