# SPDX-License-Identifier: BSD-2-Clause
# libFuzzer: each fuzz_NAME.c is a target, with NAME_FUZZ_SRCS and _LIBS beside it and its seeds in
# corpus/NAME. docs/testing.md tells how to fuzz, and what to do with a crash.
FUZZ_DIR := $(BUILD_DIR)/fuzz
#: FUZZ_NAMES=              the fuzz targets; by default all
FUZZ_NAMES ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
#: FUZZ_JOBS=               how many targets run at once; by default one a core
FUZZ_JOBS ?= $(shell nproc)
#: FUZZ_SECONDS=            how long each target runs
# An hour for all of them together.
FUZZ_SECONDS ?= $(shell echo $$((3600 * $(FUZZ_JOBS) / $(words $(FUZZ_NAMES)))))

system_xml_FUZZ_SRCS := $(TOOL_SRCS)
system_xml_FUZZ_LIBS := -lexpat
yaml_FUZZ_SRCS := $(COMPOSE_SRCS)
yaml_FUZZ_LIBS := $(COMPOSE_LIBS)
elf_FUZZ_SRCS := sdk/tool/elf_file.c
partition_FUZZ_SRCS := io/virt/blk/partition.c io/virt/blk/gpt.c
virtio_block_FUZZ_SRCS := tests/unit/virtio_block_rig.c tests/unit/guest_driver.c vmm/count.c \
    $(addprefix vmm/virtio/,queue.c mmio.c block.c block_request.c block_run.c block_op.c)
virtio_block_FUZZ_LIBS := -lcmocka
switch_port_FUZZ_SRCS := tests/unit/switch_rig.c $(SWITCH_SRCS)
switch_port_FUZZ_LIBS := -lcmocka
vsock_joined_FUZZ_SRCS := tests/unit/guest_driver.c vmm/count.c $(SWITCH_SRCS) \
    $(addprefix vmm/virtio/,queue.c mmio.c port.c vsock.c vsock_tx.c vsock_rx.c vsock_table.c)
vsock_joined_FUZZ_LIBS := -lcmocka
virtio_net_FUZZ_SRCS := tests/unit/virtio_net_rig.c tests/unit/port_rig.c \
    tests/unit/guest_driver.c vmm/count.c sdk/libc/format.c \
    $(addprefix vmm/virtio/,queue.c mmio.c port.c net.c net_tx.c net_rx.c net_ctrl.c)
virtio_net_FUZZ_LIBS := -lcmocka
net_driver_FUZZ_SRCS := io/drivers/net/virtio_mmio/vnet.c $(VIRTIO_MMIO_SRCS)
net_driver_FUZZ_LIBS := -lcmocka
blk_driver_FUZZ_SRCS := $(addprefix io/drivers/blk/virtio_mmio/,slot.c vblk.c) $(VIRTIO_MMIO_SRCS)
blk_driver_FUZZ_LIBS := -lcmocka
net_rx_FUZZ_SRCS := io/virt/net_rx/rx_core.c
net_tx_FUZZ_SRCS := io/virt/net_tx/tx_core.c
virtio_vsock_FUZZ_SRCS := tests/unit/virtio_vsock_rig.c tests/unit/port_rig.c \
    tests/unit/guest_driver.c vmm/count.c $(addprefix vmm/virtio/,queue.c mmio.c port.c vsock.c vsock_tx.c \
    vsock_rx.c vsock_table.c)
virtio_vsock_FUZZ_LIBS := -lcmocka
driver_vm_FUZZ_SRCS := tests/unit/driver_vm_rig.c sdk/libc/format.c \
    $(addprefix vmm/driver_vm/,driver_vm.c blk_link.c blk_link_move.c)
driver_vm_FUZZ_LIBS := -lcmocka

