# SPDX-License-Identifier: BSD-2-Clause
# Archives of the product's parts for programs on the host: the tests in tests/unit and tests/fuzz.
# The linker takes from them what a program uses and does not define itself.
UNIT_SOURCES := $(call sources_in,tests/unit)
UNIT_TEST_SRCS := $(foreach source,$(UNIT_SOURCES),$(if $(filter test_%,$(notdir $(source))),$(source)))

# What runs on the target only: PDs' shells, registers, main() of tools.
NOT_ON_HOST := %_pd.c %_main.c vmm/arch/aarch64/vcpu% vmm/arch/aarch64/cache.c \
    io/drivers/virtio_mmio/registers.c lib/pd/restart.c services/supervisor/clock.c
on_host = $(filter-out $(NOT_ON_HOST),$(call sources_in,$(1)))
HOST_PARTS := vmm io services compose tool kernel lib
tool_PART := $(call on_host,sdk/tool)
kernel_PART := $(call on_host,sdk/kernel/core)
lib_PART := $(call on_host,lib) sdk/libc/format.c guest/programs/uio_blk_serve.c
$(foreach part,vmm io services compose,$(eval $(part)_PART := $(call on_host,$(part))))

# Rigs are the other sources below tests/unit. A program is linked with those of the folders from
# which it includes a header; those of vmm's devices use the guest's driver in vmm/virtio.
RIG_SRCS := $(filter-out $(UNIT_TEST_SRCS),$(UNIT_SOURCES))
RIG_FOLDERS := $(sort $(dir $(RIG_SRCS)))
RIGS_INCLUDED := $(sort $(shell awk -F'"' '/^.include "tests.unit/ { sub("[^/]*$$", "", $$2); print FILENAME "|" $$2 }' \
    $(UNIT_TEST_SRCS) $(wildcard tests/fuzz/*.c)))
included_by = $(patsubst $(1)|%,%,$(filter $(1)|%,$(RIGS_INCLUDED)))
rigs_of = $(addsuffix rigs,$(filter $(RIG_FOLDERS),$(included_by) \
    $(if $(filter tests/unit/vmm/devices/%,$(included_by)),tests/unit/vmm/virtio/)))

HOST_LIBS = -Wl,--as-needed $(COMPOSE_LIBS) -lexpat -lpthread -lcmocka

# `$(call host_archives,DIR)`: DIR/PART.a of each part and DIR/FOLDER/rigs.a of each folder.
define host_archive
$(1)/$(2).a: $(3:%.c=$(1)/%.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)llvm-ar rcs $$@ $$^
endef
host_archives = $(foreach part,$(HOST_PARTS),$(eval $(call host_archive,$(1),$(part),$($(part)_PART)))) \
    $(foreach folder,$(RIG_FOLDERS),$(eval $(call host_archive,$(1),$(folder)rigs,$(filter $(folder)%,$(RIG_SRCS)))))
# `$(call linked_with,DIR,ARCHIVES)`: in the order in which they are searched.
linked_with = -Wl,--start-group $(2:%=$(1)/%.a) -Wl,--end-group $(HOST_LIBS)
