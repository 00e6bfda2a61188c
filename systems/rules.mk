# SPDX-License-Identifier: BSD-2-Clause
# One system: SYSTEM is a folder of systems/, or the path of a folder or of a YAML file.
#
#   board.dtb + system.yaml --compose--> system.xml, records, device trees, link.mk
#   programs + records --link.mk--> one ELF file a PD --bin/microkit--> loader.img, report.txt
#
# The last rules of the Makefile: they use the programs, guests and SDK of those before.

# ---- The board ---------------------------------------------------------------------------------
QEMU_MACHINE := virt,virtualization=on,gic-version=2
QEMU = qemu-system-aarch64 -machine $(QEMU_MACHINE) -cpu $(QEMU_CPU) -m $(QEMU_MEMORY)
#: QEMU_ARGS=               more arguments for QEMU
QEMU_ARGS ?=
LOADER_ADDR := 0x70000000

#: BOARD_DTB=               another board's device tree
# QEMU's own depends on its CPU and memory, so its name does.
comma := ,
BOARD_DTB ?= $(BUILD_DIR)/board/$(subst $(comma),_,$(QEMU_CPU))-$(QEMU_MEMORY).dtb

$(BUILD_DIR)/board/%.dtb:
	@mkdir -p $(@D)
	@$(call need,qemu)
	@echo 'Asking QEMU for its device tree: $@'
	@qemu-system-aarch64 -machine $(QEMU_MACHINE),dtb-randomness=off,dumpdtb=$@ -cpu $(QEMU_CPU) \
	    -m $(QEMU_MEMORY) -nodefaults -display none >$@.log 2>&1 || { cat $@.log >&2; \
	    echo 'QEMU has no such board; correct QEMU_CPU=$(QEMU_CPU) or QEMU_MEMORY=$(QEMU_MEMORY)' >&2; exit 1; }

# The embedded kernel uses no more RAM than its board is sure to have.
BOARD_MOST_RAM = $(if $(filter $(EMBEDDED_SDK),$(MICROKIT_SDK)),--most-ram \
    $(shell sed -nE 's/^#define BOARD_RAM_BYTES +(0x[0-9a-f]+).*/\1/p' sdk/boards/$(MICROKIT_BOARD)/board_addresses.h))

