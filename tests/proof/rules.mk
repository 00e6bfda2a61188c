# SPDX-License-Identifier: BSD-2-Clause
# Proofs by Frama-C's Eva: each NAME.c drives NAME_PROOF_SRCS with values that may be anything; what
# Eva cannot show is in alarms.txt with its reason, and nothing else may come. docs/proofs.md.
PROOF_DIR := $(BUILD_DIR)/proof
PROOF_NAMES := $(patsubst tests/proof/%.c,%,$(wildcard tests/proof/*.c))
PROOF_FLAGS := -c11 -machdep gcc_x86_64 -eva -eva-slevel 10 -eva-auto-loop-unroll 16 \
    -eva-no-show-progress -eva-msg-key=-initial-state,-final-states

virtqueue_PROOF_SRCS := vmm/virtio/queue.c vmm/core/vmm_count.c
virtqueue_indirect_PROOF_SRCS := $(virtqueue_PROOF_SRCS)
partition_PROOF_SRCS := io/virt/blk/partition.c io/virt/blk/gpt.c
# A table's copy that is in order is looked at apart from one that is not.
partition_PROOF_FLAGS := -eva-split-return auto \
    -eva-split-return-function check_copy:0,check_entries:0,read_header:0,partition_bytes:0 \
    -eva-slevel-function check_copy:100,check_entries:100,read_header:100,gpt_parse:300,main:100

define proof_run
$(PROOF_DIR)/$(1).csv: $$(wildcard tests/proof/*.h io/include/*/*.h) $$(wildcard tests/proof/*.c) \
    $$($(1)_PROOF_SRCS) tests/proof/rules.mk | $(BUILD_DIR)/uapi/.linked
	@mkdir -p $$(@D)
	@$$(call need,proof)
	$$(call say,prove,$(1))
	$$(Q)timeout 3600 frama-c $$(PROOF_FLAGS) $$($(1)_PROOF_FLAGS) -cpp-extra-args="-I. -Iio/include \
	    -isystem $(BUILD_DIR)/uapi -include tests/proof/eva.h" tests/proof/$(1).c $$($(1)_PROOF_SRCS) \
	    -then -report-csv $$@ >$(PROOF_DIR)/$(1).log 2>&1 || { tail -n 20 $(PROOF_DIR)/$(1).log; \
	    echo 'Frama-C ends with an error or after an hour; $(PROOF_DIR)/$(1).log has all of it' >&2; exit 1; }
endef
$(foreach name,$(PROOF_NAMES),$(eval $(call proof_run,$(name))))

.PHONY: proof
proof: $(PROOF_NAMES:%=$(PROOF_DIR)/%.csv) ## prove the absence of run-time errors (Frama-C), some minutes
	@$(call need,python)
	@/usr/bin/python3 tests/proof/table.py $(PROOF_DIR) tests/proof/alarms.txt $(PROOF_NAMES)
