/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery (io/virt/switch/switch_vsock.c): a sender, two receivers that post chains when they like and
 * stop to at last, and the switch. It takes each packet off the sender's ring
 * (of one entry) and holds it until its receiver has a chain, passes those to the other on, and at a
 * tick of the timer gives up who has none. Of that the sender learns when it takes what is done,
 * and what it sends from then on is of a new connection.
 *
 * Searched for: a packet that waits for ever though its receiver has a chain, or because of the
 * other receiver (an end that is none); two packets of a pair that change places; and one that
 * arrives behind another of its connection that was given up. Stores are seen at once here, and the
 * switch is told of each packet: what fences and wishes are for is shown by port.pml.
 *
 * With -DNO_SECOND_LOOK, -DDEAF (no wish for a notification of chains), -DOVERTAKE, -DPINNED (what
 * waits stays in the ring) or -DNO_CUT (what is under way when its receiver is given up may arrive
 * if that comes back) the search finds the error.
 */
#define PACKETS 3
#define RING    1

#ifdef OVERTAKE
#define STARVED(i) false
#else
#define STARVED(i) starved[to[i]]
#endif

/* The sender's: whose a packet is, of which connection, and how many done were seen before. */
byte to[PACKETS], connection[PACKETS], seen_before[PACKETS];
byte tail;
byte head;               /* of its ring: the switch's */
byte dones;              /* the switch's */
byte done[PACKETS];      /* which packet */
bit not_there[PACKETS];  /* by packet: it was given up */
byte posted[2], used[2]; /* chains of a receiver: its own count, and the switch's */
bit stopped[2];          /* it posts nothing any more */
bit wants_chains[2];
bit tick, notified;      /* do not count */

proctype sender()
{
    byte seen, now[2];
    do
    :: atomic {
        seen < dones ->
            if
            :: not_there[done[seen]] && connection[done[seen]] == now[to[done[seen]]] ->
                now[to[done[seen]]]++
            :: else
            fi;
            to[done[seen]] = 0; /* of no use any more */
            connection[done[seen]] = 0;
            not_there[done[seen]] = 0;
            done[seen] = 0;
            seen++
        }
    :: atomic {
        tail < PACKETS && tail - head < RING ->
            if
            :: to[tail] = 0
            :: to[tail] = 1
            fi;
            connection[tail] = now[to[tail]];
            seen_before[tail] = seen;
            tail++;
            notified = 1
        }
    :: tail == PACKETS -> break
    od
}

#define CHAINS(r) (1 + r)

proctype receiver(bit r)
{
    do
    :: posted[r] < CHAINS(r) ->
        posted[r]++;
        if
        :: atomic { wants_chains[r] -> wants_chains[r] = 0; notified = 1 }
        :: else
        fi
    :: break
    od;
    stopped[r] = 1
}

/* Once, or not at all. */
proctype timer()
{
    if
    :: atomic { tick = 1; notified = 1 }
    :: skip
    fi
}

#define NONE(r) (used[r] == posted[r])
#define HELD(i, r) (held[i] && to[i] == r)
#define LEFT(r) ((stopped[r] && NONE(r)) || !(HELD(0, r) || HELD(1, r) || HELD(2, r)))

inline finish(gone)
{
    held[i] = 0;
    given_up[i] = 0;
    seen_before[i] = 0;
    not_there[i] = gone;
    done[dones] = i;
    dones++;
#ifdef PINNED
    do
    :: head < taken && !held[head] -> head++
    :: else -> break
    od
#endif
}

inline refuse()
{
    lost[to[i]] = lost[to[i]] | (1 << connection[i]);
    finish(1);
    cut[to[i]] = 1;
    cut_at[to[i]] = dones
}

inline deliver()
{
    assert(last[to[i]] <= i);
    assert((lost[to[i]] & (1 << connection[i])) == 0);
    last[to[i]] = i + 1;
    used[to[i]]++;
    finish(0)
}

inline take()
{
    held[taken] = 1;
#ifndef NO_CUT
    if
    :: seen_before[taken] >= cut_at[to[taken]] -> cut[to[taken]] = 0; cut_at[to[taken]] = 0
    :: else
    fi;
    given_up[taken] = cut[to[taken]];
#endif
    taken++;
#ifndef PINNED
    head = taken
#endif
}

/* Asks for a notification of chains, and looks again. */
inline wait_for(r)
{
    if
    :: starved[r] ->
#ifndef DEAF
        wants_chains[r] = 1;
#endif
#ifndef NO_SECOND_LOOK
        more = more || !NONE(r);
#endif
        starved[r] = 0
    :: else
    fi
}

/* `held`: taken off the ring and not done; `lost`: connections of which something was given up. */
proctype switch()
{
    byte taken, i, last[2], cut_at[2], lost[2];
    bit held[PACKETS], given_up[PACKETS], starved[2], cut[2], more;
again:
    atomic {
        do
        :: i < taken && tick -> given_up[i] = held[i] && (given_up[i] || NONE(to[i])); i++
        :: else -> break
        od;
        tick = 0;
        i = 0
    };
    do
    :: atomic {
        i < taken ->
            if
            :: held[i] && given_up[i] -> refuse()
            :: held[i] && !given_up[i] && !STARVED(i) && !NONE(to[i]) -> deliver()
            :: held[i] && !given_up[i] && !STARVED(i) && NONE(to[i]) -> starved[to[i]] = 1
            :: else
            fi;
            i++
        }
    :: atomic { i == taken && taken != tail -> take(); i = 0 }
    :: atomic { i == taken && taken == tail -> i = 0; break }
    od;
    wait_for(0);
    wait_for(1);
    if
    :: atomic { more -> more = 0; goto again }
    :: else
    fi;
    if
    :: atomic { notified -> notified = 0; goto again }
    :: taken == PACKETS && LEFT(0) && LEFT(1) -> skip /* for who takes nothing any more */
    fi
}

init
{
    atomic {
        run sender();
        run receiver(0);
        run receiver(1);
        run timer();
        run switch()
    }
}
