/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/virtio_block_rig.h"
int main(void)
{
    return 0;
}
