# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_proof_gaps

test_proof_gaps_SRCS := tests/unit/test_proof_gaps.c vmm/virtio/queue.c vmm/count.c \
    io/virt/blk/partition.c io/virt/blk/gpt.c
