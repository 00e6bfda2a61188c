/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch of a vsock: packets go to the port that has their CID (virtIO 1.2, 5.10). Nothing is
 * lost: a packet whose receiver has no chain waits, in order with those behind it to the same
 * receiver, while those to others pass. A packet that is longer than a chain goes in several, each
 * with a header of its own. One that is for nobody is done as PORT_NOT_THERE.
 *
 * What waits is off its sender's ring, checked, and ours: but for the payload, a VMM can't change
 * it any more. There is a place for each packet that a sender may have under way. A receiver is
 * given up, and what waits for it is done as PORT_NOT_THERE:
 *  - when it posts no chain for one to two seconds while something waits, until it posts one;
 *  - when a packet has waited for ten seconds, by the sender of that;
 *  - when SWITCH_PIECES / 2 pieces of a sender would wait for it, by that sender. Linux sends a
 *    packet in one or two pieces and has at most 128 under way, so it never comes to that.
 * So what a receiver does not take stops nobody's packets to others, and is over some time. A
 * PORT_PATIENT packet is given up only when the port closes: that is how a receiver that comes back
 * hears that a connection is no more.
 */
#pragma once

#include "io/virt/switch/switch_core.h"

void vsock_init(struct switch_core *core);

/* Sends the next packet of a port on that can be. Returns what it counts for in bytes; 0: there is
 * none. */
uint32_t vsock_take(struct switch_core *core, uint32_t from);

/* A port has been opened or closed: what it sent is forgotten, what was for it is for nobody. */
void vsock_forget(struct switch_core *core, uint32_t end);

/* Gives up who is silent, and what has waited too long. */
void vsock_tick(struct switch_core *core);
