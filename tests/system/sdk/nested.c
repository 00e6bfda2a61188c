/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls through two servers, front -> middle -> back, of which the last two may be passive; back is
 * a child of boss and crashes when it is told to. A call to it is then answered by the kernel, and
 * works again when boss has restarted it. orphan has no parent: when it crashes, who called it is
 * answered by the kernel.
 */
#include "sdk/kernel/include/kernel/syscall.h"
#include "tests/system/sdk/test_pd.h"

#define CALLEE 1
#define BOSS   2
#define BACK   9
#define ENTRY  0x200000
#define CRASH  666

static seL4_Word ask(seL4_Word value)
{
    microkit_mr_set(0, value);
    microkit_msginfo answer = microkit_ppcall(CALLEE, microkit_msginfo_new(0, 1));
    if (microkit_msginfo_get_label(answer) == LABEL_CANCELLED) {
        return CRASH;
    }
    return microkit_mr_get(0);
}

static void be_front(void)
{
    seL4_Word right = 0;
    for (seL4_Word n = 0; n < 300; n++) {
        right += ask(n) == n * 10 + 1;
    }
    say_number("nested answers:", right);
    say(ask(CRASH) == CRASH ? "the call was cancelled" : "answered by a crashed server");
    microkit_notify(BOSS);
    say(ask(4) == 41 ? "the server is back" : "wrong answer of a restarted server");
}

void init(void)
{
    if (is_named("front")) {
        be_front();
    } else if (is_named("victim")) {
        say(ask(CRASH) == CRASH ? "the orphan's call was cancelled" : "answered by an orphan");
    }
}

/* boss: the front end wants its server back. */
void notified(microkit_channel ch)
{
    (void)ch;
    microkit_pd_restart(BACK, ENTRY);
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    (void)ch;
    (void)msginfo;
    seL4_Word value = microkit_mr_get(0);
    if (is_named("middle")) {
        value = ask(value);
        microkit_mr_set(0, value == CRASH ? CRASH : value + 1);
    } else if (value == CRASH) {
        *(volatile seL4_Word *)0 = 1;
    } else {
        microkit_mr_set(0, value * 10);
    }
    return microkit_msginfo_new(0, 1);
}

/* boss: stopping is what cancels the call. */
seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply)
{
    (void)msginfo;
    (void)reply;
    say_number("stops its child", child);
    microkit_pd_stop(child);
    return seL4_False;
}
