# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_virtio_block test_virtio_block_bad test_virtio_block_model

virtio_BLOCK_SRCS = tests/unit/virtio_block_rig.c $(virtio_MMIO_SRCS) \
    $(addprefix vmm/virtio/,block.c block_request.c block_run.c block_op.c)
test_virtio_block_SRCS = tests/unit/test_virtio_block.c $(virtio_BLOCK_SRCS)
test_virtio_block_bad_SRCS = tests/unit/test_virtio_block_bad.c $(virtio_BLOCK_SRCS)
test_virtio_block_model_SRCS = tests/unit/test_virtio_block_model.c $(virtio_BLOCK_SRCS)
