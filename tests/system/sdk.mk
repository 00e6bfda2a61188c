# SPDX-License-Identifier: BSD-2-Clause
# Small systems that show the kernel's parts: tests/system/sdk/NAME.system -> NAME.img.
SDK_TEST_PROGRAMS := hello pingpong caller adder irq crasher parent child loop fp smc intruder \
    wrong_calls wrong_child sweep denial notifier nested signals flood again \
    bare_vmm waker
# What a program is made of beside its NAME.c.
SDK_TEST_MORE_fp := tests/system/sdk/fp_pattern.S
SDK_TEST_MORE_bare_vmm := tests/system/sdk/bare_guests.S tests/system/sdk/fp_pattern.S
SDK_TEST_SYSTEMS := $(patsubst tests/system/sdk/%.system,%,$(wildcard tests/system/sdk/*.system))
SDK_TEST_DIR := $(TARGET_DIR)/tests/sdk

$(foreach program,$(SDK_TEST_PROGRAMS),$(eval tests/sdk/$(program)_SRCS := \
    tests/system/sdk/$(program).c $(SDK_TEST_MORE_$(program)))$(eval \
    $(call target_program,tests/sdk/$(program))))

$(SDK_TEST_DIR)/%.img: tests/system/sdk/%.system \
    $(SDK_TEST_PROGRAMS:%=$(SDK_TEST_DIR)/%.elf) $(SDK_STAMP)
	$(MICROKIT_SDK)/bin/microkit $< --board $(MICROKIT_BOARD) --config $(MICROKIT_CONFIG) \
	    --search-path $(SDK_TEST_DIR) -o $@ -r $(@:.img=.txt)

.PHONY: sdk-test-images
sdk-test-images: $(SDK_TEST_SYSTEMS:%=$(SDK_TEST_DIR)/%.img)
