# SPDX-License-Identifier: BSD-2-Clause
# What the host tests and the fuzz targets' corpora execute, line by line: the same programs once
# more, with clang's counters. docs/testing.md has the table.
COVERAGE_DIR := $(BUILD_DIR)/coverage
COVERAGE_FOLDERS := sdk/kernel/core vmm io services lib compose
COVERAGE_FLAGS = $(if $(COVERAGE),-fprofile-instr-generate -fcoverage-mapping)
COVERAGE_PROGRAMS = $(UNIT_TESTS:%=$(COVERAGE_DIR)/unit/%) $(FUZZ_NAMES:%=$(COVERAGE_DIR)/fuzz/fuzz_%)

.PHONY: coverage
coverage: checkout ## tell which lines the host tests and corpora execute
	@$(call need,compiler python)
	@$(MAKE) COVERAGE=1 UNIT_DIR=$(COVERAGE_DIR)/unit FUZZ_DIR=$(COVERAGE_DIR)/fuzz \
	    $(COVERAGE_PROGRAMS)
	@/usr/bin/python3 tests/coverage/coverage.py $(COVERAGE_DIR) $(FUZZ_DIR)/corpus $(COVERAGE_FOLDERS)
