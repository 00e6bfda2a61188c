/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells its peer again and again that it has the core for itself. */
#include "tests/system/sdk/test_pd.h"

#define PEER 5

void init(void)
{
    spin_ms(20);
    microkit_notify(PEER);
}

void notified(microkit_channel ch)
{
    spin_ms(20);
    microkit_notify(ch);
}
