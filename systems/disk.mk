# SPDX-License-Identifier: BSD-2-Clause
# The disk of the systems that have one. DISK= brings one's own; ours is made once and kept, so no
# source is among its prerequisites. What is on its partitions is the system's affair (system.mk).
DISK_TYPE ?= fat
DISK_OWN := $(BUILD_DIR)/disk$(patsubst %,-%,$(filter-out fat,$(DISK_TYPE))).img
DISK ?=
DISK_SNAPSHOT ?=
DISK_IMAGE := $(if $(DISK),$(DISK),$(DISK_OWN))

$(DISK_OWN):
	@mkdir -p $(@D)
	@$(call need,fdisk dosfstools e2fsprogs)
	@echo 'Making a disk with two partitions of $(DISK_TYPE): $@'
	@systems/disk.sh $@ 2 $(DISK_TYPE)

.PHONY: disk-clean
disk-clean: ## remove the disk; the next run makes a new one
	rm -f $(BUILD_DIR)/disk.img $(BUILD_DIR)/disk-ext4.img

# Where SYSTEM has no disk, none is made.
.PHONY: system-disk
system-disk: $(SYSTEM_DIR)/system.xml
	@! grep -qE '(^| )disk$$' $(SYSTEM_DIR)/system.devices || $(if $(DISK),:,$(MAKE) $(DISK_OWN))

# The words that devices.sh prints, one a line: `$(QEMU_DEVICES) && qemu $$devices`.
QEMU_DEVICES = devices=$$(DISK='$(DISK_IMAGE)' DISK_SNAPSHOT='$(filter-out 0,$(DISK_SNAPSHOT))' \
    NET='$(NET)' PASSED_NET='$(PASSED_NET)' systems/devices.sh $(SYSTEM_DIR)) && IFS=$$'\n'
