# SPDX-License-Identifier: BSD-2-Clause
# Tests of the makefiles and scripts: what a user sees who calls them wrongly, or on another machine.
.PHONY: build-test
build-test: checkout $(HOST_DIR)/composer $(SYSTEM_PROGRAMS) $(SDK_STAMP) $(BARE_GUESTS)/trap_guest.Image ## test the makefiles and scripts of the build
	@$(call need,pytest console download archive disk)
	@CLOISTER_BUILD_DIR=$(BUILD_DIR) /usr/bin/python3 -m pytest -p no:cacheprovider -q -n $(shell nproc) \
	    tests/build $(if $(filter build-test,$(MAKECMDGOALS)),$(PYTEST_ARGS))
