/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signalling of sDDF's network queues (io/include/sddf/net_queue.h): one producer, one
 * consumer, each on a core of its own, and memory where a store may become visible after a later
 * load, which is what the fences are there for. Searched for: a consumer that sleeps for ever while
 * its ring holds entries (an end that is none), and an entry that is overwritten or taken twice.
 *
 * Each side has a store buffer that is drained at any time, oldest first. A fence waits until it is
 * empty, and so does a notification: the kernel's way to the other core orders stores. Every
 * load of consumer_signalled stands behind a fence, so no side has to look into its own buffer.
 *
 * With -DNO_FENCE or -DNO_SECOND_LOOK the search finds the lost wake-up.
 */
#define CAPACITY 2
#define ENTRIES  5

#define PRODUCER 0
#define CONSUMER 1

#ifdef NO_FENCE
#define FENCE(side) skip
#else
#define FENCE(side) empty(store[side])
#endif

mtype = { TAIL, HEAD, SIGNALLED };

byte tail, head, signalled; /* as the other side sees them */
byte ring[CAPACITY];
chan store[2] = [4] of { mtype, byte };
bit notified; /* does not count */

proctype memory(bit side)
{
    byte value;
end:
    do
    :: atomic { store[side]?TAIL(value) -> tail = value }
    :: atomic { store[side]?HEAD(value) -> head = value }
    :: atomic { store[side]?SIGNALLED(value) -> signalled = value }
    od
}

/* Batches of one entry and more; net_enqueue() and net_must_signal(). */
proctype producer()
{
    byte own;
    do
    :: own < ENTRIES ->
        (own - head < CAPACITY); /* if it is never so, the consumer sleeps on a full ring */
        do
        :: own < ENTRIES && own - head < CAPACITY ->
            ring[own % CAPACITY] = own;
            own++;
            store[PRODUCER]!TAIL(own)
        :: break
        od;
        FENCE(PRODUCER);
        if
        :: signalled == 0 ->
            store[PRODUCER]!SIGNALLED(1);
            atomic { empty(store[PRODUCER]) -> notified = 1 }
        :: else
        fi
    :: own == ENTRIES -> break
    od
}

/* net_dequeue() and net_wait(). */
proctype consumer()
{
    byte own;
drain:
    do
    :: own != tail ->
        assert(ring[own % CAPACITY] == own);
        own++;
        store[CONSUMER]!HEAD(own)
    :: else -> break
    od;
    store[CONSUMER]!SIGNALLED(0);
    FENCE(CONSUMER);
#ifndef NO_SECOND_LOOK
    if
    :: own != tail ->
        store[CONSUMER]!SIGNALLED(1);
        goto drain
    :: else
    fi;
#endif
    if
    :: atomic { notified == 1 -> notified = 0 }
        goto drain
    :: own == ENTRIES && !notified -> skip /* all has come */
    fi
}

init
{
    atomic {
        run memory(PRODUCER);
        run memory(CONSUMER);
        run producer();
        run consumer()
    }
}
