# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_blk_driver

BLK_DRIVER_SRCS := $(addprefix io/drivers/blk/virtio_mmio/, transport.c slot.c vblk.c)
test_blk_driver_SRCS := tests/unit/test_blk_driver.c $(BLK_DRIVER_SRCS)
