/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stress of notifications: ping and pong pass a ball (a count in shared memory) while flood,
 * above both and with a part of the time, notifies both without end and counts that too. Nothing is
 * lost: the ball arrives as often as it should, and after the flood each has seen its last count.
 */
#include "tests/system/sdk/test_pd.h"

#define PEER   0
#define FLOOD  1 /* of ping and pong; flood has PING and PONG */
#define PING   0
#define PONG   1
#define ROUNDS 20000
#define FLOODS 50000

struct shared {
    volatile seL4_Word ball, floods;
};

seL4_Word shared_vaddr PATCHED = 0;
static bool is_ping, ball_done, flood_done;

static struct shared *shared(void)
{
    return (struct shared *)shared_vaddr;
}

static void flood(void)
{
    for (unsigned n = 1; n <= FLOODS; n++) {
        shared()->floods = n;
        microkit_notify(PING);
        microkit_notify(PONG);
    }
    say("flood is over");
}

void init(void)
{
    is_ping = is_named("ping");
    if (is_named("flood")) {
        flood();
    } else if (is_ping) {
        microkit_notify(PEER);
    }
}

static void take_ball(void)
{
    if (shared()->ball < ROUNDS) {
        shared()->ball++;
        microkit_notify(PEER);
    } else if (!ball_done) {
        ball_done = true;
        microkit_notify(PEER);
        say_number("the ball has come to rest at", shared()->ball);
    }
}

void notified(microkit_channel ch)
{
    if (ch == PEER) {
        take_ball();
    } else if (shared()->floods == FLOODS && !flood_done) {
        flood_done = true;
        say("has seen the last flood");
    }
}
