# SPDX-License-Identifier: BSD-2-Clause
# Cloister. `make help` lists the verbs; README.md tells the rest.

# A line that begins with `#:` describes a variable for `make help`.
#: SYSTEM=virtio            a folder of systems/, or the path of a folder or of a YAML file
SYSTEM ?= virtio
#: BUILD_DIR=build          where everything is built
BUILD_DIR ?= build
#: BOARD=                   short for MICROKIT_BOARD
BOARD ?=
#: CONFIG=                  short for MICROKIT_CONFIG
CONFIG ?=
#: MICROKIT_BOARD=qemu_virt_aarch64   the board, a folder of the SDK
MICROKIT_BOARD ?= $(or $(BOARD),qemu_virt_aarch64)
#: MICROKIT_CONFIG=debug    the kernel's configuration
MICROKIT_CONFIG ?= $(or $(CONFIG),debug)
#: MICROKIT_SDK=            the path of a Microkit SDK; by default the embedded one
MICROKIT_SDK ?= $(EMBEDDED_SDK)
#: LINUX=                   another kernel for the guests (an Image)
LINUX ?=
#: INITRD=                  another root file system for the guests (a compressed cpio archive)
INITRD ?=
#: QEMU_CPU=cortex-a76      the core that QEMU emulates
QEMU_CPU ?= cortex-a76
#: QEMU_MEMORY=1G           the board's RAM in QEMU
QEMU_MEMORY ?= 1G
#: V=                       V=1 shows each command
V ?=
#: PYTEST_ARGS=             more arguments for pytest, such as -k NAME
PYTEST_ARGS ?=

EMBEDDED_SDK := $(BUILD_DIR)/sdk
BOARD_SDK = $(MICROKIT_SDK)/board/$(MICROKIT_BOARD)/$(MICROKIT_CONFIG)
TARGET_DIR := $(BUILD_DIR)/$(MICROKIT_BOARD)/$(MICROKIT_CONFIG)
HOST_DIR := $(BUILD_DIR)/host
UNIT_DIR := $(BUILD_DIR)/unit

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash

# With V=1 each command is shown; otherwise a line says what is being made.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)	$(2)')
# `COMMAND $(call or_say,SENTENCE)`: what failed and what to do, where the command does not say it.
or_say = || { echo "$(1)" >&2; exit 1; }

# ---- Values that cannot work are refused before anything is built ------------------------------
# `$(call refuse_unless,NAME,VALUE,CHOICES)`
refuse_unless = $(if $(filter $(3),$(2)),,$(error $(1)=$(2): there is no such choice; choose one of: $(strip $(3))))
NO_SPACES := BUILD_DIR SYSTEM MICROKIT_SDK LINUX INITRD GUEST_CACHE BOARD_DTB PROGRAM_DIR
$(foreach name,$(NO_SPACES),$(if $(word 2,$($(name))),$(error $(name)=$($(name)): make cannot handle \
    spaces in this path; use a path without spaces, or a symbolic link)))
$(if $(strip $(BUILD_DIR)),,$(error BUILD_DIR= is empty; name a folder, or leave it out for build/))
# `make clean` with BUILD_DIR=. would remove the sources.
as_word = $(subst $(subst ,, ),?,$(1))
$(if $(filter $(patsubst %/,%,$(call as_word,$(realpath $(BUILD_DIR))))/%,$(call as_word,$(CURDIR))/),$(if $(realpath \
    $(BUILD_DIR)),$(error BUILD_DIR=$(BUILD_DIR) holds the sources; name a folder of its own)))

WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wshadow
# A value that changes as it is assigned is an error, in either direction of the sign (clang's
# -Wconversion has -Wsign-conversion in it). Tests may be looser.
CONVERSION = $(if $(filter tests/%,$<),,-Wconversion)
# The folder of the checkout stands in no object.
PREFIX_MAP := -ffile-prefix-map='$(CURDIR)'=.
# Debian's linux-libc-dev holds virtIO's constants; its headers are the same for every target.
TARGET_FLAGS := --target=aarch64-none-elf -march=armv8.1-a -mgeneral-regs-only -mstrict-align \
    -ffreestanding -fno-pic -fno-stack-protector -ffunction-sections -fdata-sections
