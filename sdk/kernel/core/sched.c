/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/sched.h"

#include "sdk/kernel/core/arch.h"

static void queue_remove(struct cpu *cpu, struct thread *thread)
{
    unsigned priority = thread->image->priority;
    if (thread->ready_prev != 0) {
        thread->ready_prev->ready_next = thread->ready_next;
    } else {
        cpu->ready_head[priority] = thread->ready_next;
    }
    if (thread->ready_next != 0) {
        thread->ready_next->ready_prev = thread->ready_prev;
    } else {
        cpu->ready_tail[priority] = thread->ready_prev;
    }
    if (cpu->ready_head[priority] == 0) {
        cpu->ready_map[priority / 64] &= ~(1ul << (priority % 64));
        if (cpu->ready_map[priority / 64] == 0) {
            cpu->ready_words &= ~(1u << priority / 64);
        }
    }
    thread->ready_next = thread->ready_prev = 0;
    thread->queued = false;
}

static void queue_insert(struct cpu *cpu, struct thread *thread, bool at_head)
{
    unsigned priority = thread->image->priority;
    struct thread *head = cpu->ready_head[priority];
    struct thread *tail = cpu->ready_tail[priority];
    thread->ready_prev = at_head ? 0 : tail;
    thread->ready_next = at_head ? head : 0;
    if (at_head || tail == 0) {
        cpu->ready_head[priority] = thread;
    } else {
        tail->ready_next = thread;
    }
    if (!at_head || head == 0) {
        cpu->ready_tail[priority] = thread;
    } else {
        head->ready_prev = thread;
    }
    cpu->ready_map[priority / 64] |= 1ul << (priority % 64);
    cpu->ready_words |= 1u << priority / 64;
    thread->queued = true;
}

static void sleepers_remove(struct cpu *cpu, struct thread *thread)
{
    struct thread **at = &cpu->sleepers;
    while (*at != thread) {
        at = &(*at)->sleep_next;
    }
    *at = thread->sleep_next;
    thread->asleep = false;
}

void sched_sleep(struct cpu *cpu, struct thread *thread, uint64_t when)
{
    if (thread->asleep) {
        sleepers_remove(cpu, thread);
    }
    struct thread **at = &cpu->sleepers;
    while (*at != 0 && (*at)->wake_at <= when) {
        at = &(*at)->sleep_next;
    }
    thread->wake_at = when;
    thread->sleep_next = *at;
    thread->asleep = true;
    *at = thread;
}

static bool is_round_robin(const struct sched_context *sc)
{
    return sc->budget >= sc->period;
}

static void refill(struct sched_context *sc, uint64_t now)
{
    sc->left = sc->budget;
    sc->refill_at = now + sc->period;
    sc->in_turn = false;
}

/* For a context without budget. False: it waits for its next period, asleep. Not inlined: hardly
 * any is without. */
__attribute__((noinline)) static bool begin_period(struct cpu *cpu, struct thread *thread)
{
    uint64_t now = arch_now();
    if (now < thread->sc->refill_at) {
        sched_sleep(cpu, thread, thread->sc->refill_at);
        return false;
    }
    refill(thread->sc, now);
    return true;
}

void sched_enqueue(struct cpu *cpu, struct thread *thread)
{
    if (thread->sc->left != 0 || begin_period(cpu, thread)) {
        queue_insert(cpu, thread, thread->sc->in_turn);
    }
}

void sched_dequeue(struct cpu *cpu, struct thread *thread)
{
    if (thread->queued) {
        queue_remove(cpu, thread);
    }
    if (thread->asleep) {
        sleepers_remove(cpu, thread);
    }
}

void sched_wake_sleepers(struct cpu *cpu, uint64_t now)
{
    while (cpu->sleepers != 0 && cpu->sleepers->wake_at <= now) {
        struct thread *thread = cpu->sleepers;
        sleepers_remove(cpu, thread);
        thread->state = THREAD_READY; /* from THREAD_WFI; one out of budget is ready already */
        sched_enqueue(cpu, thread);
    }
}

/* The budget is used up: its user waits for more at the end of its queue, or asleep. */
static void sched_expire(struct cpu *cpu, struct sched_context *sc, uint64_t now)
{
    if (is_round_robin(sc) || now >= sc->refill_at) {
        refill(sc, now);
    } else {
        sc->left = 0;
    }
    if (sc->user->queued) {
        queue_remove(cpu, sc->user);
        sched_enqueue(cpu, sc->user);
    }
}

bool sched_charge(struct cpu *cpu, uint64_t now)
{
    struct sched_context *sc = cpu->sc;
    uint64_t used = now - cpu->run_since;
    cpu->run_since = now;
    if (sc == 0) {
        return false;
    }
    if (used >= sc->left) {
        sched_expire(cpu, sc, now);
        return true;
    }
    sc->left -= used;
    if (!is_round_robin(sc) && now >= sc->refill_at) {
        refill(sc, now);
    }
    return false;
}

void sched_begin(struct cpu *cpu, const struct thread *next)
{
    cpu->sc = next->sc;
    /* A VMM that outlasts its vCPU's turn does not begin the next one. */
    cpu->sc->in_turn |= cpu->sc == &next->own;
}

struct thread *sched_head(const struct cpu *cpu)
{
    if (cpu->ready_words == 0) {
        return 0;
    }
    unsigned word = 31 - (unsigned)__builtin_clz(cpu->ready_words);
    return cpu->ready_head[word * 64 + 63 - (unsigned)__builtin_clzl(cpu->ready_map[word])];
}

uint64_t sched_deadline(const struct cpu *cpu, const struct thread *running)
{
    uint64_t deadline = cpu->sleepers != 0 ? cpu->sleepers->wake_at : UINT64_MAX;
    bool alone = running->ready_next == 0 && running->ready_prev == 0;
    if (is_round_robin(running->sc) && alone) {
        return deadline; /* nobody to take turns with */
    }
    uint64_t end = cpu->run_since + running->sc->left;
    return end < deadline ? end : deadline;
}
