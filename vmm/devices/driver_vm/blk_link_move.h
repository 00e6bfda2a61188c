/* SPDX-License-Identifier: BSD-2-Clause */
/* What blk_link.c uses of blk_link_move.c. */
#pragma once

#include "vmm/devices/driver_vm/blk_link.h"

/* Takes the server's answers. If its queues make no sense, link->broken says so; so does the next.
 */
void blk_link_take_answers(struct blk_link *link);

/* Takes what the client asks for, as far as that is possible now, checks it and passes it on. */
void blk_link_serve_client(struct blk_link *link);

/* Answers all that the server has with NO_DEVICE. */
void blk_link_fail_requests(struct blk_link *link);
