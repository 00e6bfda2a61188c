/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/thread.h"

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/ipc.h"
#include "sdk/kernel/core/sched.h"

extern const struct kernel_info kernel_info;

struct thread *thread_at(unsigned index)
{
    if (index == IMAGE_NONE) {
        return 0;
    }
    return (struct thread *)(image_info.objects_vaddr + (uint64_t)index * kernel_info.thread_bytes);
}

static void thread_init(struct thread *thread, const struct image_thread *image)
{
    uint64_t frame_vaddr = image->frame_paddr + KERNEL_VADDR_OFFSET;
    thread->image = image;
    thread->sc = &thread->own;
    thread->own.user = thread;
    thread->own.budget = arch_ticks(image->budget_us);
    thread->own.period = arch_ticks(image->period_us);
    thread->own.left = thread->own.budget;
    thread->own.refill_at = arch_now() + thread->own.period;
    thread->state = THREAD_STOPPED;
    if (thread_is_vcpu(thread)) {
        thread->frame = (struct frame *)frame_vaddr;
        thread->frame->spsr = arch_vcpu_entry_spsr();
        arch_vcpu_init(thread);
        return;
    }
    thread->frame = &thread->pd_frame;
    thread->frame->pc = image->entry_vaddr;
    thread->frame->sp_el0 = image->stack_vaddr;
    thread->ipc_words = (uint64_t *)frame_vaddr + 1; /* behind the tag: seL4_IPCBuffer */
    thread_resume(thread);
}

void threads_init(void)
{
    const struct image_thread *images = (const struct image_thread *)image_info.threads_vaddr;
    for (unsigned i = 0; i < image_info.num_threads; i++) {
        thread_init(thread_at(i), &images[i]);
    }
}

void thread_resume(struct thread *thread)
{
    thread->state = THREAD_READY;
    sched_enqueue(this_cpu(), thread);
}

void thread_stop(struct thread *thread)
{
    ipc_cancel(thread);
    sched_dequeue(this_cpu(), thread);
    thread->state = THREAD_STOPPED;
}
