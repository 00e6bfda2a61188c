# SPDX-License-Identifier: BSD-2-Clause
# The disk of the systems that have one. DISK= brings one's own; ours is made once and kept, so no
# source is among its prerequisites, and a system with more guests on it adds partitions to it. What
# is on its partitions is the system's affair (system.mk).
#: DISK_TYPE=fat            the file systems of a new disk: fat, ext4
DISK_TYPE ?= fat
DISK_OWN := $(BUILD_DIR)/disk$(patsubst %,-%,$(filter-out fat,$(DISK_TYPE))).img
#: DISK=                    another disk image than ours in BUILD_DIR
DISK ?=
#: DISK_SNAPSHOT=           1: QEMU forgets at its end what the guests wrote to the disk
DISK_SNAPSHOT ?=
#: NET=                     what the network card is joined to, as QEMU's -netdev; user by default
NET ?=
#: PASSED_NET=              the same for passed-through network cards
PASSED_NET ?=
DISK_IMAGE := $(if $(DISK),$(DISK),$(DISK_OWN))

# As many as the composed system's guests ask for; two at least, so that systems share a disk.
DISK_PARTITIONS = $(shell n=$$(cat '$(SYSTEM_DIR)/system.partitions' 2>/dev/null); echo $$((n > 2 ? n : 2)))

$(DISK_OWN):
	@mkdir -p $(@D)
	@$(call need,disk)
	@echo 'Making a disk with $(DISK_PARTITIONS) partitions of $(DISK_TYPE): $@'
	@systems/disk.sh $@ $(DISK_PARTITIONS) $(DISK_TYPE)

OWN_DISKS = $(wildcard $(BUILD_DIR)/disk.img $(BUILD_DIR)/disk-ext4.img)
.PHONY: disk-clean
disk-clean: ## remove the disks of the guests; the next run makes new ones
	@rm -f $(OWN_DISKS)
	@echo '$(if $(OWN_DISKS),Removed the disks of the guests: $(OWN_DISKS),There is no disk of ours in $(BUILD_DIR)/)'

.PHONY: own-disk
own-disk: $(DISK_OWN)
	@systems/disk.sh --check $< $(DISK_PARTITIONS) 2>/dev/null || { $(call need,disk) && \
	    systems/disk.sh --add $< $(DISK_PARTITIONS) $(DISK_TYPE); }

# Where SYSTEM has no disk, none is made. The partitions of a passed-through disk count only if its
# guest serves it.
.PHONY: system-disk
system-disk: $(SYSTEM_DIR)/system.xml
	@! grep -qE '(^| )disk$$' $(SYSTEM_DIR)/system.devices || \
	    $(if $(DISK),systems/disk.sh --check '$(DISK)' "$$(cat $(SYSTEM_DIR)/system.partitions)",$(MAKE) -s own-disk)

# The environment of devices.sh.
DEVICES = DISK='$(DISK_IMAGE)' DISK_SNAPSHOT='$(filter-out 0,$(DISK_SNAPSHOT))' \
    NET='$(NET)' PASSED_NET='$(PASSED_NET)'