# A trap goes through many small functions of several files: link-time optimisation joins them. It
# takes what nobody refers to for constant, so it is not for programs with a setvar.
LTO = $(if $(filter sdk/kernel/% sdk/boards/% vmm/% io/% services/% lib/%,$<),-flto)
TARGET_CFLAGS = $(TARGET_FLAGS) -std=c11 -O2 -g $(WARNINGS) -MMD -MP $(PREFIX_MAP) \
    -I. -Iio/include -Isdk/libc/include -isystem $(BUILD_DIR)/uapi
HOST_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -MMD -MP $(PREFIX_MAP) \
    -I. -Iio/include -Isdk/kernel/include
# The board whose addresses the host tests of the kernel have.
UNIT_BOARD := sdk/boards/qemu_virt_aarch64
UNIT_CFLAGS := -std=c11 -D_GNU_SOURCE -O1 -g $(WARNINGS) -MMD -MP -I. -Iio/include \
    -Isdk/libmicrokit/include -Isdk/kernel/include -I$(UNIT_BOARD) \
    -fsanitize=address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer

# ---- How programs are made -----------------------------------------------------------------------
LIBC_SRCS := sdk/libc/string.c sdk/libc/format.c
target_objects = $(patsubst %,$(TARGET_DIR)/%.o,$(basename $(1)))

# Every program waits for the SDK: its headers, its linker script, its library.
define target_program
$(TARGET_DIR)/$(1).elf: $$(call target_objects,$$($(1)_SRCS) $(LIBC_SRCS)) $$(SDK_STAMP)
	@mkdir -p $$(@D)
	$$(call say,link,$$@)
	$$(Q)ld.lld -T $$(BOARD_SDK)/lib/microkit.ld --gc-sections -z max-page-size=4096 -z noexecstack \
	    --build-id=none -o $$@ $$(filter %.o,$$^) $$(BOARD_SDK)/lib/libmicrokit.a
$$(call target_objects,$$($(1)_SRCS)): | $$(SDK_STAMP)
endef

define host_program
$(HOST_DIR)/$(1): $$(patsubst %.c,$(HOST_DIR)/%.o,$$($(1)_SRCS))
	$$(call say,link,$$@)
	$$(Q)clang $$^ $$($(1)_LIBS) -o $$@
endef

# The C files below folders, sorted by their paths: the order in which they are linked.
sources_in = $(sort $(wildcard $(foreach folder,$(1),$(foreach depth,* */* */*/* */*/*/*,$(folder)/$(depth).c))))

# What each folder builds. PROGRAMS run on the target as PDs, HOST_PROGRAMS here; NAME_SRCS are the
# sources of NAME, NAME_LIBS the host libraries.
PROGRAMS :=
HOST_PROGRAMS :=
include sdk/rules.mk

# The boards and configurations are what the SDK has: the embedded one in sdk/, another one in its
# folder board/.
IS_EMBEDDED := $(filter $(EMBEDDED_SDK),$(MICROKIT_SDK))
folders_in = $(sort $(notdir $(patsubst %/,%,$(wildcard $(1)/*/))))
BOARDS := $(call folders_in,$(if $(IS_EMBEDDED),sdk/boards,$(MICROKIT_SDK)/board))
$(if $(BOARDS),,$(error MICROKIT_SDK=$(MICROKIT_SDK): this is no Microkit SDK, since it has no folder \
    board/ with boards; name the folder that the SDK was unpacked to))
