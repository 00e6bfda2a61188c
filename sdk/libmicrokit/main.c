/* SPDX-License-Identifier: BSD-2-Clause */
/* A PD's life: constructors, init(), and then for ever: receive and dispatch. */
#include "sdk/libmicrokit/syscall_stubs.h"

#include <microkit.h>

extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);
_Noreturn void microkit_main(void);

/* Patched by bin/microkit: in .data, so that they lie in the file (microkit.ld keeps them). */
char microkit_name[MICROKIT_PD_NAME_LENGTH] = "?";
seL4_Bool microkit_passive __attribute__((section(".data"))) = 0;
seL4_Word microkit_irqs __attribute__((section(".data"))) = 0;
seL4_Word microkit_notifications __attribute__((section(".data"))) = 0;
seL4_Word microkit_pps __attribute__((section(".data"))) = 0;

seL4_Bool microkit_have_signal;
microkit_channel microkit_signal_channel;
seL4_Bool microkit_signal_is_irq;

/* For PDs that are never called and have no children. */
__attribute__((weak)) microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    (void)ch;
    (void)msginfo;
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(": called, but it has no protected()\n");
    return microkit_msginfo_new(0, 0);
}

__attribute__((weak)) seL4_Bool fault(microkit_child child, microkit_msginfo msginfo,
                                      microkit_msginfo *reply_msginfo)
{
    (void)child;
    (void)msginfo;
    (void)reply_msginfo;
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(": a child has faulted, but it has no fault()\n");
    return seL4_False;
}

static void dispatch_notifications(seL4_Word bits)
{
    while (bits != 0) {
        microkit_channel ch = (microkit_channel)__builtin_ctzl(bits);
        bits &= bits - 1;
        notified(ch);
    }
}

static void send_deferred(void)
{
    if (!microkit_have_signal) {
        return;
    }
    microkit_have_signal = seL4_False;
    syscall(microkit_signal_is_irq ? SYSCALL_IRQ_ACK : SYSCALL_NOTIFY, microkit_signal_channel, 0,
            0, 0, 0);
}

_Noreturn void microkit_main(void)
{
    for (void (*const *construct)(void) = __init_array_start; construct != __init_array_end;
         construct++) {
        (*construct)();
    }
    init();
    bool have_reply = false;
    microkit_msginfo reply = { { 0 } };
    for (;;) {
        send_deferred();
        struct syscall_result got =
            syscall(have_reply ? SYSCALL_REPLY_RECV : SYSCALL_RECV, 0, reply.words[0], 0, 0, 0);
        microkit_msginfo info = { { got.x1 } };
        have_reply = false;
        if ((got.x0 & BADGE_NOTIFICATION) != 0) {
            dispatch_notifications(got.x1);
        } else if ((got.x0 & BADGE_FAULT) != 0) {
            reply = microkit_msginfo_new(0, 0);
            have_reply = fault((microkit_child)(got.x0 & BADGE_ID_MASK), info, &reply);
        } else {
            reply = protected((microkit_channel)(got.x0 & BADGE_ID_MASK), info);
            have_reply = true;
        }
    }
}
