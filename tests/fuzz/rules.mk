# SPDX-License-Identifier: BSD-2-Clause
# libFuzzer: each fuzz_NAME.c is a target, with NAME_FUZZ_SRCS and _LIBS beside it and its seeds in
# corpus/NAME. A crash leaves its input in build/fuzz/: make it a unit test, then mend it.
FUZZ_SECONDS ?= 60
FUZZ_DIR := $(BUILD_DIR)/fuzz
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -timeout=10 -rss_limit_mb=1024 -print_final_stats=1

system_xml_FUZZ_SRCS := $(TOOL_SRCS)
system_xml_FUZZ_LIBS := -lexpat
yaml_FUZZ_SRCS := $(COMPOSE_SRCS)
yaml_FUZZ_LIBS := -lyaml -lfdt
elf_FUZZ_SRCS := sdk/tool/elf_file.c
partition_FUZZ_SRCS := io/virt/blk/partition.c io/virt/blk/gpt.c
virtio_block_FUZZ_SRCS := tests/unit/virtio_block_rig.c tests/unit/guest_driver.c vmm/count.c \
    $(addprefix vmm/virtio/,queue.c mmio.c block.c block_request.c block_run.c block_op.c)
virtio_block_FUZZ_LIBS := -lcmocka
switch_port_FUZZ_SRCS := tests/unit/switch_rig.c $(SWITCH_SRCS)
switch_port_FUZZ_LIBS := -lcmocka
virtio_net_FUZZ_SRCS := tests/unit/virtio_net_rig.c tests/unit/port_rig.c \
    tests/unit/guest_driver.c vmm/count.c \
    $(addprefix vmm/virtio/,queue.c mmio.c port.c net.c net_tx.c net_rx.c net_ctrl.c)
virtio_net_FUZZ_LIBS := -lcmocka
net_driver_FUZZ_SRCS := io/drivers/net/virtio_mmio/vnet.c $(VIRTIO_MMIO_SRCS)
net_driver_FUZZ_LIBS := -lcmocka
net_rx_FUZZ_SRCS := io/virt/net_rx/rx_core.c
net_tx_FUZZ_SRCS := io/virt/net_tx/tx_core.c
virtio_vsock_FUZZ_SRCS := tests/unit/virtio_vsock_rig.c tests/unit/port_rig.c \
    tests/unit/guest_driver.c vmm/count.c $(addprefix vmm/virtio/,queue.c mmio.c port.c vsock.c vsock_tx.c \
    vsock_rx.c vsock_table.c)
virtio_vsock_FUZZ_LIBS := -lcmocka
driver_vm_FUZZ_SRCS := tests/unit/driver_vm_rig.c sdk/libc/format.c \
    $(addprefix vmm/driver_vm/,driver_vm.c blk_link.c blk_link_move.c)
driver_vm_FUZZ_LIBS := -lcmocka

$(FUZZ_DIR)/%.o: %.c | $(BUILD_DIR)/.tools
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(UNIT_CFLAGS) $(CONVERSION) -fsanitize=fuzzer-no-link -c $< -o $@

define fuzz_target
$(FUZZ_DIR)/fuzz_$(1): $$(patsubst %.c,$(FUZZ_DIR)/%.o,tests/fuzz/fuzz_$(1).c $$($(1)_FUZZ_SRCS))
	$$(call say,link,$$@)
	$$(Q)clang -fsanitize=fuzzer,address,undefined $$^ $$($(1)_FUZZ_LIBS) -o $$@
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_target,$(name))))

# `call run_fuzzer,NAME,seconds`: what it finds is kept in build/fuzz/corpus, and tried first.
run_fuzzer = mkdir -p $(FUZZ_DIR)/corpus/$(1) && $(FUZZ_DIR)/fuzz_$(1) $(FUZZ_FLAGS) \
    $(if $(wildcard tests/fuzz/$(1).dict),-dict=tests/fuzz/$(1).dict) -max_total_time=$(2) \
    -artifact_prefix=$(FUZZ_DIR)/$(1)- $(FUZZ_DIR)/corpus/$(1) tests/fuzz/corpus/$(1)

.PHONY: fuzz fuzz-smoke
fuzz: $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%) ## fuzz each parser for FUZZ_SECONDS (60)
	@$(foreach name,$(FUZZ_NAMES),echo "== fuzz_$(name), $(FUZZ_SECONDS) s" && \
	    $(call run_fuzzer,$(name),$(FUZZ_SECONDS)) &&) echo 'No crash.'

# For `make test`: the seeds again, and three seconds of each; quiet unless there is a crash.
fuzz-smoke: $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%)
	@$(foreach name,$(FUZZ_NAMES),echo "== fuzz_$(name)" && \
	    { $(call run_fuzzer,$(name),3) >$(FUZZ_DIR)/$(name).log 2>&1 || \
	    { tail -n 40 $(FUZZ_DIR)/$(name).log; exit 1; }; } &&) true
