/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to a disk: two VMMs (vmm/devices/block/virtio_block.c, block_op.c), the virtualiser (io/virt/blk/
 * virt_core.c), the driver (io/drivers/blk/virtio_mmio: driver.c, vblk.c) and its device, which
 * completes requests in any order and loses an edge of its interrupt while that is masked, or not.
 * VMM 0 writes and flushes, and its guest resets the device once, at any time. Searched for: a request
 * that is never answered (an end that is none), one that is answered twice, a queue that
 * overflows; a device that touches a guest's memory after the guest has seen Status 0; and a flush that
 * is answered though a write that was sent before it is not on the disk. Queues are channels here, and
 * stores are seen at once: each batch is followed by a notification, which orders them. What one PD does
 * in one loop is one step: what comes meanwhile is found then, or is followed by a notification.
 *
 * With -DNO_WAIT (forget_requests() waits for nothing), -DEARLY_FLUSH (must_wait() holds no flush),
 * -DLATE_IRQ_ACK (microkit_irq_ack() behind the look at the used ring, and a second look) or -DLATE_STATUS
 * (vblk_interrupt() behind that look) the search finds the error.
 */
#define CAPACITY 2 /* of a client's queues */
#define IDS      3 /* the virtualiser's, and the capacity of the driver's queues */
#define SHARE    2
#define SLOTS    2 /* requests that the device works on at once */
#define REQUESTS(c) ((c) == 0 -> 2 : 1)

#define VIRT   2 /* the VMMs are 0 and 1 */
#define DRIVER 3

#define BIT(n) (1 << (n))

mtype = { WRITE, FLUSH };

/* An id of a VMM (block->ops), of the virtualiser (core->requests), of the driver (v->slots). */
#define OP(c, id) ((c)*CAPACITY + (id))
bit op_busy[4];
byte op_needs[4]; /* of a flush: the writes that were sent before it, as bits */
byte in_flight[2], writes_in_flight[2];

bit busy[IDS];
byte client[IDS], op[IDS], number[IDS];
mtype code[IDS];
bit life_of[IDS];

bit given[SLOTS], used[SLOTS];
byte id_of[SLOTS], snapshot[SLOTS];

chan req[2] = [CAPACITY] of { mtype, byte, byte, bit };
chan resp[2] = [CAPACITY] of { byte };
chan driver_req = [IDS] of { byte };
chan driver_resp = [IDS] of { byte };
bit notified[4]; /* does not count */

/* The disk: writes that the device has done, and those that a flush has made last. */
byte done[2], lasting[2];
bit life[2]; /* of the guest: whose memory it is */
bit interrupt_status, irq_enabled = 1, irq_pending;

inline wait(who)
{
    atomic { notified[who] == 1 -> notified[who] = 0 }
}

/* block_take_responses(), take_response() */
inline take_responses(c)
{
    atomic {
        do
        :: nempty(resp[c]) ->
            resp[c]?id;
            assert(op_busy[OP(c, id)]);
            assert((op_needs[OP(c, id)] & ~lasting[c]) == 0);
            op_busy[OP(c, id)] = 0;
            op_needs[OP(c, id)] = 0;
            id = 0
        :: empty(resp[c]) -> break
        od
    }
}

proctype vmm(byte c)
{
    byte sent, id, writes;
    bit was_reset = (c != 0), waits;
    do
    :: !waits && sent < REQUESTS(c) && (!op_busy[OP(c, 0)] || !op_busy[OP(c, 1)]) ->
batch:
        atomic {
            id = op_busy[OP(c, 0)];
            op_busy[OP(c, id)] = 1;
            assert(nfull(req[c]));
            if
            :: req[c]!WRITE(id, sent, life[c]); writes = writes | BIT(sent)
            :: c == 0 -> req[c]!FLUSH(id, sent, life[c]); op_needs[OP(c, id)] = writes
            fi;
            sent++;
            id = 0
        };
        if
        :: notified[VIRT] = 1
        :: sent < REQUESTS(c) && (!op_busy[OP(c, 0)] || !op_busy[OP(c, 1)]) -> goto batch
        fi
    :: atomic { notified[c] == 1 -> notified[c] = 0 };
        take_responses(c)
    :: atomic { !was_reset -> was_reset = 1; waits = 1 }
        take_responses(c)
    :: atomic {
#ifdef NO_WAIT
        waits ->
#else
        waits && !op_busy[OP(c, 0)] && !op_busy[OP(c, 1)] -> /* block_num_ops() == 0 */
#endif
            waits = 0;
            life[c] = 1 - life[c]
        }
    :: sent == REQUESTS(c) && was_reset && !waits && !op_busy[OP(c, 0)] && !op_busy[OP(c, 1)] -> break
    od
}

inline answer(c)
{
    assert(nfull(resp[c]));
    resp[c]!op[id];
    notified[c] = 1
}

