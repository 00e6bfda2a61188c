/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes through two serial queues (io/include/sddf/serial_queue.h): the source, a virtualiser, the
 * sink. Either way: out, the VMM's console (vmm/core/serial_port.c), serial_tx_core_run(), pl011_transmit(); in,
 * pl011_receive(), serial_rx_core_run(), the console. The source has its bytes whenever it likes and takes a
 * request for a signal back (serial_port_write()) or leaves it (the driver, the virtualisers); where the
 * virtualiser polls it may wait until its bytes are taken (serial_port_awaits_poll()). The virtualiser
 * polls on for as long as it finds something. The sink's device (the UART's FIFO, the guest's buffers) is
 * full and has room again whenever it likes, and interrupts then. Each on a core of its own; memory as in
 * net_queue.pml. Searched for: bytes or a source that wait for ever (an end that is none), and a byte that
 * is lost, doubled or overwritten.
 *
 * With -DNO_FENCE, -DNO_SECOND_LOOK (behind the request for a signal), -DLATE_MARK (the answered request
 * is marked behind the notification), -DEARLY_HEAD (bytes are given back before they are read),
 * -DNO_LAST_LOOK (behind the end of polling) or -DBLIND_WAIT (for a poll, without a look behind the
 * request) the search finds the error.
 */
#define CAPACITY 2
#define BYTES    4

#define SOURCE 0
#define VIRT   1
#define SINK   2

#ifdef NO_FENCE
#define FENCE(side) skip
#else
#define FENCE(side) empty(store[side])
#endif

mtype = { TAIL, HEAD, SIGNALLED, POLLS };

/* Of queue 0, from the source, and queue 1, to the sink: as the others see them. */
byte tail[2], head[2];
bit producer_signalled[2];
bit polls; /* consumer_polls of queue 0 */
byte data[4]; /* CAPACITY of queue 0, then of queue 1 */
chan store[3] = [3] of { mtype, byte, byte };
bit notified[3]; /* does not count */
bit all_came;

#define DATA(q, index) data[(q)*CAPACITY + (index) % CAPACITY]

proctype memory(byte side)
{
    byte q, value;
end:
    do
    :: atomic { store[side]?TAIL(q, value) -> tail[q] = value; q = 0; value = 0 }
    :: atomic { store[side]?HEAD(q, value) -> head[q] = value; q = 0; value = 0 }
    :: atomic { store[side]?SIGNALLED(q, value) -> producer_signalled[q] = value; q = 0; value = 0 }
    :: atomic { store[side]?POLLS(q, value) -> polls = value; q = 0; value = 0 }
    od
}

inline notify(to, side)
{
    atomic { empty(store[side]) -> notified[to] = 1 }
}

/* serial_queue_request_signal(), and the look behind it. */
inline request_signal(q, side)
{
    store[side]!SIGNALLED(q, 0);
    FENCE(side)
}

/* serial_queue_must_signal(), and the notification. */
inline answer_request(q, side, producer)
{
    FENCE(side);
    if
    :: producer_signalled[q] == 0 ->
#ifdef LATE_MARK
        notify(producer, side);
        store[side]!SIGNALLED(q, 1)
#else
        store[side]!SIGNALLED(q, 1);
        notify(producer, side)
#endif
    :: else
    fi
}

/* serial_port_flush(): serial_queue_must_notify(), and the notification. */
inline flush()
{
    FENCE(SOURCE);
    if
    :: polls == 0 -> notify(VIRT, SOURCE)
    :: else
    fi;
    new = 0
}

/* serial_port_awaits_poll(), and the wait, after which the console asks again. */
inline await_poll()
{
    do
    :: polls == 0 || own == head[0] -> break
    :: else ->
        request_signal(0, SOURCE);
#ifndef BLIND_WAIT
        if
        :: own == head[0] -> break
        :: else
        fi;
#endif
        atomic { notified[SOURCE] == 1 -> notified[SOURCE] = 0 }
    od
}

proctype source()
{
    byte own;
    bit new;
    do
    :: own < BYTES && own - head[0] < CAPACITY -> /* serial_queue_enqueue() */
put:
        DATA(0, own) = own;
        own++;
        store[SOURCE]!TAIL(0, own);
        new = 1
    :: own < BYTES && own - head[0] == CAPACITY ->
        request_signal(0, SOURCE);
#ifndef NO_SECOND_LOOK
        if
        :: own - head[0] < CAPACITY ->
            if
            :: store[SOURCE]!SIGNALLED(0, 1) /* serial_queue_cancel_signal() */
            :: skip
            fi;
            goto put
        :: else
        fi;
#endif
        if
        :: new -> flush()
        :: else
        fi;
        atomic { notified[SOURCE] == 1 -> notified[SOURCE] = 0 }
    :: new -> /* the end of a batch; more may come */
        flush();
        if
        :: await_poll()
        :: skip
        fi
    :: own == BYTES && !new -> break
    od
}

/* move(): step() until there is nothing, or no room; then the signals. */
inline move_all()
{
    do
    :: taken == tail[0] -> break
    :: taken != tail[0] ->
        if
        :: taken - head[1] < CAPACITY
        :: else ->
            request_signal(1, VIRT);
#ifndef NO_SECOND_LOOK
            if
            :: taken - head[1] < CAPACITY
            :: else -> break
            fi
#else
            break
#endif
        fi;
#ifdef EARLY_HEAD
        store[VIRT]!HEAD(0, taken + 1);
        FENCE(VIRT);
        value = DATA(0, taken);
#else
        value = DATA(0, taken);
        store[VIRT]!HEAD(0, taken + 1);
#endif
        DATA(1, taken) = value;
        taken++;
        store[VIRT]!TAIL(1, taken);
        moved = 1;
        value = 0
    od;
    if
    :: moved ->
        notify(SINK, VIRT);
        answer_request(0, VIRT, SOURCE)
    :: else
    fi
}

inline set_polling(on)
{
    store[VIRT]!POLLS(0, on);
    polling = on;
    FENCE(VIRT)
}

inline poll_on()
{
    if
    :: moved && !polling -> set_polling(1)
    :: else
    fi;
    moved = 0
}

proctype virt()
{
    byte taken, value;
    bit moved, polling;
    do
    :: atomic { notified[VIRT] == 1 -> notified[VIRT] = 0 }; /* serial_tx_core_run() */
        move_all();
        poll_on()
    :: polling -> /* serial_tx_core_timeout() */
        move_all();
        if
        :: moved
        :: else ->
            set_polling(0);
#ifndef NO_LAST_LOOK
            move_all()
#endif
        fi;
        poll_on()
    :: all_came && !notified[VIRT] -> break
    od
}

/* pl011_transmit(); console.c, receive(). */
proctype sink()
{
    byte own;
    bit any, room_awaited;
    do
    :: atomic { notified[SINK] == 1 || room_awaited -> notified[SINK] = 0; room_awaited = 0 };
        do
        :: own == tail[1] -> break
        :: own != tail[1] -> room_awaited = 1; break
        :: own != tail[1] ->
            assert(DATA(1, own) == own);
            own++;
            store[SINK]!HEAD(1, own);
            any = 1
        od;
        if
        :: any -> answer_request(1, SINK, VIRT); any = 0
        :: else
        fi
    :: own == BYTES && !notified[SINK] && !room_awaited -> break
    od;
    all_came = 1
}

init
{
    atomic {
        run memory(SOURCE);
        run memory(VIRT);
        run memory(SINK);
        run source();
        run virt();
        run sink()
    }
}
