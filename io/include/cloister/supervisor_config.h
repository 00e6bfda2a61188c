/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom the supervisor is the parent of: its record, section ".supervisor_config". */
#pragma once

#include <sddf/config.h>
#include <stdint.h>

#define SUPERVISOR_CONFIG_MAGIC 0x3130726570757363ul /* "csuper01", little endian */
#define SUPERVISOR_CHILDREN     62u                  /* ids of a PD */
#define SUPERVISOR_RINGS        64u

struct supervisor_child {
    char name[SDDF_NAME_BYTES];
    uint8_t of_card; /* bool: of the network card's, which are started again together */
};

/* A child's index is its id. The rings between the network card's PDs are mapped rw: what is in
 * them is forgotten with those that share them. */
struct supervisor_config {
    uint64_t magic;
    uint8_t num_children;
    struct supervisor_child children[SUPERVISOR_CHILDREN];
    uint8_t num_rings;
    struct sddf_region rings[SUPERVISOR_RINGS];
};