/* virt_core_run(): take_answers(), serve_clients() with its budgets, send_signals(). */
#ifdef EARLY_FLUSH
#define MUST_HOLD(c) false
#else
#define MUST_HOLD(c) (req[c]?[FLUSH, _, _, _] && writes_in_flight[c] > 0)
#endif
#define CAN_TAKE(c)                                                                                \
    (budget[c] > 0 && len(req[c]) > 0 && CAPACITY - len(resp[c]) > in_flight[c] &&                  \
     in_flight[c] < SHARE && free < IDS && !MUST_HOLD(c))

inline pass_on(c)
{
    budget[c]--;
    req[c]?code[free], op[free], number[free], life_of[free];
    busy[free] = 1;
    client[free] = c;
    in_flight[c]++;
    writes_in_flight[c] = writes_in_flight[c] + (code[free] == WRITE);
    assert(nfull(driver_req));
    driver_req!free;
    sent = 1;
    find_free()
}

inline find_free()
{
    free = 0;
    do
    :: free < IDS && busy[free] -> free++
    :: else -> break
    od
}

proctype virt()
{
    byte id, free, budget[2];
    bit sent;
end:
    do
    :: wait(VIRT);
        atomic {
            do
            :: nempty(driver_resp) ->
                driver_resp?id;
                assert(busy[id]);
                busy[id] = 0;
                in_flight[client[id]]--;
                writes_in_flight[client[id]] = writes_in_flight[client[id]] - (code[id] == WRITE);
                answer(client[id]);
                code[id] = 0; client[id] = 0; op[id] = 0; number[id] = 0; life_of[id] = 0;
                id = 0
            :: empty(driver_resp) -> break
            od
        };
        atomic {
            budget[0] = len(req[0]);
            budget[1] = len(req[1]);
            find_free();
            do
            :: CAN_TAKE(0) -> pass_on(0)
            :: CAN_TAKE(1) -> pass_on(1)
            :: !CAN_TAKE(0) && !CAN_TAKE(1) -> budget[0] = 0; budget[1] = 0; free = 0; break
            od
        };
        if
        :: atomic { sent -> sent = 0; notified[DRIVER] = 1 }
        :: !sent
        fi
    od
}

/* vblk_run(): finish_all(), submit_all(); then the virtualiser is told. */
inline finish(s)
{
    assert(nfull(driver_resp));
    driver_resp!id_of[s];
    used[s] = 0;
    given[s] = 0;
    id_of[s] = 0;
    snapshot[s] = 0;
    answered = 1
}

inline submit(s)
{
    driver_req?id_of[s];
    snapshot[s] = (code[id_of[s]] == FLUSH -> done[client[id_of[s]]] : 0); /* 5.2.6.2 */
    given[s] = 1
}

inline move_requests()
{
    atomic {
        do
        :: used[0] -> finish(0)
        :: used[1] -> finish(1)
        :: !used[0] && !used[1] -> break
        od
    };
    atomic {
        do
        :: nempty(driver_req) && !given[0] -> submit(0)
        :: nempty(driver_req) && given[0] && !given[1] -> submit(1)
        :: empty(driver_req) || (given[0] && given[1]) -> break
        od;
        if
        :: answered -> answered = 0; notified[VIRT] = 1
        :: !answered
        fi
    }
}

proctype driver()
{
    bit answered;
end:
    do
    :: wait(DRIVER);
        move_requests()
    :: atomic { irq_pending && irq_enabled -> irq_pending = 0; irq_enabled = 0 };
#ifndef LATE_IRQ_ACK
        irq_enabled = 1; /* microkit_irq_ack() */
#endif
#ifndef LATE_STATUS
        interrupt_status = 0; /* vblk_interrupt() */
#endif
        move_requests();
#ifdef LATE_STATUS
        interrupt_status = 0
#endif
#ifdef LATE_IRQ_ACK
        irq_enabled = 1;
        move_requests()
#endif
    od
}

inline complete(s)
{
    assert(life_of[id_of[s]] == life[client[id_of[s]]]);
    if
    :: code[id_of[s]] == WRITE -> done[client[id_of[s]]] = done[client[id_of[s]]] | BIT(number[id_of[s]])
    :: else -> lasting[client[id_of[s]]] = lasting[client[id_of[s]]] | snapshot[s]
    fi;
    used[s] = 1;
    if
    :: interrupt_status
    :: !interrupt_status ->
        interrupt_status = 1;
        if
        :: irq_pending = 1
        :: !irq_enabled -> skip
        fi
    fi
}

proctype device()
{
end:
    do
    :: atomic { given[0] && !used[0] -> complete(0) }
    :: atomic { given[1] && !used[1] -> complete(1) }
    od
}

init
{
    atomic {
        run vmm(0);
        run vmm(1);
        run virt();
        run driver();
        run device()
    }
}
