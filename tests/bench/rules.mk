# SPDX-License-Identifier: BSD-2-Clause
TRAP_GUEST := $(TARGET_DIR)/tests/bench/trap_guest.Image

$(TRAP_GUEST): $(TARGET_DIR)/tests/bench/trap_guest.o
	@mkdir -p $(@D)
	llvm-objcopy -O binary -j .text $< $@

.PHONY: trap-image
trap-image: $(TRAP_GUEST)
	@$(MAKE) image SYSTEM=tests/bench/trap.yaml LINUX=$(TRAP_GUEST)
