# SPDX-License-Identifier: BSD-2-Clause
# A guest that lies: a kernel of its own in place of Linux (tests/system/hostile.yaml).
HOSTILE_SRCS := $(wildcard tests/hostile/*.c) tests/hostile/hostile_start.S
HOSTILE_OBJS := $(call target_objects,$(HOSTILE_SRCS) $(LIBC_SRCS))
HOSTILE_IMAGE := $(TARGET_DIR)/tests/hostile/hostile.Image

$(TARGET_DIR)/tests/hostile/hostile.elf: $(HOSTILE_OBJS) tests/hostile/hostile.ld
	$(call say,link,$@)
	$(Q)ld.lld -T tests/hostile/hostile.ld -z max-page-size=4096 -z noexecstack --build-id=none \
	    -o $@ $(HOSTILE_OBJS)
$(call target_objects,$(HOSTILE_SRCS)): | $(SDK_STAMP)

$(HOSTILE_IMAGE): $(TARGET_DIR)/tests/hostile/hostile.elf
	llvm-objcopy -O binary $< $@