$(call refuse_unless,$(if $(BOARD),BOARD,MICROKIT_BOARD),$(MICROKIT_BOARD),$(BOARDS))
CONFIGS := $(if $(IS_EMBEDDED),$(sort $(patsubst CONFIG_FLAGS_%,%,$(filter CONFIG_FLAGS_%,$(.VARIABLES)))),\
    $(call folders_in,$(MICROKIT_SDK)/board/$(MICROKIT_BOARD)))
$(call refuse_unless,$(if $(CONFIG),CONFIG,MICROKIT_CONFIG),$(MICROKIT_CONFIG),$(CONFIGS))

-include lib/rules.mk io/rules.mk services/rules.mk vmm/rules.mk compose/rules.mk guest/rules.mk systems/rules.mk
include tests/host.mk
-include $(sort $(wildcard tests/*/*.mk))

# ---- Debian packages: .ci/packages lists them by groups ----------------------------------------
# `$(call need,GROUP ...)` in a recipe, or the order-only prerequisite need-GROUP, installs what is
# missing of a group.
need = .ci/need $(1)
NEED_GROUPS := $(shell awk '/^[a-z]/ { print $$1 }' .ci/packages)
.PHONY: $(NEED_GROUPS:%=need-%)
$(NEED_GROUPS:%=need-%): need-%:
	@$(call need,$*)

$(BUILD_DIR)/uapi/.linked: | need-compiler
	@mkdir -p $(@D)
	@ln -sfn /usr/include/linux $(@D)/linux
	@ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	@ln -sfn /usr/include/asm-generic $(@D)/asm
	@touch $@

# ---- Target programs ---------------------------------------------------------------------------

$(TARGET_DIR)/%.o: %.c | $(BUILD_DIR)/uapi/.linked
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(TARGET_CFLAGS) $(CONVERSION) $(if $(filter sdk/%,$<),$(KERNEL_CFLAGS) -Isdk/libmicrokit/include,-I$(BOARD_SDK)/include) \
	    $(LTO) -MJ $@.json -c $< -o $@
$(TARGET_DIR)/%.o: %.S | need-compiler
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(TARGET_FLAGS) -g -MMD -MP $(PREFIX_MAP) -I. $(KERNEL_CFLAGS) -MJ $@.json -c $< -o $@

$(foreach program,$(PROGRAMS),$(eval $(call target_program,$(program))))
PROGRAM_ELFS := $(PROGRAMS:%=$(TARGET_DIR)/%.elf)

# ---- Host programs and unit tests --------------------------------------------------------------
$(HOST_DIR)/%.o: %.c | need-compiler
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(HOST_CFLAGS) $(CONVERSION) -MJ $@.json -c $< -o $@
$(UNIT_DIR)/%.o: %.c | need-compiler need-unit
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang $(UNIT_CFLAGS) $(CONVERSION) $(COVERAGE_FLAGS) -MJ $@.json -c $< -o $@

$(foreach program,$(HOST_PROGRAMS),$(eval $(call host_program,$(program))))

# ---- A full disk -------------------------------------------------------------------------------
# Where less than this is free, recipes run in a shell that says in one sentence that the disk is full.
SCARCE_MB := 4000
export STEP_FOLDERS := $(BUILD_DIR) $(GUEST_CACHE) $(or $(TMPDIR),/tmp)
IS_SCARCE := $(shell .ci/space $(SCARCE_MB) $(STEP_FOLDERS))
%: SHELL := $(if $(IS_SCARCE),.ci/step,$(SHELL))

# ---- Verbs -------------------------------------------------------------------------------------
HELP_FILES = $(filter %Makefile %.mk,$(filter-out $(BUILD_DIR)/%,$(MAKEFILE_LIST)))
.PHONY: help
help: ## list the verbs
	@echo 'Cloister: many Linux guests on one small separation kernel.'
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(HELP_FILES) | awk -F '\t' ' \
	    { line = sprintf("  make %-18s %s\n", $$1, $$2) } \
	    $$1 == "qemu" || $$1 == "test" { first[$$1] = line; next } { others = others line } \
	    END { printf "%s%s%s", first["qemu"], first["test"], others }'
	@echo; echo 'Variables, with their defaults:'
	@sed -n 's/^#: /  /p' $(HELP_FILES)
	@echo; echo 'Boards: $(BOARDS). Configurations: $(CONFIGS).'
	@echo 'Systems: $(KNOWN_SYSTEMS).'

# Compiles on all cores, unless the caller has said how many.
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
TEST_PARTS := format-check check build-test unit model fuzz-smoke system-test
.PHONY: test
test: ## run all tests
	+@tests/parts.sh '$(MAKE) $(PARALLEL)' $(TEST_PARTS)

# The tests drive the systems' own images, in the configs that they promise something of.
.PHONY: system-test
system-test: sdk-test-images test-images ## run the tests in QEMU
	@$(call need,qemu pytest console)
	CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) \
	    /usr/bin/python3 -m pytest -p no:cacheprovider -v -n $(shell nproc) --dist loadfile \
	    --durations=8 tests/system $(PYTEST_ARGS)

# Verbs that work on all files of the tree list them by git.
.PHONY: checkout
checkout: need-git
	@error=$$(git ls-files --error-unmatch Makefile 2>&1 >/dev/null) || { echo "git lists no files" \
	    "here, and this verb works on those that it lists; clone the repository with git, or" \
	    "make this folder one: git init && git add . (git says: $${error%%$$'\n'*})" >&2; exit 1; }

C_SOURCES = $(shell git ls-files '*.c' '*.h')
# Each version lays some lines out differently: Debian 12's clang-format is the reference.
FORMAT_VERSION := 14
unless_reference = clang-format --version | grep -q 'version $(FORMAT_VERSION)\.' ||
.PHONY: format format-check
format: checkout ## format all C sources
	@$(call need,format)
	@$(unless_reference) { echo "This clang-format is not version $(FORMAT_VERSION), Debian 12's; format there" >&2; exit 1; }
	@clang-format -i $(C_SOURCES)
format-check: checkout ## tell which C sources `make format` would change
	@$(call need,format)
	@$(unless_reference) { echo '  format-check is skipped: this clang-format is not version $(FORMAT_VERSION)'; exit; }; \
	    echo '  check the format of $(words $(C_SOURCES)) files'; \
	    clang-format --dry-run -Werror $(C_SOURCES)

# Everything that is compiled, as clang's tools want to know it.
.PHONY: everything
everything: $(PROGRAM_ELFS) $(HOST_PROGRAMS:%=$(HOST_DIR)/%) $(UNIT_TESTS:%=$(UNIT_DIR)/%)
compile_commands.json: everything
	@{ echo '['; find $(BUILD_DIR) -name '*.o.json' | sort | xargs cat | sed '$$s/,$$//'; echo ']'; } > $@

# The disks of the guests (systems/disk.mk) lie in BUILD_DIR too.
KEPT_DISKS = $(wildcard $(BUILD_DIR)/*.img)
.PHONY: clean distclean
clean: ## remove what was built, but no disk of the guests
	@[ ! -d $(BUILD_DIR) ] || find $(BUILD_DIR) -mindepth 1 -maxdepth 1 ! -name '*.img' -exec rm -rf {} +
	@rmdir $(BUILD_DIR) 2>/dev/null || true
	@echo 'Removed what was built in $(BUILD_DIR)/'
	@$(if $(KEPT_DISKS),echo 'Kept the disks of the guests: $(KEPT_DISKS) (make disk-clean removes ours, make distclean everything)')
distclean: ## remove all of BUILD_DIR: the disks and downloads too
	@rm -rf $(BUILD_DIR) compile_commands.json
	@echo 'Removed $(BUILD_DIR)/$(if $(KEPT_DISKS), and with it the disks of the guests: $(KEPT_DISKS))'

-include $(shell find $(BUILD_DIR) -name '*.d' -type f 2>/dev/null)
