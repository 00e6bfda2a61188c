# SPDX-License-Identifier: BSD-2-Clause
# A guest that lies: a kernel of its own in place of Linux (tests/system/hostile.yaml).
HOSTILE_SRCS := $(wildcard guest/hostile/*.c) guest/hostile/start.S
HOSTILE_OBJS := $(call target_objects,$(HOSTILE_SRCS) $(LIBC_SRCS))
HOSTILE_IMAGE := $(TARGET_DIR)/guest/hostile/hostile.Image

$(TARGET_DIR)/guest/hostile/hostile.elf: $(HOSTILE_OBJS) guest/hostile/hostile.ld
	$(call say,link,$@)
	$(Q)ld.lld -T guest/hostile/hostile.ld -z max-page-size=4096 -z noexecstack --build-id=none \
	    -o $@ $(HOSTILE_OBJS)
$(call target_objects,$(HOSTILE_SRCS)): | $(SDK_STAMP)

$(HOSTILE_IMAGE): $(TARGET_DIR)/guest/hostile/hostile.elf
	llvm-objcopy -O binary $< $@
