# SPDX-License-Identifier: BSD-2-Clause
# The system images that the tests in QEMU drive: those of systems/, and of tests/system/NAME.yaml as
# $(TARGET_DIR)/systems/tests_system_NAME. They are made one after the other, since each is a make
# of its own and two of them would build the same programs.
TEST_SYSTEMS := simple virtio $(addprefix tests/system/,four.yaml smp.yaml at.yaml return_at.yaml passthrough.yaml)
TEST_INPUTS := $(TARGET_DIR)/tests/system

.PHONY: test-images
test-images: $(TEST_INPUTS)/softdog.cpio.gz $(TEST_INPUTS)/dead.yaml \
    $(TEST_INPUTS)/undefined.Image $(TEST_INPUTS)/spinning.Image $(TEST_INPUTS)/disk.img \
    $(TEST_INPUTS)/disk3.img $(TEST_INPUTS)/disk-ext4.img $(GUEST_DIR)/initrd-test.cpio.gz contract-programs | sdk-test-images
	@$(call need,disk)
	@set -e; for system in $(TEST_SYSTEMS); do $(MAKE) image SYSTEM=$$system; done
	@$(MAKE) image SYSTEM=virtio MICROKIT_CONFIG=release
	@$(MAKE) image SYSTEM=simple MICROKIT_CONFIG=benchmark
	@set -e; for system in vswitch multi driver_vm $(addprefix tests/system/,net.yaml block.yaml vsock.yaml); do \
	    $(MAKE) image SYSTEM=$$system INITRD=$(GUEST_DIR)/initrd-test.cpio.gz; done
	@$(MAKE) work-image trap-image
	@$(MAKE) image SYSTEM=virtio PROGRAM_DIR=$(TEST_INPUTS)/contract \
	    SYSTEM_DIR=$(TARGET_DIR)/systems/virtio_contract
	@$(MAKE) image SYSTEM=tests/system/lifecycle.yaml INITRD=$(TEST_INPUTS)/softdog.cpio.gz
	@$(MAKE) image SYSTEM=$(TEST_INPUTS)/dead.yaml SYSTEM_DIR=$(TARGET_DIR)/systems/tests_system_dead
	@$(MAKE) hostile-image greedy-image

# The programs, with the VMM that has no other way to a vCPU's registers than the contract's.
.PHONY: contract-programs
contract-programs: $(PROGRAMS:%=$(TARGET_DIR)/%.elf)
	@mkdir -p $(TEST_INPUTS)/contract
	@cp -u $^ $(TEST_INPUTS)/contract/
	@cp -u $(TARGET_DIR)/vmm_contract.elf $(TEST_INPUTS)/contract/vmm.elf

# What the guests of a test find on their disks before anything has been written.
$(TEST_INPUTS)/disk.img $(TEST_INPUTS)/disk3.img: $(TEST_INPUTS)/disk%.img: systems/disk.sh
	@$(call need,disk)
	@mkdir -p $(@D)
	systems/disk.sh $@ $*

$(TEST_INPUTS)/disk-ext4.img: systems/disk.sh
	@$(call need,disk)
	@mkdir -p $(@D)
	systems/disk.sh $@ 2 ext4

# Guest kernels that die at once: early_death.S. A YAML file names them from its own folder on.
$(TEST_INPUTS)/undefined.o $(TEST_INPUTS)/spinning.o: $(TEST_INPUTS)/%.o: tests/system/early_death.S | need-compiler
	@mkdir -p $(@D)
	clang $(TARGET_FLAGS) $(if $(filter undefined,$*),-DUNDEFINED) -c $< -o $@
$(TEST_INPUTS)/%.Image: $(TEST_INPUTS)/%.o
	llvm-objcopy -O binary -j .text $< $@
$(TEST_INPUTS)/dead.yaml: tests/system/dead.yaml
	@mkdir -p $(@D)
	cp $< $@

# A guest that traps all the time, beside one that computes; the kernel of `benchmark` counts.
$(TEST_INPUTS)/greedy.o: tests/bench/trap_guest.S | need-compiler
	@mkdir -p $(@D)
	clang $(TARGET_FLAGS) -DROUNDS=65535 -DREADS=65535 -c $< -o $@
$(TEST_INPUTS)/greedy.yaml: tests/system/greedy.yaml
	@mkdir -p $(@D)
	cp $< $@
.PHONY: greedy-image
greedy-image: $(TEST_INPUTS)/greedy.yaml $(TEST_INPUTS)/greedy.Image $(TEST_INPUTS)/spinning.Image
	@$(MAKE) image SYSTEM=$< MICROKIT_CONFIG=benchmark SYSTEM_DIR=$(TARGET_DIR)/systems/tests_system_greedy

# The guest that lies, tests/hostile.
$(TEST_INPUTS)/hostile.Image: $(HOSTILE_IMAGE)
	@mkdir -p $(@D)
	cp $< $@
$(TEST_INPUTS)/hostile.yaml: tests/system/hostile.yaml
	@mkdir -p $(@D)
	cp $< $@
.PHONY: hostile-image
hostile-image: $(TEST_INPUTS)/hostile.yaml $(TEST_INPUTS)/hostile.Image
	@$(MAKE) image SYSTEM=$< SYSTEM_DIR=$(TARGET_DIR)/systems/tests_system_hostile

# The guests' archive and, as a second one behind it, a driver that panics in its timer interrupt.
$(TEST_INPUTS)/softdog.cpio.gz: $(GUEST_DIR)/initrd.cpio.gz $(GUEST_DIR)/.tree
	@$(call need,archive)
	@rm -rf $(@D)/softdog && mkdir -p $(@D)/softdog
	cp $(GUEST_DIR)/tree/lib/modules/*/kernel/drivers/watchdog/softdog.ko* $(@D)/softdog
	@find $(@D)/softdog -name '*.xz' -exec xz -d {} +
	$(call with_files,$(@D)/softdog) >$@

# systems/virtio with the tools of the tests in its guests.
.PHONY: work-image
work-image: $(GUEST_DIR)/initrd-test.cpio.gz
	@$(MAKE) image SYSTEM=virtio INITRD=$(GUEST_DIR)/initrd-test.cpio.gz \
	    SYSTEM_DIR=$(TARGET_DIR)/systems/virtio_tools
