/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of the kernel, as libmicrokit makes them.
 *
 * `svc #0` with the number in x7, arguments in x0, x1, ...; results in x0 (an error, or a badge)
 * and x1 (a msginfo: label << 12 | words). The words of a message lie in the IPC buffers of its
 * sender and its receiver. No system call takes an address, so none can be a wrong one.
 */
#pragma once

#include <stdint.h>

/* Number, name, and the kernel's: whom x0 names if it is another thread, handler's suffix. */
#define SYSCALLS(X)                                                                                \
    X(0, DEBUG_PUTS, 0, debug_puts)                 /* x0 bytes of text in the IPC buffer */       \
    X(1, RECV, 0, recv)                             /* -> badge, msginfo or bits */                \
    X(2, REPLY_RECV, 0, reply_recv)                 /* x1 msginfo -> badge, msginfo or bits */     \
    X(3, CALL, 0, call)                             /* x0 channel, x1 msginfo -> error, msginfo */ \
    X(4, NOTIFY, 0, notify)                         /* x0 channel -> error */                      \
    X(5, IRQ_ACK, 0, irq_ack)                       /* x0 channel -> error */                      \
    X(6, PD_STOP, child_by_id, stop)                /* x0 child -> error */                        \
    X(7, PD_RESTART, child_by_id, pd_restart)       /* x0 child, x1 pc -> error */                 \
    X(8, VCPU_STOP, vcpu_by_id, stop)               /* x0 vcpu -> error */                         \
    X(9, VCPU_RESTART, vcpu_by_id, vcpu_restart)    /* x0 vcpu, x1 pc -> error */                  \
    X(10, VCPU_INJECT, vcpu_by_id, vcpu_inject)     /* x1 irq, x2 prio, x3 group, x4 LR */         \
    X(11, VCPU_ACK_VPPI, vcpu_by_id, vcpu_ack_vppi) /* x0 vcpu, x1 irq -> error */                 \
    X(12, VCPU_READ_REG, vcpu_by_id, vcpu_read_reg) /* x0 vcpu, x1 reg -> error, value */          \
    X(13, VCPU_WRITE_REG, vcpu_by_id, vcpu_write_reg) /* x0 vcpu, x1 reg, x2 value -> error */     \
    X(14, TCB_READ, tcb_by_slot, tcb_read)            /* x0 slot, x1 words -> error */             \
    X(15, TCB_WRITE, tcb_by_slot, tcb_write)          /* x0 slot, x1 words, x2 resume -> error */  \
    X(16, SMC, 0, smc)                     /* IPC buffer words 0 to 7, in and out -> error */      \
    X(17, THREAD_COUNTS, 0, thread_counts) /* x0 thread -> error; IPC buffer: name, counts */

enum syscall_number {
#define X(number, name, target, handler) SYSCALL_##name = (number),
    SYSCALLS(X)
#undef X
        NUM_SYSCALLS
};

/* Badges of RECV and REPLY_RECV: what has come. */
#define BADGE_NOTIFICATION (1ul << 63) /* x1: the channels' bits */
#define BADGE_FAULT        (1ul << 62) /* low bits: child or vCPU id; message: the fault */
#define BADGE_ID_MASK      0xfful      /* otherwise a protected call: low bits are the channel */

/* TCB slots, as BASE_TCB_CAP and BASE_VM_TCB_CAP of microkit.h name them. */
#define SLOT_CHILD 0x100u /* + child id */
#define SLOT_VCPU  0x200u /* + vCPU id */

/* Text for the debug console: its place in the IPC buffer's page, and how much at once. */
#define DEBUG_TEXT_OFFSET 2048
#define DEBUG_TEXT_BYTES  128

#define MESSAGE_WORDS     64 /* most words of a message */
#define TCB_WORDS         36 /* of seL4_UserContext */

/* Errors in x0, a subset of seL4's numbers. */
enum { SYS_OK = 0, SYS_INVALID_ARGUMENT = 1, SYS_INVALID_SLOT = 2, SYS_RANGE = 4, SYS_BUSY = 9 };

/* Label of the answer to a call whose callee was stopped before it replied. */
#define LABEL_CANCELLED 0xffffffffffffful
