/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port of the switch (io/include/cloister/port.h): one ring from the VMM to the switch, and the
 * state, over one channel, each side on a core of its own; memory as in net_queue.pml. The VMM
 * opens, sends, closes at any time, without having its entries taken, and opens again. Searched
 * for: a side that sleeps for ever while the other has something for it, or room (an end that is
 * none), an entry that is wrong or old, and a switch that touches the memory of a port after it has answered
 * that it is closed.
 *
 * With -DNO_FENCE, -DNO_SECOND_LOOK, -DNO_LOOK_FOR_ROOM, -DNO_ROOM or -DNO_STATE the search finds the error.
 */
#define CAPACITY 2
#define ENTRIES  3 /* sent in each opening, at most */
#define OPENINGS 2

#define VMM      0
#define SWITCH   1

#ifdef NO_FENCE
#define FENCE(side) skip
#else
#define FENCE(side) empty(store[side])
#endif

#ifdef NO_STATE
#define OPEN true
#else
#define OPEN (private % 2 == 1)
#endif

mtype = { TAIL, HEAD, WANTS, ROOM, WANTED, ANSWERED, ENTRY };

byte tail, head, wants, wants_room, wanted, answered; /* as the other side sees them */
byte ring[CAPACITY];
chan store[2] = [6] of { mtype, byte, byte };
bit rings[2];     /* a notification of that side is pending; it does not count */
bit theirs;       /* the memory is the VMM's alone: it may be used for anything */
bit done;         /* the VMM has done all that it wanted */

proctype memory(bit side)
{
    byte value, at;
end:
    do
    :: atomic { store[side]?TAIL(value, _) -> tail = value }
    :: atomic { store[side]?HEAD(value, _) -> head = value }
    :: atomic { store[side]?WANTS(value, _) -> wants = value }
    :: atomic { store[side]?ROOM(value, _) -> wants_room = value }
    :: atomic { store[side]?WANTED(value, _) -> wanted = value }
    :: atomic { store[side]?ANSWERED(value, _) -> answered = value }
    :: atomic { store[side]?ENTRY(value, at) -> ring[at] = value }
    od
}

inline notify(to, from)
{
    atomic { empty(store[from]) -> rings[to] = 1 }
}

/* What an entry is worth: which opening, which entry of it. */
#define MARK(opening, i) (1 + (opening)*ENTRIES + (i))

/* port_want_next(), and port_settled() on a notification. */
inline change()
{
    count++;
    store[VMM]!WANTED(count, 0);
    notify(SWITCH, VMM);
    do
    :: atomic { rings[VMM] == 1 -> rings[VMM] = 0 }
        if
        :: answered == count -> break
        :: else
        fi
    od
}

inline open()
{
    own = 0;
    store[VMM]!TAIL(0, 0);
    store[VMM]!HEAD(0, 0);
    store[VMM]!WANTS(0, 0);
    store[VMM]!ROOM(0, 0);
    theirs = 0;
    change()
}

/* port_put() and port_publish(). */
inline send()
{
    store[VMM]!ENTRY(MARK(opening, own), own % CAPACITY);
    own++;
    store[VMM]!TAIL(own, 0);
    FENCE(VMM);
    if
    :: wants ->
        store[VMM]!WANTS(0, 0);
        notify(SWITCH, VMM)
    :: else
    fi
}

/* port_wait_room(), and a notification if that is to be waited for. */
inline wait_for_room()
{
    store[VMM]!ROOM(1, 0);
    FENCE(VMM);
    if
#ifndef NO_LOOK_FOR_ROOM
    :: own - head < CAPACITY
#endif
    :: else -> atomic { rings[VMM] == 1 -> rings[VMM] = 0 }
    fi
}

/* At last it sends all, and waits until it is taken: if that never is, a wake-up was lost. */
proctype vmm()
{
    byte opening, own, count;
    do
    :: opening < OPENINGS ->
        open();
        do
        :: own < ENTRIES && own - head < CAPACITY -> send()
        :: break /* the guest resets its device */
        od;
        change();
        theirs = 1;
        opening++
    :: else -> break
    od;
    open();
    do
    :: own < ENTRIES && own - head < CAPACITY -> send()
    :: own < ENTRIES && own - head == CAPACITY -> wait_for_room()
    :: own == ENTRIES -> break
    od;
    (head == ENTRIES);
    done = 1
}

/* port_gave_room() */
inline give_room()
{
    FENCE(SWITCH);
#ifndef NO_ROOM
    if
    :: wants_room ->
        store[SWITCH]!ROOM(0, 0);
        notify(VMM, SWITCH)
    :: else
    fi
#endif
}

/* A run of the switch: settle(), serve_all() and wait_all(), until it waits. */
proctype switch()
{
    byte private, own, openings;
    bit taken;
    do
    :: atomic { rings[SWITCH] == 1 -> rings[SWITCH] = 0 }
        if
        :: wanted != private ->
            private = wanted;
            if
            :: private % 2 == 1 -> own = 0; taken = 0; openings = private / 2
            :: else
            fi;
            store[SWITCH]!ANSWERED(private, 0);
            notify(VMM, SWITCH)
        :: else
        fi;
again:
        do
        :: OPEN && own != tail ->
            assert(!theirs); /* or port_take() would write there too */
            assert(ring[own % CAPACITY] == MARK(openings, own));
            own++;
            store[SWITCH]!HEAD(own, 0);
            taken = 1
        :: else -> break
        od;
        if
        :: OPEN && taken -> give_room()
        :: else
        fi;
        taken = 0;
        if
        :: OPEN ->
            assert(!theirs);
            store[SWITCH]!WANTS(1, 0);
            FENCE(SWITCH);
#ifndef NO_SECOND_LOOK
            if
            :: own != tail -> goto again
            :: else
            fi
#endif
        :: else
        fi
    :: done && rings[SWITCH] == 0 -> break
    od
}

init
{
    atomic {
        theirs = 1;
        run memory(VMM);
        run memory(SWITCH);
        run vmm();
        run switch()
    }
}
