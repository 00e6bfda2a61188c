/* SPDX-License-Identifier: BSD-2-Clause */
/* The least PD: it prints its name. */
#include <microkit.h>

void init(void)
{
    microkit_dbg_puts("hello from ");
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts("\n");
}

void notified(microkit_channel ch)
{
    (void)ch;
}
