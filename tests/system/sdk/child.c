/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults three times, at another address each time, and then notifies its parent. */
#include <microkit.h>

#define PARENT 3

seL4_Word attempts_vaddr __attribute__((used, section(".data"))) = 0;

void init(void)
{
    volatile seL4_Word *attempts = (volatile seL4_Word *)attempts_vaddr;
    seL4_Word attempt = ++*attempts;
    if (attempt <= 3) {
        *(volatile seL4_Word *)(attempt * 16) = 1;
    }
    microkit_notify(PARENT);
}

void notified(microkit_channel ch)
{
    (void)ch;
    microkit_dbg_puts("child: still alive\n");
}
