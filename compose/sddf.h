/* SPDX-License-Identifier: BSD-2-Clause */
/* What the records of all classes of devices have in common. */
#pragma once

#include "compose/board.h"
#include "compose/plan.h"

#include <sddf/config.h>

void sddf_set_magic(struct sddf_magic *magic, enum sddf_type type);

/* Sets a client's name, of SDDF_NAME_BYTES. */
void sddf_set_name(char *to, const char *name);

/* Writes a MAC address of 6 bytes, given as 48 bits. */
void sddf_set_mac(uint8_t *mac, uint64_t number);

/* Maps a region and returns it as records tell it. */
struct sddf_region sddf_map(struct plan *plan, struct pd *pd, const struct region *region,
                            const char *perms);

/* Adds a driver's record of its interrupt and, where `name` is not NULL, its device's registers. */
struct sddf_device_resources *sddf_plan_driver(struct plan *plan, struct pd *driver,
                                               const struct board_irq *irq, const char *name,
                                               const struct board_range *registers);

/* The same for a virtio-mmio slot, and the memory in which driver and device meet. */
void sddf_plan_virtio_driver(struct plan *plan, struct pd *driver, const struct board_slot *slot,
                             uint64_t dma_bytes);

/* Adds a region of zeroed memory that a device reaches at a known place, and maps it. */
struct sddf_device_region sddf_plan_dma(struct plan *plan, struct pd *pd, const char *name,
                                        uint64_t bytes);

/* Returns the id of a channel on which `pd` may call the timer driver. */
uint8_t sddf_connect_timer(struct plan *plan, struct pd *pd, struct pd *timer);
