# SPDX-License-Identifier: BSD-2-Clause
# The embedded SDK, in the folder layout of the Microkit's: bin/microkit, VERSION and, for each
# board and config, include/, lib/ and elf/.
include sdk/tool/rules.mk

KERNEL_SRCS := $(sort $(foreach depth,*/* */*/*,$(wildcard sdk/kernel/$(depth).S sdk/kernel/$(depth).c))) sdk/boards/$(MICROKIT_BOARD)/board.c \
    sdk/libc/string.c sdk/libc/format.c
LIBMICROKIT_SRCS := sdk/libmicrokit/crt0.S sdk/libmicrokit/main.c sdk/libmicrokit/calls.c
# The configurations that there are.
CONFIG_FLAGS_debug := -DCONFIG_DEBUG
CONFIG_FLAGS_release :=
CONFIG_FLAGS_benchmark := -DCONFIG_BENCHMARK

KERNEL_CFLAGS = -mcmodel=small -Isdk/kernel/include -Isdk/boards/$(MICROKIT_BOARD) \
    $(CONFIG_FLAGS_$(MICROKIT_CONFIG))
LOAD_PADDR = $(shell awk '/define BOARD_LOAD_PADDR/ { print $$3 }' sdk/boards/$(MICROKIT_BOARD)/board_addresses.h)
KERNEL_OBJS = $(call target_objects,$(KERNEL_SRCS))
LIBMICROKIT_OBJS = $(call target_objects,$(LIBMICROKIT_SRCS))
EMBEDDED_BOARD := $(EMBEDDED_SDK)/board/$(MICROKIT_BOARD)/$(MICROKIT_CONFIG)

# What a program waits for; a real SDK is there already.
SDK_STAMP = $(if $(filter $(EMBEDDED_SDK),$(MICROKIT_SDK)),$(EMBEDDED_BOARD)/.built)

$(TARGET_DIR)/sdk/kernel.elf: sdk/kernel/kernel.ld $(KERNEL_OBJS)
	$(call say,link,$@)
	$(Q)ld.lld -T $< --defsym=LOAD_PADDR=$(LOAD_PADDR) -z max-page-size=4096 -z noexecstack \
	    --build-id=none -o $@ $(filter %.o,$^)

$(TARGET_DIR)/sdk/libmicrokit.a: $(LIBMICROKIT_OBJS)
	@rm -f $@
	$(Q)llvm-ar rcD $@ $^

$(EMBEDDED_BOARD)/.built: $(TARGET_DIR)/sdk/kernel.elf $(TARGET_DIR)/sdk/libmicrokit.a \
    $(HOST_DIR)/microkit sdk/libmicrokit/microkit.ld sdk/libmicrokit/include/microkit.h \
    sdk/libmicrokit/include/sel4/sel4.h
	@mkdir -p $(EMBEDDED_SDK)/bin $(@D)/include/sel4 $(@D)/lib $(@D)/elf
	@cp $(HOST_DIR)/microkit $(EMBEDDED_SDK)/bin/microkit
	@cp sdk/libmicrokit/include/microkit.h $(@D)/include/
	@cp sdk/libmicrokit/include/sel4/sel4.h $(@D)/include/sel4/
	@cp sdk/libmicrokit/microkit.ld $(TARGET_DIR)/sdk/libmicrokit.a $(@D)/lib/
	@cp $(TARGET_DIR)/sdk/kernel.elf $(@D)/elf/
	@echo 2.0.1-cloister > $(EMBEDDED_SDK)/VERSION
	@touch $@
