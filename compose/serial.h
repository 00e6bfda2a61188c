/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial part of a system: the driver, its two virtualisers and their clients (sDDF). */
#pragma once

#include "compose/board.h"
#include "compose/model.h"
#include "compose/plan.h"

#include <sddf/config.h>

struct serial {
    struct pd *driver, *virt_tx, *virt_rx;
    struct serial_virt_tx_config *tx;
    struct serial_virt_rx_config *rx;
};

/* Adds driver and virtualisers to the plan. Both virtualisers call the timer driver. */
struct serial serial_plan(struct plan *plan, const struct board *board, struct pd *timer,
                          const struct model *model);

/* Makes a guest's VMM the next client of both virtualisers. */
void serial_plan_client(struct plan *plan, struct serial *serial, struct pd *vmm,
                        const struct guest *guest);

/* Makes the receive virtualiser the last client of the other, for what it tells the person. */
void serial_plan_log(struct plan *plan, struct serial *serial);
