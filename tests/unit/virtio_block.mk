# SPDX-License-Identifier: BSD-2-Clause
BLOCK_TESTS := $(addprefix test_virtio_block,_requests _order _bad _reset _server _model) \
    test_virtio_block
UNIT_TESTS += $(BLOCK_TESTS)

virtio_BLOCK_SRCS = tests/unit/virtio_block_rig.c $(virtio_MMIO_SRCS) \
    $(addprefix vmm/virtio/,block.c block_request.c block_run.c block_op.c)
$(foreach test,$(BLOCK_TESTS),$(eval $(test)_SRCS = tests/unit/$(test).c $$(virtio_BLOCK_SRCS)))