# ---- Which system ------------------------------------------------------------------------------
KNOWN_SYSTEMS := $(patsubst systems/%/system.yaml,%,$(wildcard systems/*/system.yaml))
SYSTEM_YAML := $(firstword $(wildcard systems/$(SYSTEM)/system.yaml $(SYSTEM)/system.yaml) \
    $(wildcard $(filter %.yaml %.yml,$(SYSTEM))))
# A path's folder in the build is named after the path, so that two systems never share one.
SYSTEM_DIR := $(TARGET_DIR)/systems/$(if $(filter $(SYSTEM),$(KNOWN_SYSTEMS)),$(SYSTEM),$(subst /,_,$(patsubst %.yaml,%,$(patsubst %/,%,$(SYSTEM)))))
#: PROGRAM_DIR=             where the PDs' programs are
PROGRAM_DIR ?= $(TARGET_DIR)
SYSTEM_IMAGE := $(SYSTEM_DIR)/loader.img
# Programs of the tests (tests/*/*.mk) are not among these.
SYSTEM_PROGRAMS := $(PROGRAMS:%=$(TARGET_DIR)/%.elf)

.PHONY: known-system
known-system:
	@[ -n '$(SYSTEM_YAML)' ] || { echo "there is no system '$(SYSTEM)'; give SYSTEM=" \
	    "one of: $(KNOWN_SYSTEMS), or the path of a folder or YAML file" >&2; exit 1; }

# What a system of systems/ wants beside; and the archive of a guest that serves its disk, if one does.
-include $(wildcard systems/$(SYSTEM)/system.mk)
DRIVER_INITRD := $(if $(SYSTEM_YAML),$(if $(shell grep -E '^ +serves: *disk' $(SYSTEM_YAML)),$(GUEST_DIR)/initrd-driver.cpio.gz))

# ---- Its image ---------------------------------------------------------------------------------
# What the system is made from; written anew only when that changes, so that it is made anew then.
#: PARTITION=               the partition of the first guest with a disk
PARTITION ?=
SYSTEM_INPUTS = $(SYSTEM_YAML) $(BOARD_DTB) $(GUEST_IMAGE) $(GUEST_INITRD) $(PARTITION)
$(SYSTEM_DIR)/inputs: known-system
	@mkdir -p $(@D)
	@echo '$(SYSTEM_INPUTS) $(MICROKIT_SDK)' | cmp -s - $@ || \
	    echo '$(SYSTEM_INPUTS) $(MICROKIT_SDK)' >$@

$(SYSTEM_DIR)/system.xml: $(SYSTEM_DIR)/inputs $(SYSTEM_YAML) $(BOARD_DTB) $(GUEST_IMAGE) \
    $(GUEST_INITRD) $(DRIVER_INITRD) $(HOST_DIR)/composer
	@echo 'Composing $(SYSTEM_YAML)'
	@$(HOST_DIR)/composer $(SYSTEM_YAML) --board-dtb $(BOARD_DTB) --out $(@D) \
	    $(if $(GUEST_IMAGE),--linux $(GUEST_IMAGE)) $(if $(GUEST_INITRD),--initrd $(GUEST_INITRD)) \
	    $(if $(DRIVER_INITRD),--initrd-driver $(DRIVER_INITRD)) \
	    $(if $(PARTITION),--partition '$(PARTITION)') $(BOARD_MOST_RAM)

# compose's link.mk tells which PD has changed, and this file's age is that of the last one that did.
$(SYSTEM_DIR)/linked: $(SYSTEM_DIR)/system.xml $(SYSTEM_PROGRAMS) known-system
	@$(MAKE) -f $(@D)/link.mk SHELL='$(SHELL)' PROGRAM_DIR=$(PROGRAM_DIR) SYSTEM_DIR=$(@D) all

$(SYSTEM_DIR)/loader.img: $(SYSTEM_DIR)/system.xml $(SYSTEM_DIR)/linked $(SDK_STAMP)
	@echo 'Building $@'
	@$(MICROKIT_SDK)/bin/microkit $< --board $(MICROKIT_BOARD) --config $(MICROKIT_CONFIG) \
	    --search-path $(@D) -o $@ -r $(@D)/report.txt
	@cat $(@D)/notes.txt >>$(@D)/report.txt

# One make at a time builds in BUILD_DIR; what it starts does not wait for it.
LOCKED = systems/locked.sh '$(BUILD_DIR)'

.PHONY: image image-unlocked
image: known-system ## build the system image of SYSTEM
	@$(LOCKED) $(MAKE) image-unlocked
image-unlocked: known-system $(SYSTEM_IMAGE) picture-if-easy
	@echo 'Built $(SYSTEM_IMAGE); what lies where: $(SYSTEM_DIR)/report.txt'

# ---- Its picture -------------------------------------------------------------------------------
# Drawn with the image where graphviz is there already; `make picture` installs it.
$(SYSTEM_DIR)/system.svg: $(SYSTEM_DIR)/system.xml
	@dot -Tsvg $(@D)/system.dot -o $@ $(call or_say,graphviz cannot draw $(@D)/system.dot; reinstall it (apt-get install --reinstall graphviz) or remove it)

.PHONY: picture picture-if-easy
picture: known-system ## draw SYSTEM: guests, PDs, channels, memory, devices
	@$(call need,picture)
	@$(MAKE) $(SYSTEM_DIR)/system.svg
	@echo 'Drawn: $(SYSTEM_DIR)/system.svg'
picture-if-easy: $(SYSTEM_DIR)/system.xml
	@! command -v dot >/dev/null || $(MAKE) $(SYSTEM_DIR)/system.svg

include systems/disk.mk

# ---- Running it --------------------------------------------------------------------------------
# The tests have the same in tests/system/qemu.py. Without -nic none QEMU adds a
# network card of its own and wants that one's boot ROM, a package that need not be there.
QEMU_RUN = $(QEMU) -nic none -global virtio-mmio.force-legacy=false -nographic -serial mon:stdio

.PHONY: qemu qemu-prepared
qemu: known-system ## run SYSTEM in QEMU; poweroff in its guests or Ctrl-a x leaves
	@$(LOCKED) $(MAKE) qemu-prepared
	@$(DEVICES) LOADER_ADDR=$(LOADER_ADDR) systems/run.sh '$(SYSTEM)' '$(SYSTEM_DIR)' $(QEMU_RUN) $(QEMU_ARGS)
qemu-prepared: image-unlocked system-disk need-qemu
