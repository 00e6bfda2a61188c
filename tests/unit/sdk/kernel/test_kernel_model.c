/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls, faults, interrupts and time, on random systems, against a second model of
 * scheduling and communication that has no queues: each thread has a key, and the smallest key of
 * the highest priority runs. After each step all threads are compared. KERNEL_MODEL_STEPS= sets how
 * many steps each system makes.
 */
#include "tests/unit/sdk/kernel/kernel_rig.h"

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/fault.h"

#include <stdlib.h>

#define SYSTEMS       300
#define DEFAULT_STEPS 1000
#define NONE          (-1)
#define NEVER         UINT64_MAX
#define IRQ_CHANNEL   61
#define FIRST_INTID   40

struct context {
    uint64_t left, refill_at;
    bool in_turn;
    int user;
};

struct second {
    enum thread_state state;
    bool is_queued, is_asleep;
    int64_t key; /* in the ready queue */
    uint64_t wake_at, slept_as;
    struct context own;
    int context; /* whose */
    uint64_t notifications, badge, info, x0, x1;
    int64_t sent_as; /* place among those that wait to be received */
    int sending_to, replying_to, awaiting;
};

static struct second second[RIG_THREADS];
static unsigned num_threads;
static uint64_t now, run_since, sleeps;
static int64_t first_key, last_key, num_sent;
static int paying; /* whose context; NONE: idle */
static bool has_fired;
static uint32_t seed;

