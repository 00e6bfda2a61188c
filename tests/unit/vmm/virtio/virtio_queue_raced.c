/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue code with its load hook connected to the tests. */
#include "tests/unit/vmm/virtio/virtio_race.h"

#define VIRTQ_LOADED(at, bytes)                                                                    \
    do {                                                                                           \
        guest_loads++;                                                                             \
        if (guest_race != 0) {                                                                     \
            guest_race(at, bytes);                                                                 \
        }                                                                                          \
    } while (0)

#include "vmm/virtio/queue.c"
