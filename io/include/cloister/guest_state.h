/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the guest behind a serial queue, and requests to start it. The words lie behind
 * sDDF's in the shared queue. An upstream peer leaves them zero: such a guest counts as running,
 * and no start is ever requested.
 *
 * The producer (the receive virtualiser) reads the state and requests starts; the consumer (the
 * VMM) writes the state and handles the requests. A consumer handles a request by publishing the
 * new state and then starts_handled. Neither side's words are followed beyond these meanings, so a
 * hostile peer harms only its own guest.
 */
#pragma once

#include <sddf/serial_queue.h>

enum guest_state {
    GUEST_RUNS,
    GUEST_WAITS, /* starts when its disk is ready */
    GUEST_OFF,   /* first of the stopped states */
    GUEST_CRASHED,
    GUEST_FAILED, /* could not be started */
    GUEST_STATES,
};

static inline bool guest_is_stopped(enum guest_state state)
{
    return state >= GUEST_OFF;
}

/* ---- Producer: the receive virtualiser --------------------------------------------------------*/

/* Returns true if the VMM has not handled the last request yet. */
static inline bool guest_start_pending(const struct serial_producer *p)
{
    /* Acquire: the state that the VMM published before this word is visible after it. */
    return __atomic_load_n(&p->queue->starts_handled, __ATOMIC_ACQUIRE) !=
           __atomic_load_n(&p->queue->starts_asked, __ATOMIC_RELAXED);
}

/* Returns the guest's state; a guest with a pending start counts as running. */
static inline enum guest_state guest_state_of(const struct serial_producer *p)
{
    if (guest_start_pending(p)) {
        return GUEST_RUNS;
    }
    uint32_t state = __atomic_load_n(&p->queue->guest_state, __ATOMIC_RELAXED);
    return state < GUEST_STATES ? (enum guest_state)state : GUEST_FAILED;
}

/* Requests a start; the caller notifies the consumer. */
static inline void guest_ask_start(struct serial_producer *p)
{
    uint32_t asked = __atomic_load_n(&p->queue->starts_asked, __ATOMIC_RELAXED);
    __atomic_store_n(&p->queue->starts_asked, asked + 1, __ATOMIC_RELEASE);
}

/* ---- Consumer: the VMM ------------------------------------------------------------------------*/

static inline void guest_publish_state(struct serial_consumer *c, enum guest_state state)
{
    __atomic_store_n(&c->queue->guest_state, (uint32_t)state, __ATOMIC_RELAXED);
}

/* Returns true if a start has been requested that is not handled. */
static inline bool guest_start_asked(const struct serial_consumer *c)
{
    return __atomic_load_n(&c->queue->starts_asked, __ATOMIC_ACQUIRE) !=
           __atomic_load_n(&c->queue->starts_handled, __ATOMIC_RELAXED);
}

/* Handles all requests so far; the state that they led to has been published. */
static inline void guest_start_handled(struct serial_consumer *c)
{
    uint32_t asked = __atomic_load_n(&c->queue->starts_asked, __ATOMIC_ACQUIRE);
    /* Release: a producer that sees the request handled sees the new state. */
    __atomic_store_n(&c->queue->starts_handled, asked, __ATOMIC_RELEASE);
}
