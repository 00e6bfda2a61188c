# SPDX-License-Identifier: BSD-2-Clause
# Host tests. Each test_NAME.c below tests/unit is a cmocka program, linked with the parts of the
# product that its folder may use, and with rigs: all other sources below tests/unit. So a new test or
# source file needs no rule.
UNIT_TESTS := $(basename $(notdir $(UNIT_TEST_SRCS)))

# The parts of tests/host.mk for the tests of a folder, in the order in which they are searched.
vmm_PARTS := vmm io lib
io_PARTS := io lib
services_PARTS := services lib
compose_PARTS := compose tool vmm lib
sdk_PARTS := tool kernel lib
guest_PARTS := lib

# `$(call unit_test,SOURCE,ARCHIVES)`
define unit_test
$(UNIT_DIR)/$(basename $(notdir $(1))): $(UNIT_DIR)/$(1:.c=.o) $(2:%=$(UNIT_DIR)/%.a)
	$$(call say,link,$$@)
	$$(Q)clang $(COVERAGE_FLAGS) -fsanitize=address,undefined $$< $(call linked_with,$(UNIT_DIR),$(2)) -o $$@
endef
parts_of = $($(word 3,$(subst /, ,$(1)))_PARTS)
$(call host_archives,$(UNIT_DIR))
$(foreach test,$(UNIT_TEST_SRCS),$(eval $(call unit_test,$(test),$(call rigs_of,$(test)) $(call parts_of,$(test)))))

.PHONY: unit
unit: $(UNIT_TESTS:%=$(UNIT_DIR)/%) ## run the host tests, under ASan and UBSan
	@failed=0; for t in $(UNIT_TESTS); do echo "== $$t"; \
	    timeout 300 $(UNIT_DIR)/$$t 2>&1 | tee $(UNIT_DIR)/$$t.log | grep -vE '^\[ (RUN|      OK) ' ; \
	    [ $${PIPESTATUS[0]} -eq 0 ] || failed=1; done; exit $$failed
