/* SPDX-License-Identifier: BSD-2-Clause */
/* virtqueue.c with indirect tables accepted: apart, so that what Eva cannot show of them hides
 * nothing. */
#define FEATURES any
#include "tests/proof/virtqueue.c"
