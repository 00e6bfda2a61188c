/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds 7 to every word that it is called with, and 1 to the label. */
#include <microkit.h>

void init(void)
{
}

void notified(microkit_channel ch)
{
    (void)ch;
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    (void)ch;
    seL4_Word count = microkit_msginfo_get_count(msginfo);
    for (seL4_Word n = 0; n < count; n++) {
        microkit_mr_set((seL4_Uint8)n, microkit_mr_get((seL4_Uint8)n) + 7);
    }
    return microkit_msginfo_new(microkit_msginfo_get_label(msginfo) + 1, (seL4_Uint16)count);
}
