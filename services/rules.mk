# SPDX-License-Identifier: BSD-2-Clause
# The PDs that are no I/O, a folder each. The supervisor restarts all others, and nothing restarts it.
SERVICES := $(sort $(notdir $(patsubst %/,%,$(wildcard services/*/))))
PROGRAMS += $(SERVICES)
$(foreach service,$(SERVICES),$(eval $(service)_SRCS := $(call sources_in,services/$(service)) \
    $(if $(filter-out supervisor,$(service)),$(RESTART_SRCS))))
