/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows D of the bad-input catalogue that no device survives: chains for descriptors 0 to 3 and an
 * indirect table, and what the queue says of them.
 */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"

#include <string.h>

struct bad_chain {
    const char *reason;
    struct vring_desc desc[4];
    struct vring_desc table[2];
};

#define BAD_BUF(i) (BUFFERS_GPA + 0x1000 * (gpa_t)(i))
#define BAD_TABLE  TABLES_GPA
#define BAD_HEAD   (TABLES_GPA + 0x1900) /* the device's own header may be put here */
#define H(next)                                                                                    \
    {                                                                                              \
        BAD_HEAD, 16, NEXT, next                                                                   \
    } /* a good header comes first */
static const struct bad_chain bad_chains[] = {
    { "longer", { { BAD_HEAD, 16, NEXT, 0 } }, { { 0 } } },          /* D1 */
    { "longer", { H(1), { BAD_BUF(0), 512, NEXT, 0 } }, { { 0 } } }, /* D2 */
    { "longer", { H(1), { BAD_BUF(0), 512, NEXT, 2 }, { BAD_BUF(1), 1, NEXT, 1 } }, { { 0 } } },
    { "outside of the table", { H(VIRTQ_MAX_SIZE) }, { { 0 } } },                      /* D4 */
    { "empty", { { BAD_HEAD, 0, NEXT, 1 }, { BAD_BUF(0), 1, WRITE, 0 } }, { { 0 } } }, /* D6 */
    { "empty", { H(1), { BAD_BUF(0), 0, NEXT, 2 }, { BAD_BUF(1), 1, WRITE, 0 } }, { { 0 } } },
    { "empty", { H(1), { BAD_BUF(0), 0, WRITE, 0 } }, { { 0 } } },
    { "RAM", { H(1), { BAD_BUF(0), 0xffffffff, NEXT, 1 } }, { { 0 } } }, /* D7 */
    { "RAM", { H(1), { 0, 16, WRITE, 0 } }, { { 0 } } },                 /* D8 */
    { "RAM", { H(1), { UINT64_MAX, 16, WRITE, 0 } }, { { 0 } } },
    { "RAM", { { RAM_END, 0, NEXT, 1 }, { BAD_BUF(0), 1, WRITE, 0 } }, { { 0 } } },
    { "RAM", { H(1), { RAM_END - 8, 16, WRITE, 0 } }, { { 0 } } }, /* D9 */
    { "RAM", { H(1), { 0xa000000, 16, WRITE, 0 } }, { { 0 } } },   /* D10 */
    { "readable buffer follows",
      { H(1), { BAD_BUF(0), 1, WRITE | NEXT, 2 }, { BAD_BUF(1), 512, 0, 0 } },
      { { 0 } } }, /* D13 */
    { "next one",
      { { BAD_TABLE, 16, INDIRECT | NEXT, 1 } },
      { { BAD_BUF(0), 16, 0, 0 } } }, /* D16 */
    { "in an indirect",
      { H(1), { BAD_TABLE, 16, INDIRECT, 0 } },
      { { BAD_TABLE, 16, INDIRECT, 0 } } },                           /* D17 */
    { "length", { H(1), { BAD_TABLE, 0, INDIRECT, 0 } }, { { 0 } } }, /* D18 */
    { "length", { H(1), { BAD_TABLE, 15, INDIRECT, 0 } }, { { 0 } } },
    { "length", { H(1), { BAD_TABLE, 17, INDIRECT, 0 } }, { { 0 } } },
    { "length", { H(1), { BAD_TABLE, 16 * 65536, INDIRECT, 0 } }, { { 0 } } },
    { "RAM", { H(1), { RAM_END - 8, 16, INDIRECT, 0 } }, { { 0 } } },                  /* D19 */
    { "longer", { { BAD_TABLE, 16, INDIRECT, 0 } }, { { BAD_BUF(0), 16, NEXT, 0 } } }, /* D22 */
    { "outside", { { BAD_TABLE, 16, INDIRECT, 0 } }, { { BAD_BUF(0), 16, NEXT, 1 } } },
};
#undef H

#define NUM_BAD_CHAINS (sizeof(bad_chains) / sizeof(bad_chains[0]))

/* D15: bad only where the driver has not accepted indirect descriptors. */
static const struct bad_chain indirect_chain = { "not accepted",
                                                 { { BAD_TABLE, 16, INDIRECT, 0 } },
                                                 { { BUFFERS_GPA, 16, 0, 0 } } };

static inline void offer_bad_chain(struct ring *virtq, const struct bad_chain *bad)
{
    for (unsigned i = 0; i < 4; i++) {
        *ring_desc(virtq, i) = bad->desc[i];
    }
    memcpy(guest_at(virtq->guest, BAD_TABLE), bad->table, sizeof(bad->table));
    ring_offer(virtq, 0);
}
