/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's core with an architecture, an interrupt controller and a console without hardware.
 * A tick of the counter is a microsecond, and passes only where a test says so or the core is idle.
 */
#pragma once

#include "sdk/kernel/core/thread.h"

#include "kernel/syscall.h"
#include "sdk/kernel/core/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RIG_THREADS 12
#define RIG_IRQS    4

/* The image's tables. A test fills them in before rig_boot(). */
extern struct image_thread rig_images[RIG_THREADS];
extern struct image_irq rig_irqs[RIG_IRQS];

/* What the core has asked the hardware for. */
struct rig_hardware {
    uint64_t now;
    uint64_t timer_at; /* UINT64_MAX: off */
    bool enabled[BOARD_NUM_IRQS];
    bool pending[BOARD_NUM_IRQS];
    bool edge[BOARD_NUM_IRQS];
    uint32_t active; /* INTID that was acknowledged and not ended; 0: none */
    uint32_t lr[VCPU_LRS];
    uint32_t ended;              /* bit n: the guest has ended the interrupt in lr[n] */
    const struct thread *loaded; /* PD or vCPU */
    const struct vcpu *vcpu;     /* whose EL1 state was restored last and not saved since */
    uint64_t el1[VCPU_REGS];
    unsigned num_flushes; /* of a VM's translations */
    unsigned num_smcs;
    char console[8192];
};
extern struct rig_hardware hardware;

/* Clears everything, and gives each image a page. Budget and period are 1,000 ticks, priority 100.
 */
int rig_setup(void **state);

/* Makes image `index` a PD, or a vCPU of the PD `vmm` under `id`. */
struct image_thread *rig_pd(unsigned index, const char *name, uint8_t priority);
struct image_thread *rig_vcpu(unsigned index, const char *name, uint8_t priority, unsigned vmm,
                              uint8_t id);

/* Joins PDs `a` and `b` by a channel, under an id on each side; flags are IMAGE_MAY_*. */
void rig_channel(unsigned a, uint8_t a_id, uint8_t a_flags, unsigned b, uint8_t b_id,
                 uint8_t b_flags);

/* Makes `child` a child of PD `parent` under `id`. */
void rig_child(unsigned parent, uint8_t id, unsigned child);

/* Starts the kernel with so many threads and interrupts; returns what rig_next() does. */
struct thread *rig_boot(unsigned num_threads, unsigned num_irqs);

/* The thread that runs next, or NULL if the core would sleep for ever. */
struct thread *rig_next(void);

/* The running thread's system call, with up to five arguments in x0 to x4. */
#define rig_call(thread, number, ...)                                                              \
    rig_syscall(thread, number, (const uint64_t[5]){ __VA_ARGS__ })
struct thread *rig_syscall(struct thread *thread, enum syscall_number number,
                           const uint64_t args[5]);

/* The running thread runs for so many ticks, or until the kernel's timer lets another one run. */
struct thread *rig_run(uint64_t ticks);

/* A device's interrupt becomes pending, and is taken. */
struct thread *rig_interrupt(uint32_t intid);

/* What a PD has received: badge and msginfo, or the bits of its notifications. */
#define RIG_BADGE(thread)     ((thread)->frame->x[0])
#define RIG_INFO(thread)      ((thread)->frame->x[1])
#define RIG_MSG(label, words) ((uint64_t)(label) << 12 | (words))

/* The running thread faults with `label` and one word. */
struct thread *rig_fault(struct thread *thread, unsigned label, uint64_t word);
