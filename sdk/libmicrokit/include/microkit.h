/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Microkit's interface for protection domains (PDs), version 2.0. A PD defines init() and
 * notified(), and protected() or fault() if something calls it or is its child. Each entry point
 * runs to its end before the next one is called.
 */
#pragma once

#include <sel4/sel4.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned int microkit_channel;
typedef unsigned int microkit_child;
typedef seL4_MessageInfo_t microkit_msginfo;

#define MICROKIT_MAX_CHANNELS   62
#define MICROKIT_MAX_CHANNEL_ID (MICROKIT_MAX_CHANNELS - 1)
#define MICROKIT_PD_NAME_LENGTH 64

#define BASE_TCB_CAP            0x100 /* + child id */
#define BASE_VM_TCB_CAP         0x200 /* + vCPU id */
#define BASE_VCPU_CAP           0x300 /* + vCPU id */

/* Entry points, defined by the PD. */
void init(void);
void notified(microkit_channel ch);
microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo);
/* A child PD or a vCPU has faulted. True: `reply_msginfo` is sent and the child resumes. */
seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo);

/* Patched into the program by bin/microkit. */
extern char microkit_name[MICROKIT_PD_NAME_LENGTH];
extern seL4_Bool microkit_passive;
extern seL4_Word microkit_irqs;          /* bit n: channel n is an interrupt */
extern seL4_Word microkit_notifications; /* bit n: channel n may be notified */
extern seL4_Word microkit_pps;           /* bit n: channel n may be called */

/* The deferred signal of this handler: sent with the next receive, at most one. */
extern seL4_Bool microkit_have_signal;
extern microkit_channel microkit_signal_channel;
extern seL4_Bool microkit_signal_is_irq;

/* Prints on the kernel's debug console. */
void microkit_dbg_putc(int c);
void microkit_dbg_puts(const char *s);
void microkit_dbg_put8(seL4_Uint8 value);
void microkit_dbg_put32(seL4_Uint32 value);

/* Signals the other end of a channel; wakes it, never blocks. */
void microkit_notify(microkit_channel ch);
/* Unmasks the channel's interrupt, which stays masked from its arrival until then. */
void microkit_irq_ack(microkit_channel ch);
/* The same at the end of this handler; one of both a handler. */
void microkit_deferred_notify(microkit_channel ch);
void microkit_deferred_irq_ack(microkit_channel ch);

/* Calls protected() of the channel's other end and returns its message. */
microkit_msginfo microkit_ppcall(microkit_channel ch, microkit_msginfo msginfo);

/* Child PDs: stops one; starts one at `entry_point` with the rest of its registers kept. */
void microkit_pd_stop(microkit_child pd);
void microkit_pd_restart(microkit_child pd, seL4_Word entry_point);

/* vCPUs, which start stopped. Restart sets the pc, clears virtual interrupts and timer, and runs.
 */
void microkit_vcpu_restart(microkit_child vcpu, seL4_Word entry_point);
void microkit_vcpu_stop(microkit_child vcpu);
/* Writes list register `index` (0 to 3): a pending interrupt, maintenance at its end. */
void microkit_vcpu_arm_inject_irq(microkit_child vcpu, seL4_Uint16 irq, seL4_Uint8 priority,
                                  seL4_Uint8 group, seL4_Uint8 index);
/* Unmasks the virtual timer's interrupt (27) after a VPPIEvent fault. */
void microkit_vcpu_arm_ack_vppi(microkit_child vcpu, seL4_Word irq);
seL4_Word microkit_vcpu_arm_read_reg(microkit_child vcpu, seL4_Word reg);
void microkit_vcpu_arm_write_reg(microkit_child vcpu, seL4_Word reg, seL4_Word value);

/*
 * An extension of the embedded SDK: the registers of the caller's vCPU in the caller's own memory,
 * in place of seL4_TCB_ReadRegisters and WriteRegisters. Valid while the vCPU is stopped or its
 * fault is being handled; what is written takes effect when it runs again (of spsr, what a guest
 * may have). Not there on seL4: test for the macro.
 */
struct microkit_vcpu_frame {
    seL4_Word x[31], sp_el0, pc, spsr, tpidr_el0, tpidrro_el0;
};
#define MICROKIT_VCPU_FRAME(vcpu)                                                                  \
    ((struct microkit_vcpu_frame *)(0x7ffff00000ul + 0x1000ul * (vcpu)))

/* Likewise: what the kernel has counted of thread `index` (PDs and vCPUs, then the idle core) in
 * the config `benchmark`: entries into it, switches to the thread, cycles. False: there is none. */
#define MICROKIT_THREAD_COUNTS 3
bool microkit_thread_counts(seL4_Word index, char name[MICROKIT_PD_NAME_LENGTH],
                            seL4_Word counts[MICROKIT_THREAD_COUNTS]);

/* SMC by a PD with smc="true": x0 (the function) to x7, in and out. */
typedef struct seL4_ARM_SMCContext_ {
    seL4_Word x0, x1, x2, x3, x4, x5, x6, x7;
} seL4_ARM_SMCContext;
void microkit_arm_smc_call(seL4_ARM_SMCContext *args, seL4_ARM_SMCContext *response);

static inline microkit_msginfo microkit_msginfo_new(seL4_Word label, seL4_Uint16 count)
{
    return seL4_MessageInfo_new(label, 0, 0, count);
}

static inline seL4_Word microkit_msginfo_get_label(microkit_msginfo msginfo)
{
    return seL4_MessageInfo_get_label(msginfo);
}

static inline seL4_Word microkit_msginfo_get_count(microkit_msginfo msginfo)
{
    return seL4_MessageInfo_get_length(msginfo);
}

static inline void microkit_mr_set(seL4_Uint8 mr, seL4_Word value)
{
    seL4_SetMR(mr, value);
}

static inline seL4_Word microkit_mr_get(seL4_Uint8 mr)
{
    return seL4_GetMR(mr);
}
