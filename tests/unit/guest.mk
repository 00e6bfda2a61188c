# SPDX-License-Identifier: BSD-2-Clause
# What the programs in guests do apart from Linux.
UNIT_TESTS += test_uio_blk
test_uio_blk_SRCS := tests/unit/test_uio_blk.c guest/programs/uio_blk_serve.c
