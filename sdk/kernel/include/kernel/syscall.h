/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of the kernel, as libmicrokit makes them.
 *
 * `svc #0` with the number in x7. Arguments in x0, x1, ...; results in x0 (an error or a badge)
 * and, where a message is passed, x1 (its msginfo) and x2 to x5 (message words 0 to 3); words 4 to
 * 63 lie in the caller's IPC buffer. No system call takes an address, so none can be a wrong one.
 */
#pragma once

#include <stdint.h>

/* The X-macro table: number, name, handler's suffix. */
#define SYSCALLS(X)                                                                                \
    X(0, DEBUG_PUTC, debug_putc)          /* x0 character */                                       \
    X(1, RECV, recv)                      /* -> badge, message */                                  \
    X(2, REPLY_RECV, reply_recv)          /* x1 msginfo, words -> badge, message */                \
    X(3, CALL, call)                      /* x0 channel, x1 msginfo, words -> error, message */    \
    X(4, NOTIFY, notify)                  /* x0 channel */                                         \
    X(5, IRQ_ACK, irq_ack)                /* x0 channel */                                         \
    X(6, PD_STOP, pd_stop)                /* x0 child */                                           \
    X(7, PD_RESTART, pd_restart)          /* x0 child, x1 pc */                                    \
    X(8, VCPU_STOP, vcpu_stop)            /* x0 vcpu */                                            \
    X(9, VCPU_RESTART, vcpu_restart)      /* x0 vcpu, x1 pc */                                     \
    X(10, VCPU_INJECT, vcpu_inject)       /* x0 vcpu, x1 irq, x2 priority, x3 group, x4 index */   \
    X(11, VCPU_ACK_VPPI, vcpu_ack_vppi)   /* x0 vcpu, x1 irq */                                    \
    X(12, VCPU_READ_REG, vcpu_read_reg)   /* x0 vcpu, x1 reg -> error, x1 value */                 \
    X(13, VCPU_WRITE_REG, vcpu_write_reg) /* x0 vcpu, x1 reg, x2 value */                          \
    X(14, TCB_READ, tcb_read)             /* x0 slot, x1 count -> error; IPC buffer */             \
    X(15, TCB_WRITE, tcb_write)           /* x0 slot, x1 count, x2 resume; IPC buffer */           \
    X(16, SMC, smc)                       /* IPC buffer words 0 to 7, in and out */                \
    X(17, PASSIVE, passive)               /* give the scheduling context back: init() is done */

enum syscall_number {
#define X(number, name, handler) SYSCALL_##name = (number),
    SYSCALLS(X)
#undef X
        NUM_SYSCALLS
};

/* Badges of RECV and REPLY_RECV: 0 with bit NOTIFICATION set means that x1 is a bit map. */
#define BADGE_NOTIFICATION (1ul << 63) /* x1: the channels' bits */
#define BADGE_FAULT_CHILD  (1ul << 62) /* low bits: child id; message: the fault */
#define BADGE_FAULT_VCPU   (1ul << 61) /* low bits: vCPU id; message: the fault */
#define BADGE_ID_MASK      0xfful      /* otherwise a protected call: low bits are the channel */

/* TCB slots: child PDs and vCPUs, as sel4.h's BASE_TCB_CAP and BASE_VM_TCB_CAP name them. */
#define SLOT_CHILD(id) (0x100u + (id))
#define SLOT_VCPU(id)  (0x200u + (id))

/* Words of struct seL4_UserContext: pc sp spsr x0-x8 x16-x18 x29 x30 x9-x15 x19-x28 tpidr*. */
#define TCB_WORDS 36

/* Errors in x0, a subset of seL4's numbers. */
enum { SYS_OK = 0, SYS_INVALID_ARGUMENT = 1, SYS_INVALID_SLOT = 2, SYS_RANGE = 4, SYS_BUSY = 9 };

/* The message of a fault, and of a call to a PD that was stopped before it replied. */
#define LABEL_CANCELLED 0xfffffffffffful
