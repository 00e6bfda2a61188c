# SPDX-License-Identifier: BSD-2-Clause
SWITCH_TESTS := $(addprefix test_switch_,net port offload model uplink vsock)
UNIT_TESTS += $(SWITCH_TESTS)

$(foreach test,$(SWITCH_TESTS),$(eval $(test)_SRCS = tests/unit/$(test).c \
    tests/unit/switch_rig.c $(SWITCH_SRCS)))

UNIT_TESTS += test_string
test_string_SRCS := tests/unit/test_string.c
