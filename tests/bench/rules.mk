# SPDX-License-Identifier: BSD-2-Clause
BARE_GUESTS := $(TARGET_DIR)/tests/bench

$(BARE_GUESTS)/%_guest.Image: $(BARE_GUESTS)/%_guest.o
	@mkdir -p $(@D)
	llvm-objcopy -O binary -j .text $< $@

.PHONY: trap-image interrupt-image
trap-image interrupt-image: %-image: $(BARE_GUESTS)/%_guest.Image
	@$(MAKE) image SYSTEM=tests/bench/$*.yaml LINUX=$<

.PHONY: bench bench-compare bench-images
bench: bench-images ## measure everything, beside QEMU's own (BENCH=boot,trap,... picks parts)
	@$(call need,qemu console iperf)
	@CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) \
	    CLOISTER_BUILD_DIR=$(BUILD_DIR) /usr/bin/python3 tests/bench/bench.py
bench-compare: ## what has changed from OLD=one.json to NEW=other.json
	@$(call need,python)
	@/usr/bin/python3 tests/bench/compare.py $(OLD) $(NEW)

bench-images: trap-image interrupt-image work-image $(TARGET_DIR)/tests/system/disk.img $(GUEST_DIR)/initrd-test.cpio.gz
	@set -e; for system in simple virtio tests/system/four.yaml; do $(MAKE) image SYSTEM=$$system; done
	@set -e; for system in tests/bench/block.yaml tests/bench/latency.yaml vswitch tests/system/vsock.yaml; do \
	    $(MAKE) image SYSTEM=$$system INITRD=$(GUEST_DIR)/initrd-test.cpio.gz; done

# Equal guests, more and more of them.
SCALE_COUNTS := 2 4 8
$(TARGET_DIR)/tests/bench/scale%.yaml: tests/bench/rules.mk
	@mkdir -p $(@D)
	@printf 'system: scale\nnetworks: [{name: lan}]\nguests:\n  - {name: g, count: %s, memory: 96M, net: [{network: lan}]}\n' \
	    $* >$@

.PHONY: scale
scale: $(SCALE_COUNTS:%=$(TARGET_DIR)/tests/bench/scale%.yaml) ## measure what each further guest costs
	@$(call need,qemu console)
	@set -e; for count in $(SCALE_COUNTS); do $(MAKE) image SYSTEM=$(TARGET_DIR)/tests/bench/scale$$count.yaml \
	    SYSTEM_DIR=$(TARGET_DIR)/systems/scale$$count; done
	@CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) CLOISTER_BUILD_DIR=$(BUILD_DIR) \
	    /usr/bin/python3 tests/bench/scale.py

.PHONY: driver-vm-figures
driver-vm-figures: $(TARGET_DIR)/tests/system/disk-ext4.img $(GUEST_DIR)/initrd-test.cpio.gz ## measure the disk that a guest serves
	@$(call need,qemu console)
	@$(MAKE) image SYSTEM=driver_vm INITRD=$(GUEST_DIR)/initrd-test.cpio.gz
	@$(MAKE) image SYSTEM=tests/bench/block.yaml INITRD=$(GUEST_DIR)/initrd-test.cpio.gz
	@CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) \
	    CLOISTER_BUILD_DIR=$(BUILD_DIR) /usr/bin/python3 tests/bench/driver_vm.py

HOST_PROGRAMS += switch_bench
switch_bench_SRCS := tests/bench/switch_bench.c $(SWITCH_SRCS)

.PHONY: switch-bench
switch-bench: $(HOST_DIR)/switch_bench ## measure the switch's core on the host
	@$<
