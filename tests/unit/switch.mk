# SPDX-License-Identifier: BSD-2-Clause
SWITCH_TESTS := $(addprefix test_switch_,net port offload model)
UNIT_TESTS += $(SWITCH_TESTS)

switch_CORE_SRCS := $(addprefix io/virt/switch/, pieces.c member.c mac.c offload.c net.c \
    switch_core.c)
$(foreach test,$(SWITCH_TESTS),$(eval $(test)_SRCS = tests/unit/$(test).c \
    tests/unit/switch_rig.c $$(switch_CORE_SRCS)))
