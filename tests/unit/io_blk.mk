# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_blk_queue test_blk_driver test_blk_partition test_blk_virt

BLK_DRIVER_SRCS := $(addprefix io/drivers/blk/virtio_mmio/, slot.c vblk.c) $(VIRTIO_MMIO_SRCS)
BLK_PARTITION_SRCS := $(addprefix io/virt/blk/, partition.c gpt.c)

test_blk_queue_SRCS := tests/unit/test_blk_queue.c
test_blk_queue_LIBS := -lpthread
test_blk_driver_SRCS := tests/unit/test_blk_driver.c $(BLK_DRIVER_SRCS)
test_blk_partition_SRCS := tests/unit/test_blk_partition.c $(BLK_PARTITION_SRCS)
test_blk_virt_SRCS := tests/unit/test_blk_virt.c $(BLK_PARTITION_SRCS) \
    $(addprefix io/virt/blk/, virt_start.c virt_core.c) sdk/libc/format.c