virtio_queue_FUZZ_SRCS := tests/unit/guest_driver.c tests/unit/virtio_queue_raced.c vmm/count.c
virtio_queue_FUZZ_LIBS := -lcmocka
virtio_mmio_FUZZ_SRCS := tests/unit/guest_driver.c vmm/count.c $(addprefix vmm/virtio/,queue.c mmio.c)
virtio_mmio_FUZZ_LIBS := -lcmocka
virtio_console_FUZZ_SRCS := $(virtio_mmio_FUZZ_SRCS) vmm/virtio/console.c vmm/serial_port.c
virtio_console_FUZZ_LIBS := -lcmocka
virtio_rng_FUZZ_SRCS := $(virtio_mmio_FUZZ_SRCS) vmm/virtio/rng.c
virtio_rng_FUZZ_LIBS := -lcmocka
vgic_FUZZ_SRCS := $(addprefix vmm/arch/aarch64/,vgic.c vgic_dist.c)
vgic_FUZZ_LIBS := -lcmocka
guest_traps_FUZZ_SRCS := sdk/libc/format.c vmm/count.c \
    $(addprefix vmm/arch/aarch64/,fault.c exception.c sysreg.c esr.c psci.c)
guest_image_FUZZ_SRCS := vmm/guest/image.c sdk/libc/format.c
# All that the VMM's program is made of, but what talks to the kernel.
vmm_FUZZ_SRCS = $(filter-out vmm/main.c vmm/arch/aarch64/vcpu% vmm/arch/aarch64/cache.c \
    io/supervisor/%,$(vmm_SRCS)) sdk/libc/format.c
vmm_FUZZ_LIBS := -lcmocka
serial_tx_FUZZ_SRCS := io/virt/serial_tx/tx_core.c
serial_tx_FUZZ_LIBS := -lcmocka
serial_rx_FUZZ_SRCS := $(addprefix io/virt/serial_rx/,rx_core.c switch_keys.c) sdk/libc/format.c
serial_rx_FUZZ_LIBS := -lcmocka
blk_virt_FUZZ_SRCS := $(partition_FUZZ_SRCS) sdk/libc/format.c \
    $(addprefix io/virt/blk/,virt_start.c virt_core.c)
board_FUZZ_SRCS := $(addprefix compose/,board.c board_device.c device_tree.c diag.c) sdk/tool/arena.c
board_FUZZ_LIBS := -lfdt

# What a rig executes is no discovery: rigs are not instrumented.
FUZZ_RIGS = $(filter-out %_raced.c,$(filter tests/unit/%,$<))
$(FUZZ_DIR)/%.o: %.c | need-compiler need-unit
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(UNIT_CFLAGS) $(CONVERSION) $(COVERAGE_FLAGS) $(if $(FUZZ_RIGS),,-fsanitize=fuzzer-no-link) -c $< -o $@

define fuzz_target
$(FUZZ_DIR)/fuzz_$(1): $$(patsubst %.c,$(FUZZ_DIR)/%.o,tests/fuzz/fuzz_$(1).c $$($(1)_FUZZ_SRCS))
	$$(call say,link,$$@)
	$$(Q)clang $(COVERAGE_FLAGS) -fsanitize=fuzzer,address,undefined $$^ $$($(1)_FUZZ_LIBS) -o $$@
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_target,$(name))))

FUZZ_TARGETS := $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%)

.PHONY: fuzz fuzz-smoke fuzz-targets
fuzz-targets: $(FUZZ_TARGETS)
fuzz: $(FUZZ_TARGETS) ## fuzz each target for FUZZ_SECONDS; by default an hour for all
	@$(call need,python)
	@/usr/bin/python3 tests/fuzz/run.py $(FUZZ_DIR) $(FUZZ_JOBS) $(FUZZ_SECONDS) $(FUZZ_NAMES)

# For `make test`: the seeds, and the same mutations of them every time. New ones are `make fuzz`'s.
fuzz-smoke: $(FUZZ_TARGETS)
	@$(call need,python)
	@/usr/bin/python3 tests/fuzz/run.py $(FUZZ_DIR) $(FUZZ_JOBS) check $(FUZZ_NAMES)
