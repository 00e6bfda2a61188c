# SPDX-License-Identifier: BSD-2-Clause
# The disk of the systems that have one. DISK= brings one's own; ours is made once and kept, so no
# source is among its prerequisites, and a system with more guests on it adds partitions to it. What
# is on its partitions is the system's affair (system.mk).
DISK_TYPE ?= fat
DISK_OWN := $(BUILD_DIR)/disk$(patsubst %,-%,$(filter-out fat,$(DISK_TYPE))).img
DISK ?=
DISK_SNAPSHOT ?=
DISK_IMAGE := $(if $(DISK),$(DISK),$(DISK_OWN))

# As many as the composed system's guests ask for; two at least, so that systems share a disk.
DISK_PARTITIONS = $(shell n=$$(cat '$(SYSTEM_DIR)/system.partitions' 2>/dev/null); echo $$((n > 2 ? n : 2)))

$(DISK_OWN):
	@mkdir -p $(@D)
	@$(call need,disk)
	@echo 'Making a disk with $(DISK_PARTITIONS) partitions of $(DISK_TYPE): $@'
	@systems/disk.sh $@ $(DISK_PARTITIONS) $(DISK_TYPE)

.PHONY: disk-clean
disk-clean: ## remove the disk; the next run makes a new one
	rm -f $(BUILD_DIR)/disk.img $(BUILD_DIR)/disk-ext4.img

.PHONY: own-disk
own-disk: $(DISK_OWN)
	@systems/disk.sh --check $< $(DISK_PARTITIONS) 2>/dev/null || { $(call need,disk) && \
	    systems/disk.sh --add $< $(DISK_PARTITIONS) $(DISK_TYPE); }

# Where SYSTEM has no disk, none is made. A passed-through disk whose guest serves nobody has no
# partitions that anybody counts.
.PHONY: system-disk
system-disk: $(SYSTEM_DIR)/system.xml
	@! grep -qE '(^| )disk$$' $(SYSTEM_DIR)/system.devices || \
	    $(if $(DISK),systems/disk.sh --check '$(DISK)' "$$(cat $(SYSTEM_DIR)/system.partitions)",$(MAKE) own-disk)

# The words that devices.sh prints, one a line: `$(QEMU_DEVICES) && qemu $$devices`.
QEMU_DEVICES = devices=$$(DISK='$(DISK_IMAGE)' DISK_SNAPSHOT='$(filter-out 0,$(DISK_SNAPSHOT))' \
    NET='$(NET)' PASSED_NET='$(PASSED_NET)' systems/devices.sh $(SYSTEM_DIR)) && IFS=$$'\n'
