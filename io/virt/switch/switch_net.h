/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch of a network: who gets a frame, and in which form. A frame goes to the port that has
 * its destination, or to all that may have it; the record's `allow` says who may hear whom. Who has
 * no room for a frame does not get it: nobody waits for anybody.
 */
#pragma once

#include "io/virt/switch/switch_core.h"

/* Connects the uplink, and fills in who has which MAC. */
void net_init(struct switch_core *core);

/* Sends the next chain of a port on, or the next frame of the uplink. Returns what it counts for in
 * bytes; 0: there is none. */
uint32_t net_take(struct switch_core *core, uint32_t from);

/* Forgets what was learnt of a port that has been opened or closed. */
void net_forget(struct switch_core *core, uint32_t end);

/* Addresses get older. */
void net_tick(struct switch_core *core);