static unsigned draw(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static bool is_vcpu(int t)
{
    return rig_images[t].kind == IMAGE_VCPU;
}

/* ---- Scheduling -------------------------------------------------------------------------------*/

static bool is_round_robin(int c)
{
    return rig_images[c].budget_us >= rig_images[c].period_us;
}

static void refill(int c)
{
    second[c].own.left = rig_images[c].budget_us;
    second[c].own.refill_at = now + rig_images[c].period_us;
    second[c].own.in_turn = false;
}

static void enqueue(int t)
{
    struct context *context = &second[second[t].context].own;
    if (context->left == 0 && now < context->refill_at) {
        second[t].is_asleep = true;
        second[t].wake_at = context->refill_at;
        second[t].slept_as = ++sleeps;
        return;
    }
    if (context->left == 0) {
        refill(second[t].context);
    }
    second[t].is_queued = true;
    second[t].key = context->in_turn ? --first_key : ++last_key;
}

static void dequeue(int t)
{
    second[t].is_queued = second[t].is_asleep = false;
}

static void resume(int t)
{
    second[t].state = THREAD_READY;
    enqueue(t);
}

static int head(void)
{
    int best = NONE;
    for (int t = 0; t < (int)num_threads; t++) {
        if (second[t].is_queued &&
            (best == NONE || rig_images[t].priority > rig_images[best].priority ||
             (rig_images[t].priority == rig_images[best].priority &&
              second[t].key < second[best].key))) {
            best = t;
        }
    }
    return best;
}

/* The thread that sleeps for the shortest time, the first of equals. */
static int first_sleeper(void)
{
    int first = NONE;
    for (int t = 0; t < (int)num_threads; t++) {
        if (second[t].is_asleep && (first == NONE || second[t].wake_at < second[first].wake_at ||
                                    (second[t].wake_at == second[first].wake_at &&
                                     second[t].slept_as < second[first].slept_as))) {
            first = t;
        }
    }
    return first;
}

static void wake_sleepers(void)
{
    for (int t = first_sleeper(); t != NONE && second[t].wake_at <= now; t = first_sleeper()) {
        second[t].is_asleep = false;
        resume(t);
    }
}

/* Returns whether the budget is used up. */
static bool charge(void)
{
    uint64_t used = now - run_since;
    run_since = now;
    if (paying == NONE) {
        return false;
    }
    struct context *context = &second[paying].own;
    if (used < context->left) {
        context->left -= used;
        if (!is_round_robin(paying) && now >= context->refill_at) {
            refill(paying);
        }
        return false;
    }
    if (is_round_robin(paying) || now >= context->refill_at) {
        refill(paying);
    } else {
        context->left = 0;
    }
    if (second[context->user].is_queued) {
        second[context->user].is_queued = false;
        enqueue(context->user);
    }
    return true;
}

/* Idles until a thread is ready; returns it, or NONE where the core would sleep for ever. */
static int choose(void)
{
    while (head() == NONE) {
        if (paying != NONE) {
            (void)charge();
            paying = NONE;
        }
        int sleeper = first_sleeper();
        if (sleeper == NONE) {
            return NONE;
        }
        now = second[sleeper].wake_at > now ? second[sleeper].wake_at : now;
        has_fired = true;
        wake_sleepers();
        run_since = now;
    }
    return head();
}

/* Returns the thread that runs next, as choose() does. */
static int next_turn(void)
{
    int next = choose();
    if (next != NONE && (second[next].context != paying || has_fired)) {
        if (charge()) {
            next = choose();
        }
        has_fired = false;
        if (next != NONE) {
            paying = second[next].context;
            second[paying].own.in_turn |= paying == next;
        }
    }
    return next;
}

/* ---- Communication ----------------------------------------------------------------------------*/

static void return_context(int pd)
{
    second[second[pd].context].own.user = second[pd].replying_to;
    second[pd].context = pd;
    second[pd].own.user = pd;
}

static void forget_caller(int pd)
{
    if (second[pd].replying_to != NONE) {
        return_context(pd);
        second[second[pd].replying_to].awaiting = NONE;
        second[pd].replying_to = NONE;
    }
}

static void deliver(int sender, int pd)
{
    bool is_fault = second[sender].state == THREAD_FAULTED;
    second[pd].x0 = second[sender].badge;
    second[pd].x1 = second[sender].info;
    second[pd].replying_to = sender;
    second[sender].awaiting = pd;
    if (is_vcpu(sender) || (!is_fault && rig_images[pd].flags == IMAGE_PASSIVE)) {
        second[pd].context = second[sender].context;
        second[second[pd].context].own.user = pd;
    }
}

static void take_notifications(int pd)
{
    second[pd].x0 = BADGE_NOTIFICATION;
    second[pd].x1 = second[pd].notifications;
    second[pd].notifications = 0;
}

static void notify(int pd, unsigned channel)
{
    second[pd].notifications |= 1ul << channel;
    if (second[pd].state == THREAD_RECEIVING) {
        take_notifications(pd);
        resume(pd);
    }
}

static void receive(int pd)
{
    int sender = NONE;
    forget_caller(pd);
    if (second[pd].notifications != 0) {
        take_notifications(pd);
        return;
    }
    for (int t = 0; t < (int)num_threads; t++) {
        if (second[t].sending_to == pd &&
            (sender == NONE || second[t].sent_as < second[sender].sent_as)) {
            sender = t;
        }
    }
    if (sender != NONE) {
        second[sender].sending_to = NONE;
        deliver(sender, pd);
        return;
    }
    dequeue(pd);
    second[pd].state = THREAD_RECEIVING;
}

static void send(int sender, enum thread_state state, int pd, uint64_t badge, uint64_t info)
{
    dequeue(sender);
    second[sender].state = state;
    second[sender].badge = badge;
    second[sender].info = info;
    if (second[pd].state == THREAD_RECEIVING) {
        deliver(sender, pd);
        resume(pd);
    } else {
        second[sender].sending_to = pd;
        second[sender].sent_as = ++num_sent;
    }
}

static void reply(int pd, uint64_t info)
{
    int caller = second[pd].replying_to;
    if (caller == NONE) {
        return;
    }
    forget_caller(pd);
    if (second[caller].state == THREAD_CALLING) {
        second[caller].x0 = SYS_OK;
        second[caller].x1 = info;
    } else if (info >> 12 != 0) {
        return;
    }
    resume(caller);
}

static void stop(int t)
{
    int caller = second[t].replying_to;
    second[t].sending_to = NONE;
    if (second[t].awaiting != NONE) {
        int pd = second[t].awaiting;
        return_context(pd);
        second[pd].replying_to = NONE;
        second[t].awaiting = NONE;
    }
    forget_caller(t);
    if (caller != NONE && second[caller].state == THREAD_CALLING) {
        second[caller].x0 = SYS_OK;
        second[caller].x1 = RIG_MSG(LABEL_CANCELLED, 0);
        resume(caller);
    }
    dequeue(t);
    second[t].state = THREAD_STOPPED;
}

/* ---- Systems ----------------------------------------------------------------------------------*/

/* PDs first; PD 0 is the parent of all others and holds some vCPUs, as a second PD does. */
static unsigned make_system(void)
{
    static const uint8_t priorities[] = { 50, 100, 100, 100, 150, 200 };
    unsigned pds = 2 + draw(5), vcpus = draw(5);
    for (unsigned i = 0; i < pds + vcpus; i++) {
        uint8_t priority = priorities[draw(6)];
        struct image_thread *image = i < pds
                                         ? rig_pd(i, "pd", priority)
                                         : rig_vcpu(i, "vcpu", priority, i % 2, (uint8_t)(i - pds));
        if (draw(3) == 0) {
            image->budget_us = 50 + draw(400);
        }
        if (i > 0 && i < pds) {
            image->flags = draw(4) == 0 ? IMAGE_PASSIVE : 0;
            rig_child(0, (uint8_t)i, i);
        }
    }
    /* A channel's id is the other PD's number. Calls go to lower numbers, as faults do, so that no
     * two PDs wait for each other. */
    for (unsigned a = 0; a < pds; a++) {
        for (unsigned b = 0; b < a; b++) {
            rig_channel(a, (uint8_t)b, IMAGE_MAY_NOTIFY | IMAGE_MAY_CALL, b, (uint8_t)a,
                        IMAGE_MAY_NOTIFY);
        }
    }
    for (unsigned i = 0; i < pds && i < RIG_IRQS; i++) {
        rig_irqs[i] = (struct image_irq){ FIRST_INTID + i, (uint16_t)i, IRQ_CHANNEL, 0 };
    }
    num_threads = pds + vcpus;
    return pds;
}

static void start_second(void)
{
    now = run_since = sleeps = 0;
    first_key = last_key = num_sent = 0;
    paying = NONE;
    has_fired = false;
    for (int t = 0; t < (int)num_threads; t++) {
        second[t] = (struct second){ .own = { .user = t },
                                     .context = t,
                                     .sending_to = NONE,
                                     .replying_to = NONE,
                                     .awaiting = NONE };
        refill(t);
        if (!is_vcpu(t)) {
            resume(t);
        }
    }
}

static int index_of(const struct thread *thread)
{
    return thread == NULL ? NONE : (int)(thread - thread_at(0));
}

static int owner_of(const struct sched_context *context)
{
    for (int t = 0; t < (int)num_threads; t++) {
        if (&thread_at((unsigned)t)->own == context) {
            return t;
        }
    }
    return NONE;
}

static void compare_thread(int t)
{
    const struct thread *thread = thread_at((unsigned)t);
    const struct second *other = &second[t];
    assert_int_equal(thread->state, other->state);
    assert_int_equal(thread->queued, other->is_queued);
    assert_int_equal(thread->asleep, other->is_asleep);
    assert_true(!thread->asleep || thread->wake_at == other->wake_at);
    assert_int_equal(thread->notifications, other->notifications);
    assert_int_equal(owner_of(thread->sc), other->context);
    assert_int_equal(thread->own.left, other->own.left);
    assert_int_equal(thread->own.refill_at, other->own.refill_at);
    assert_int_equal(thread->own.in_turn, other->own.in_turn);
    assert_int_equal(index_of(thread->own.user), other->own.user);
    assert_int_equal(index_of(thread->sending_to), other->sending_to);
    assert_int_equal(index_of(thread->replying_to), other->replying_to);
    assert_int_equal(index_of(thread->awaiting), other->awaiting);
    if (!is_vcpu(t)) {
        assert_int_equal(thread->frame->x[0], other->x0);
        assert_int_equal(thread->frame->x[1], other->x1);
    }
}

/* When the kernel must look again at the latest. */
static uint64_t deadline_of(int running)
{
    int sleeper = first_sleeper();
    uint64_t deadline = sleeper == NONE ? NEVER : second[sleeper].wake_at;
    bool is_alone = true;
    for (int t = 0; t < (int)num_threads; t++) {
        is_alone &= t == running || !second[t].is_queued ||
                    rig_images[t].priority != rig_images[running].priority;
    }
    if (is_round_robin(second[running].context) && is_alone) {
        return deadline;
    }
    uint64_t end = run_since + second[second[running].context].own.left;
    return end < deadline ? end : deadline;
}

/* `before` ran before the step; the kernel has chosen anew if it was entered. */
static int compare(struct thread *running, int before, bool is_entered)
{
    int expected = is_entered ? next_turn() : before;
    assert_int_equal(index_of(running), expected);
    if (expected == NONE) {
        now = run_since = hardware.now; /* an idle core may have waited for a timer that was set */
    }
    assert_int_equal(hardware.now, now);
    for (int t = 0; t < (int)num_threads; t++) {
        compare_thread(t);
    }
    assert_true(running == NULL || hardware.timer_at <= deadline_of(expected));
    return expected;
}

/* ---- Steps ------------------------------------------------------------------------------------*/

static struct thread *call(int t, enum syscall_number number, uint64_t x0, uint64_t x1)
{
    return rig_call(thread_at((unsigned)t), number, x0, x1);
}

/* A system call of the PD that runs. In the second model x0 and x1 are its arguments, then its
 * results. */
static struct thread *step_pd(int pd, unsigned pds)
{
    unsigned other = draw(pds), child = draw(pds), id = draw(IMAGE_VM_VCPUS);
    uint64_t info = RIG_MSG(draw(2), draw(4));
    bool is_other = other != (unsigned)pd;
    uint64_t x1 = 0x400000;
    int vcpu = rig_images[pd].vcpu[id] == IMAGE_NONE ? NONE : rig_images[pd].vcpu[id];
    struct second *own = &second[pd];
    switch (draw(10)) {
    case 0:
    case 1:
        own->x0 = is_other ? SYS_OK : SYS_INVALID_SLOT;
        own->x1 = x1;
        if (is_other) {
            notify((int)other, (unsigned)pd);
        }
        return call(pd, SYSCALL_NOTIFY, other, x1);
    case 2:
    case 3:
        own->x0 = other < (unsigned)pd ? other : SYS_INVALID_SLOT;
        own->x1 = info;
        if (other < (unsigned)pd) {
            send(pd, THREAD_CALLING, (int)other, (uint64_t)pd, info);
        }
        return call(pd, SYSCALL_CALL, other, info);
    case 4:
    case 5:
        own->x0 = 0, own->x1 = x1;
        receive(pd);
        return call(pd, SYSCALL_RECV, 0, x1);
    case 6:
    case 7:
        own->x0 = 0, own->x1 = info;
        reply(pd, info);
        receive(pd);
        return call(pd, SYSCALL_REPLY_RECV, 0, info);
    case 8:
        own->x0 = pd == 0 && child != 0 ? SYS_OK : SYS_INVALID_SLOT;
        own->x1 = x1;
        if (own->x0 == SYS_OK) {
            stop((int)child);
            if (info % 2 != 0) {
                resume((int)child);
            }
        }
        return call(pd, info % 2 != 0 ? SYSCALL_PD_RESTART : SYSCALL_PD_STOP, child, x1);
    default:
        own->x0 = vcpu != NONE ? SYS_OK : SYS_INVALID_SLOT;
        own->x1 = x1;
        if (vcpu != NONE) {
            stop(vcpu);
            if (info % 8 != 0) {
                resume(vcpu);
            }
        }
        return call(pd, info % 8 != 0 ? SYSCALL_VCPU_RESTART : SYSCALL_VCPU_STOP, id, x1);
    }
}

static struct thread *step_fault(int t)
{
    send(t, THREAD_FAULTED, rig_images[t].parent, BADGE_FAULT | rig_images[t].id,
         RIG_MSG(FAULT_VCPU, 1));
    return rig_fault(thread_at((unsigned)t), FAULT_VCPU, 0);
}

static struct thread *step_interrupt(unsigned pds)
{
    unsigned n = draw(pds < RIG_IRQS ? pds : RIG_IRQS);
    hardware.enabled[FIRST_INTID + n] = true; /* as IRQ_ACK leaves it */
    notify((int)n, IRQ_CHANNEL);
    return rig_interrupt(FIRST_INTID + n);
}

/* Time passes; at most one interrupt of the timer. Returns whether there was one. */
static bool pass_time(struct thread **running)
{
    uint64_t end = now + draw(700);
    if (end < hardware.timer_at) {
        now = hardware.now = end;
        return false;
    }
    now = hardware.timer_at > now ? hardware.timer_at : now;
    has_fired = true;
    wake_sleepers();
    *running = rig_run(now - hardware.now);
    return true;
}

static int step(int running, unsigned pds)
{
    unsigned kind = draw(20);
    struct thread *next = running == NONE ? NULL : thread_at((unsigned)running);
    bool is_entered = true;
    if (running == NONE || kind == 0) {
        next = step_interrupt(pds);
    } else if (kind < 6) {
        is_entered = pass_time(&next);
    } else if (is_vcpu(running) || kind == 6) {
        is_entered = rig_images[running].parent != IMAGE_NONE;
        next = is_entered ? step_fault(running) : next;
    } else {
        next = step_pd(running, pds);
    }
    return compare(next, running, is_entered);
}

static void random_systems_agree(void **state)
{
    const char *steps = getenv("KERNEL_MODEL_STEPS");
    unsigned num_steps = steps == NULL ? DEFAULT_STEPS : (unsigned)strtoul(steps, NULL, 10);
    unsigned num_idle = 0;
    for (unsigned system = 0; system < SYSTEMS; system++) {
        seed = system * 2654435761u + 1;
        rig_setup(state);
        unsigned pds = make_system();
        start_second();
        int running = compare(rig_boot(num_threads, pds < RIG_IRQS ? pds : RIG_IRQS), NONE, true);
        for (unsigned i = 0; i < num_steps; i++) {
            running = step(running, pds);
            num_idle += running == NONE;
        }
    }
    assert_true(num_idle < SYSTEMS * num_steps / 2); /* most steps were taken by a thread */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_systems_agree) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
