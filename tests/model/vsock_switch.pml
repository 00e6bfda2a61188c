/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lossless delivery (io/virt/switch/vsock.c): a sender, two receivers that post chains when they
 * like, and the switch, which holds a packet until its receiver has a chain, and passes those to the
 * other on. Searched for: a packet that waits for ever though its receiver has a chain (an end that
 * is none), and two packets of a pair that change places. Stores are seen at once here: what fences
 * are for is shown by port.pml.
 *
 * With -DNO_SECOND_LOOK, -DDEAF (no wish for a notification of chains) or -DOVERTAKE the search
 * finds the error.
 */
#define PACKETS 3

#ifdef OVERTAKE
#define MAY_GO(i) held[i]
#else
#define MAY_GO(i) (held[i] && !starved[to[i]])
#endif

byte to[PACKETS];        /* whose a packet is, in the sender's ring */
byte tail;               /* the sender's */
byte posted[2], used[2]; /* chains of a receiver: its own count, and the switch's */
bit wants_packets, wants_chains[2];
bit notified;            /* does not count */
byte delivered;

proctype sender()
{
    do
    :: atomic {
        tail < PACKETS ->
            if
            :: to[tail] = 0
            :: to[tail] = 1
            fi;
            tail++
        };
        if
        :: atomic { wants_packets -> wants_packets = 0; notified = 1 }
        :: else
        fi
    :: tail == PACKETS -> break
    od
}

proctype receiver(bit r)
{
    do
    :: posted[r] < PACKETS ->
        posted[r]++;
        if
        :: atomic { wants_chains[r] -> wants_chains[r] = 0; notified = 1 }
        :: else
        fi
    :: else -> break
    od
}

/* `held` is as the list of held_packets: a bit for each that was looked at and is not delivered. */
proctype switch()
{
    byte seen, i, last[2];
    bit held[PACKETS], starved[2], more;
again:
    atomic { starved[0] = 0; starved[1] = 0; i = 0 };
    do
    :: i < seen && MAY_GO(i) ->
        if
        :: used[to[i]] != posted[to[i]] ->
            atomic {
                assert(last[to[i]] <= i);
                last[to[i]] = i + 1;
                used[to[i]]++;
                held[i] = 0;
                delivered++
            }
        :: else ->
            starved[to[i]] = 1
        fi;
        i++
    :: atomic { i < seen && !MAY_GO(i) -> i++ }
    :: atomic { i == seen && seen != tail -> held[seen] = 1; seen++; i = 0 }
    :: i == seen && seen == tail -> break
    od;
    more = 0;
    wants_packets = 1;
#ifndef NO_SECOND_LOOK
    more = more || seen != tail;
#endif
    i = 0;
    do
    :: i < 2 && starved[i] ->
#ifndef DEAF
        wants_chains[i] = 1;
#endif
#ifndef NO_SECOND_LOOK
        more = more || used[i] != posted[i];
#endif
        i++
    :: atomic { i < 2 && !starved[i] -> i++ }
    :: i == 2 -> break
    od;
    if
    :: more -> goto again
    :: !more && delivered == PACKETS -> skip
    :: !more && delivered < PACKETS ->
        atomic { notified -> notified = 0 }
        goto again
    fi
}

init
{
    atomic {
        run sender();
        run receiver(0);
        run receiver(1);
        run switch()
    }
}
