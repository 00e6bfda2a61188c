# SPDX-License-Identifier: BSD-2-Clause
# What can be said of the sources without running them. Each check stands in its own file here, says
# file:line of what it finds and what would be right, and leaves a stamp: a second run looks only at
# what has changed.
CHECK_DIR := $(BUILD_DIR)/check
CHECKED_SOURCES := $(shell git ls-files 'sdk/*.c' 'lib/*.c' 'vmm/*.c' 'io/*.c' 'services/*.c' 'compose/*.c' 2>/dev/null)
LINTED_SOURCES := $(CHECKED_SOURCES) $(shell git ls-files 'guest/programs/*.c' 'tests/unit/*.c' 'tests/fuzz/*.c' 'tests/hostile/*.c' 2>/dev/null)
# tests/proof is for Frama-C, and includes its headers.
CHECKED_HEADERS := $(filter-out tests/proof/%,$(shell git ls-files '*.h' 2>/dev/null))

# How a file is compiled, without what writes files: for the target, or for this host.
CHECK_HOST := compose/% sdk/tool/% tests/unit/% tests/fuzz/% tests/bench/% guest/programs/%
CHECK_FLAGS = $(filter-out -MMD -MP -g,$(if $(filter $(CHECK_HOST),$<),$(HOST_CFLAGS) -I$(UNIT_BOARD), \
    $(TARGET_CFLAGS) $(if $(filter sdk/%,$<),$(KERNEL_CFLAGS)))) -Isdk/libmicrokit/include
# Headers that it depends on, beside its stamp.
check_deps = clang $(CHECK_FLAGS) -MM -MP -MT $@ -MF $@.d $<

# ---- clang-tidy: the next .clang-tidy above a file has its checks --------------------------------
$(CHECK_DIR)/%.tidy: %.c .clang-tidy tests/static/rules.mk | $(BUILD_DIR)/uapi/.linked need-check
	@mkdir -p $(@D)
	$(call say,tidy,$<)
	$(Q)clang-tidy --quiet $< -- $(CHECK_FLAGS) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@$(check_deps) && touch $@

# ---- cppcheck: it looks again at files that have changed -----------------------------------------
# It does not know __typeof__ as clang does.
CPPCHECK := cppcheck -q -j$(shell nproc) --std=c11 --platform=unix64 --error-exitcode=1 \
    --enable=warning,performance,portability,style --suppressions-list=tests/static/cppcheck.txt \
    --cppcheck-build-dir=$(CHECK_DIR)/cppcheck -I. -Iio/include -Isdk/libc/include \
    -Isdk/kernel/include -Isdk/libmicrokit/include -Isdk/boards/$(MICROKIT_BOARD) \
    -D__typeof__=typeof -DCONFIG_DEBUG
.PHONY: check-cppcheck
check-cppcheck: checkout | need-check
	@mkdir -p $(CHECK_DIR)/cppcheck
	@echo '  cppcheck of $(words $(CHECKED_SOURCES)) files'
	$(Q)$(CPPCHECK) $(CHECKED_SOURCES) || \
	    { echo 'Mend it, or say why not in tests/static/cppcheck.txt' >&2; exit 1; }

# ---- Stacks: how deep each program of the target can be, and the kernel --------------------------
# A PD has bin/microkit's default, the kernel what start.S gives it.
PD_STACK = $(shell awk '/define DEFAULT_STACK/ { print $$3 }' sdk/tool/system_xml.c)
KERNEL_STACK = $(shell awk '/\.space/ { print $$2 }' sdk/kernel/aarch64/vhe/start.S)
.PHONY: check-stack
check-stack: $(SYSTEM_PROGRAMS) $(TARGET_DIR)/sdk/kernel.elf | need-python
	@/usr/bin/python3 tests/static/stack.py $(PD_STACK) $(SYSTEM_PROGRAMS)
	@/usr/bin/python3 tests/static/stack.py $(KERNEL_STACK) $(TARGET_DIR)/sdk/kernel.elf

# What it must find, it finds.
$(CHECK_DIR)/wrong.elf: tests/static/wrong.c | $(BUILD_DIR)/uapi/.linked
	@mkdir -p $(@D)
	$(Q)clang $(TARGET_FLAGS) -std=c11 -O1 -g $(PREFIX_MAP) -c $< -o $@.o
	$(Q)ld.lld -e wrong -o $@ $@.o
.PHONY: check-stack-wrong
check-stack-wrong: $(CHECK_DIR)/wrong.elf | need-python
	@/usr/bin/python3 tests/static/stack.py 8192 $< | LC_ALL=C sort | diff tests/static/wrong.txt - || \
	    { echo 'tests/static/stack.py does not find what is wrong in wrong.c' >&2; exit 1; }

# ---- Each header compiles alone ------------------------------------------------------------------
$(CHECK_DIR)/%.alone: % tests/static/rules.mk | $(BUILD_DIR)/uapi/.linked need-unit
	@mkdir -p $(@D)
	$(Q)clang $(CHECK_FLAGS) -Wno-unused-function -fsyntax-only -include $< -x c /dev/null || \
	    { echo '$<: a header includes what it needs, so that its users need not know' >&2; exit 1; }
	@$(check_deps) && touch $@

.PHONY: check lint check-text check-includes check-headers check-rows
CHECKS := check-headers check-cppcheck check-stack lint check-text check-includes check-stack-wrong \
    check-rows check-budgets
# Where git was not there yet as this make listed the files, another one checks them.
files_listed = $(if $(CHECKED_SOURCES)$(LISTED),$(2),$(1)-listed)
%-listed: checkout
	@$(MAKE) LISTED=1 $*
check: checkout $(call files_listed,check,$(CHECKS)) ## check the sources without running them
check-rows: | need-python
	@/usr/bin/python3 tests/static/rows.py
check-budgets: checkout | need-python
	@/usr/bin/python3 tests/static/budgets.py
check-text: checkout | need-python
	@/usr/bin/python3 tests/static/text.py
check-includes: checkout | need-python
	@/usr/bin/python3 tests/static/includes.py
check-headers: checkout $(call files_listed,check-headers,$(CHECKED_HEADERS:%=$(CHECK_DIR)/%.alone))
lint: checkout $(call files_listed,lint,$(LINTED_SOURCES:%.c=$(CHECK_DIR)/%.tidy)) ## check the sources with clang-tidy
