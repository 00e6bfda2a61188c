# SPDX-License-Identifier: BSD-2-Clause
# libFuzzer: each fuzz_NAME.c is a target, linked with the archives of tests/host.mk; its seeds are in
# corpus/NAME. docs/testing.md tells how to fuzz, and what to do with a crash.
FUZZ_DIR := $(BUILD_DIR)/fuzz
#: FUZZ_NAMES=              the fuzz targets; by default all
FUZZ_NAMES ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
#: FUZZ_JOBS=               how many targets run at once; by default one a core
FUZZ_JOBS ?= $(shell nproc)
#: FUZZ_SECONDS=            how long each target runs
# An hour for all of them together.
FUZZ_SECONDS ?= $(shell echo $$((3600 * $(FUZZ_JOBS) / $(words $(FUZZ_NAMES)))))

# What a rig executes is no discovery: rigs are not instrumented.
FUZZ_RIGS = $(filter-out %_raced.c,$(filter tests/unit/%,$<))
$(FUZZ_DIR)/%.o: %.c | need-compiler need-unit
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(UNIT_CFLAGS) $(CONVERSION) $(COVERAGE_FLAGS) $(if $(FUZZ_RIGS),,-fsanitize=fuzzer-no-link) -c $< -o $@

# `$(call fuzz_target,NAME,ARCHIVES)`
define fuzz_target
$(FUZZ_DIR)/fuzz_$(1): $(FUZZ_DIR)/tests/fuzz/fuzz_$(1).o $(2:%=$(FUZZ_DIR)/%.a)
	$$(call say,link,$$@)
	$$(Q)clang $(COVERAGE_FLAGS) -fsanitize=fuzzer,address,undefined $$< $(call linked_with,$(FUZZ_DIR),$(2)) -o $$@
endef
$(call host_archives,$(FUZZ_DIR))
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_target,$(name),$(call rigs_of,tests/fuzz/fuzz_$(name).c) $(HOST_PARTS))))

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
