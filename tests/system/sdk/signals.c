/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications. sender (high priority) posts four channels from the last to the first before
 * receiver runs, which must see them from the first to the last. receiver then defers a
 * notification of sender, which must not run before the handler is over.
 */
#include "tests/system/sdk/test_pd.h"

seL4_Word shared_vaddr PATCHED = 0;

#define BACK 1

static const microkit_channel posted[] = { 61, 40, 3, 0 };
enum { POSTED = sizeof posted / sizeof *posted };

static bool is_sender;
static unsigned received;

void init(void)
{
    is_sender = is_named("sender");
    for (unsigned i = 0; is_sender && i < POSTED; i++) {
        microkit_notify(posted[i]);
        microkit_notify(posted[i]); /* two make one */
    }
}

void notified(microkit_channel ch)
{
    volatile seL4_Word *handler_over = (volatile seL4_Word *)shared_vaddr;
    if (is_sender) {
        say(*handler_over ? "told behind the handler" : "told within the handler");
        return;
    }
    say_number("channel", ch);
    received++;
    if (received == POSTED) {
        microkit_deferred_notify(BACK);
        spin_ms(3);
        *handler_over = 1;
    } else if (received > POSTED) {
        say("too many");
    }
}
