# SPDX-License-Identifier: BSD-2-Clause
# The guests' kernel and root file system; LINUX= and INITRD= put others in their place.
GUEST_DIR := $(BUILD_DIR)/guest
#: GUEST_CACHE=             a folder for downloaded arm64 packages, kept between builds
GUEST_CACHE ?= $(GUEST_DIR)/cache
GUEST_PACKAGES := linux-image-arm64 busybox-static
# Folders laid over the root file system, in order.
GUEST_OVERLAYS := guest/rootfs

include guest/programs/rules.mk
include guest/driver/rules.mk

GUEST_IMAGE := $(if $(LINUX),$(LINUX),$(GUEST_DIR)/Image)
GUEST_INITRD := $(if $(INITRD),$(INITRD),$(GUEST_DIR)/initrd.cpio.gz)

$(GUEST_DIR)/.tree: guest/fetch.sh guest/rules.mk
	@$(call need,download)
	@mkdir -p $(@D)
	guest/fetch.sh $(GUEST_CACHE) $(GUEST_DIR)/tree $(GUEST_PACKAGES)
	@touch $@

$(GUEST_DIR)/Image: $(GUEST_DIR)/.tree
	cp $(GUEST_DIR)/tree/boot/vmlinuz-* $@ \
	    $(call or_say,The unpacked kernel package has no kernel; remove $(GUEST_DIR)/tree and $(GUEST_DIR)/.tree and run make again)

$(GUEST_DIR)/initrd.cpio.gz: guest/rootfs.sh guest/modules.list $(GUEST_DIR)/.tree \
    $(shell find $(GUEST_OVERLAYS)) $(GUEST_OWN_PROGRAMS)
	@$(call need,archive)
	@rm -rf $(GUEST_OWN_DIR)/root && mkdir -p $(GUEST_OWN_DIR)/root/bin
	@cp $(GUEST_OWN_PROGRAMS) $(GUEST_OWN_DIR)/root/bin
	guest/rootfs.sh $(GUEST_DIR)/tree $@ guest/modules.list $(GUEST_OVERLAYS) $(GUEST_OWN_DIR)/root

# A file that the user names is never built here.
define guest_file_of_user
$($(1)):
	@echo "$(1)=$$@: there is no such file" >&2; exit 1
endef
$(foreach variable,LINUX INITRD,$(if $($(variable)),$(if $(wildcard $($(variable))),,\
    $(if $(filter $(BUILD_DIR)/%,$($(variable))),,$(eval $(call guest_file_of_user,$(variable)))))))
