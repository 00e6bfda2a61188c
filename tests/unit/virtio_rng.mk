# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_virtio_rng
test_virtio_rng_SRCS = tests/unit/test_virtio_rng.c vmm/virtio/rng.c $(virtio_MMIO_SRCS)
