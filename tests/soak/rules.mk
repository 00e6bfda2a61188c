# SPDX-License-Identifier: BSD-2-Clause
# The long tests, in parts of at most an hour. Each part leaves its output and its result in
# $(SOAK_DIR)/PART.txt; docs/testing.md says what each one shows.
SOAK_DIR := $(BUILD_DIR)/soak
SOAK_PARTS := boots disks net sockets hostile crashes lives fuzz proof fresh debian13
#: SOAK=                   the parts of the soak, joined by commas; by default all
SOAK ?= $(SOAK_PARTS)

.PHONY: soak $(SOAK_PARTS:%=soak-%)
soak: ## run the long tests; SOAK=boots,fresh,... picks parts
	@MAKE='$(MAKE)' tests/soak/soak.sh $(SOAK_DIR) '$(SOAK_PARTS)' $(subst $(comma), ,$(SOAK))

# `$(call soak_tests,VARIABLE=value...,test_NAME...)`
soak_tests = CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) $(1) \
    /usr/bin/python3 -m pytest -p no:cacheprovider -v --durations=3 \
    $(2:%=tests/system/%.py) $(PYTEST_ARGS)

.PHONY: soak-images
soak-images: test-images
	@$(call need,qemu pytest console)

soak-boots: soak-images
	$(call soak_tests,CLOISTER_BOOTS_OF_TWO=200 CLOISTER_BOOTS_OF_FOUR=50,test_boots)
soak-disks: soak-images
	$(call soak_tests,CLOISTER_FIO_OPERATIONS=10000,test_block test_driver_vm)
soak-net: soak-images
	$(call soak_tests,CLOISTER_NET_SECONDS=30,test_vswitch test_net)
soak-sockets: soak-images
	@$(MAKE) vsock-linux-image
	$(call soak_tests,CLOISTER_VSOCK_BYTES=1073741824,test_vsock test_vsock_linux)
soak-hostile: soak-images
	$(call soak_tests,CLOISTER_HOSTILE_TIMES=8,test_hostile)
soak-crashes: soak-images
	$(call soak_tests,CLOISTER_CRASH_STEPS=40$(comma)90$(comma)170$(comma)260$(comma)400$(comma)700,test_failing_parts)
soak-lives: soak-images
	$(call soak_tests,CLOISTER_ENDURE_S=1800 CLOISTER_LIFE_S=3600,test_endurance)
# 50 minutes for all targets, and the build before them.
soak-fuzz:
	@$(MAKE) fuzz FUZZ_SECONDS=$$((3000 * $(FUZZ_JOBS) / $(words $(FUZZ_NAMES))))
soak-proof: proof
# Two parts, since each takes most of an hour.
soak-fresh: SUITE := bookworm
soak-debian13: SUITE := trixie
soak-fresh soak-debian13:
	@$(call need,console bare)
	@/usr/bin/python3 tests/soak/fresh.py $(SUITE)
