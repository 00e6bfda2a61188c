# SPDX-License-Identifier: BSD-2-Clause
# The disk of the systems that have one. DISK= brings one's own; ours is made once and kept, so no
# source is among its prerequisites.
DISK ?=
DISK_SNAPSHOT ?=
DISK_IMAGE := $(if $(DISK),$(DISK),$(BUILD_DIR)/disk.img)

$(BUILD_DIR)/disk.img:
	@mkdir -p $(@D)
	@$(call need,fdisk dosfstools)
	@echo 'Making a disk with two FAT partitions: $@'
	@systems/disk.sh $@

.PHONY: disk-clean
disk-clean: ## remove the disk; the next run makes a new one
	rm -f $(BUILD_DIR)/disk.img

# Where SYSTEM has no disk, none is made.
.PHONY: system-disk
system-disk: $(SYSTEM_DIR)/system.xml
	@! grep -qE '(^| )disk$$' $(SYSTEM_DIR)/system.devices || $(if $(DISK),:,$(MAKE) $(BUILD_DIR)/disk.img)

# The words that devices.sh prints, one a line: `$(QEMU_DEVICES) && qemu $$devices`.
QEMU_DEVICES = devices=$$(DISK='$(DISK_IMAGE)' DISK_SNAPSHOT='$(filter-out 0,$(DISK_SNAPSHOT))' \
    NET='$(NET)' PASSED_NET='$(PASSED_NET)' systems/devices.sh $(SYSTEM_DIR)) && IFS=$$'\n'
