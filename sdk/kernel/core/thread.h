/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's one kind of object: a thread, which is a PD (at EL0, under TTBR0_EL2) or a vCPU (at
 * EL1 and EL0, under stage 2); and the state of a core.
 */
#pragma once

#include "kernel/image.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * General registers of a thread that does not run. vectors.S and libmicrokit's
 * struct microkit_vcpu_frame have the same layout. A vCPU's lies in memory that its VMM can write:
 * of it the kernel trusts nothing (see vcpu_spsr()).
 */
struct frame {
    uint64_t x[31];
    uint64_t sp_el0;
    uint64_t pc;
    uint64_t spsr;
    uint64_t tpidr_el0;
    uint64_t tpidrro_el0;
};

struct fp_state {
    __uint128_t q[32];
    uint64_t fpcr;
    uint64_t fpsr;
};

enum thread_state {
    THREAD_STOPPED,
    THREAD_READY,     /* in the ready queue, or out of budget and asleep */
    THREAD_RECEIVING, /* waits for a notification or a message */
    THREAD_CALLING,   /* waits for its callee to receive, or to reply */
    THREAD_FAULTED,   /* the same with a fault message, for its parent */
    THREAD_WFI,       /* vCPU: waits for a virtual interrupt or its timer */
};

/*
 * Time that a thread may use: `budget` of each `period` (ticks of the counter). A passive PD runs
 * on that of its caller, a VMM that handles a fault on that of the vCPU: who asks for work pays.
 */
struct sched_context {
    uint64_t budget;
    uint64_t period;
    uint64_t left;       /* of this period's budget */
    uint64_t refill_at;  /* when the next period may begin */
    bool in_turn;        /* its owner has run since the budget was full */
    struct thread *user; /* who runs on it now */
};

#define FAULT_WORDS 13

/* What a blocked sender has to say; the words of a call stay in its IPC buffer. */
struct message {
    uint64_t badge;
    uint64_t info; /* label << 12 | words */
    uint64_t fault[FAULT_WORDS];
};

#define VCPU_LRS          4
#define VCPU_REGS         24           /* registers by seL4's numbers, see vcpu.c */
#define VCPU_EVENT_VPPI   (1u << 16)   /* the virtual timer has fired */
#define VCPU_EVENT_LR(lr) (1u << (lr)) /* list register's interrupt has been ended */

struct vcpu {
    uint64_t regs[VCPU_REGS];
    uint64_t csselr;
    uint64_t vdisr;        /* a guest's DISR_EL1 */
    uint32_t lr[VCPU_LRS]; /* GICH_LRn; stale for those in the core */
    uint32_t lrs_used;     /* bit n: lr[n] has been injected and not yet been ended */
    uint32_t vmcr;
    uint32_t apr;
    uint32_t events;    /* VCPU_EVENT_*: to be told to the VMM before the vCPU runs again */
    bool vtimer_masked; /* INTID 27 stays masked for it until VCPU_ACK_VPPI */
};

/* What the config `benchmark` counts. */
enum { THREAD_ENTRIES, THREAD_SWITCHES, THREAD_CYCLES, THREAD_COUNTS };

struct thread {
    const struct image_thread *image;
    struct frame *frame;
    uint64_t *ipc_words; /* PD: message words of its IPC buffer */
    enum thread_state state;
    bool asleep; /* in the sleepers' list */
    bool queued; /* in its ready queue */
    uint64_t wake_at;
    struct thread *ready_next, *ready_prev;
    struct thread *sleep_next;
    struct sched_context own;
    struct sched_context *sc; /* own, or that of whom it serves */
    uint64_t notifications;   /* channels signalled and not yet received */
    struct thread *senders_head, *senders_tail, *sender_next;
    struct thread *sending_to;  /* in whose senders' queue we are */
    struct thread *replying_to; /* who waits for our reply */
    struct thread *awaiting;    /* whose reply we wait for */
    struct message message;
    struct thread *last_vcpu; /* VMM: which of its vCPUs was last in the core */
    struct frame pd_frame;
    struct fp_state fp;
    struct vcpu vcpu;
    uint64_t counts[THREAD_COUNTS];
};

struct cpu {
    struct thread *current; /* its registers are, or were last, in the core */
    struct thread *vcpu;    /* whose EL1 state is in the core */
    struct thread *fp_owner;
    struct sched_context *sc; /* who pays for the time since run_since; NULL: nobody, idle */
    uint64_t run_since;
    uint64_t timer_at; /* what the kernel's timer is set to; UINT64_MAX: off */
    uint64_t ttbr0, vttbr, hcr, cptr, cnthctl; /* what is in these registers */
    bool vtimer_masked;
    bool timer_fired;        /* since `sc` was last charged */
    struct thread *sleepers; /* by wake_at */
    struct thread *counted;  /* whose cycles these are, from counted_since; NULL: idle */
    uint64_t counted_since;
    uint64_t idle_counts[THREAD_COUNTS];
    uint64_t ready_map[4]; /* bit p of the 256: queue p is not empty */
    uint32_t ready_words;  /* bit n: ready_map[n] is not 0 */
    struct thread *ready_head[256], *ready_tail[256];
};

extern struct image_info image_info;

static inline bool thread_is_vcpu(const struct thread *thread)
{
    return thread->image->kind == IMAGE_VCPU;
}

/* The thread of index `index` < image_info.num_threads, or NULL for IMAGE_NONE. */
struct thread *thread_at(unsigned index);

/* Sets up all threads from the image's tables; PDs are ready, vCPUs stopped. */
void threads_init(void);

/*
 * Takes the thread out of all queues and stops it. Who waited for its reply is answered with
 * LABEL_CANCELLED; who waits to be received by it goes on waiting.
 */
void thread_stop(struct thread *thread);

/* Makes a thread that is in no queue ready. */
void thread_resume(struct thread *thread);
