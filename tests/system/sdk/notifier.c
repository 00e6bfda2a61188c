/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifies its peer once. */
#include <microkit.h>

#define PEER 5

void init(void)
{
    microkit_notify(PEER);
}

void notified(microkit_channel ch)
{
    (void)ch;
}
