/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch of a vsock: packets go to the port that has their CID (virtIO 1.2, 5.10). Nothing is
 * lost: a packet whose receiver has no chain waits in its sender's ring, in order with those behind
 * it to the same receiver, while those to others pass. A packet that is longer than a chain goes in
 * several, each with a header of its own. One that is for nobody is done as PORT_NOT_THERE.
 *
 * A waiting packet is read anew when there is room; a VMM that changes it meanwhile changes what
 * its own guest says. The sender's CID is checked, lengths are, and that the receiver is still the
 * same.
 */
#pragma once

#include "io/virt/switch/switch_core.h"

void vsock_init(struct switch_core *core);

/* Sends the next packet of a port on that can be. Returns what it counts for in bytes; 0: there is
 * none. */
uint32_t vsock_take(struct switch_core *core, uint32_t from);

/* A port has been opened or closed: what it sent is forgotten, what was for it is for nobody. */
void vsock_forget(struct switch_core *core, uint32_t end);
