# SPDX-License-Identifier: BSD-2-Clause
BARE_GUESTS := $(TARGET_DIR)/tests/bench

$(BARE_GUESTS)/%_guest.Image: $(BARE_GUESTS)/%_guest.o
	@mkdir -p $(@D)
	llvm-objcopy -O binary -j .text $< $@

.PHONY: trap-image interrupt-image
trap-image interrupt-image: %-image: $(BARE_GUESTS)/%_guest.Image
	@$(MAKE) image SYSTEM=tests/bench/$*.yaml LINUX=$<

#: BENCH=                   the parts of the benchmark, joined by commas; by default all
BENCH ?=
#: ROUNDS=                  how often the benchmark measures each figure; by default 3
ROUNDS ?=
#: OLD= NEW=                two results for bench-compare
OLD ?=
NEW ?=
.PHONY: bench bench-compare bench-images
bench: bench-images ## measure everything, beside QEMU's own (BENCH=boot,trap,... picks parts)
	@$(call need,qemu console iperf)
	@CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) \
	    CLOISTER_BUILD_DIR=$(BUILD_DIR) /usr/bin/python3 tests/bench/bench.py
bench-compare: ## what has changed from OLD=one.json to NEW=other.json
	@$(call need,python)
	@/usr/bin/python3 tests/bench/compare.py $(OLD) $(NEW)

# What each part of bench.py starts: targets that build an image, and the disk of those that have one.
BENCH_DISK := $(TARGET_DIR)/tests/system/disk.img
boot_BENCH_NEEDS := bench-simple bench-virtio bench-four $(BENCH_DISK)
trap_BENCH_NEEDS := trap-image
latency_BENCH_NEEDS := interrupt-image bench-latency $(BENCH_DISK)
console_BENCH_NEEDS := bench-block $(BENCH_DISK)
block_BENCH_NEEDS := bench-block $(BENCH_DISK)
net_BENCH_NEEDS := bench-vswitch work-image $(BENCH_DISK)
vsock_BENCH_NEEDS := bench-vsock $(BENCH_DISK)
idle_BENCH_NEEDS := bench-virtio $(BENCH_DISK)
memory_BENCH_NEEDS := bench-virtio
size_BENCH_NEEDS := bench-simple bench-virtio
counts_BENCH_NEEDS := work-image $(BENCH_DISK)
BENCH_PARTS := boot trap latency console block net vsock idle memory size counts

BENCH_CHOSEN = $(or $(strip $(subst $(comma), ,$(BENCH))),$(BENCH_PARTS))
BENCH_NEEDS = $(sort $(foreach part,$(BENCH_CHOSEN),$($(part)_BENCH_NEEDS)))
# One after the other, since two of them would build the same programs.
bench-images:
	@set -e; for target in $(BENCH_NEEDS); do $(MAKE) $$target; done

.PHONY: bench-simple bench-virtio bench-four bench-block bench-latency bench-vswitch bench-vsock
bench-simple bench-virtio: bench-%:
	@$(MAKE) image SYSTEM=$*
bench-four:
	@$(MAKE) image SYSTEM=tests/system/four.yaml
bench-block bench-latency: BENCH_SYSTEM = tests/bench/$(@:bench-%=%).yaml
bench-vswitch: BENCH_SYSTEM := vswitch
bench-vsock: BENCH_SYSTEM := tests/system/vsock.yaml
bench-block bench-latency bench-vswitch bench-vsock: $(GUEST_DIR)/initrd-test.cpio.gz
	@$(MAKE) image SYSTEM=$(BENCH_SYSTEM) INITRD=$<

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
switch_bench_SRCS := tests/bench/switch_bench.c $(filter-out %_pd.c,$(call sources_in,io/virt/switch))

.PHONY: switch-bench
switch-bench: $(HOST_DIR)/switch_bench ## measure the switch's core on the host
	@$<
