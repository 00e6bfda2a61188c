# SPDX-License-Identifier: BSD-2-Clause
# One VMM for all guests. vmm_contract is the same program with no other way to the vCPUs' registers
# than seL4's; on an SDK that does not map them, `vmm` is equal to it.
PROGRAMS += vmm vmm_contract
VMM_SRCS := $(call sources_in,vmm) $(RESTART_SRCS)
vmm_SRCS := $(filter-out %/vcpu_regs_contract.c,$(VMM_SRCS))
vmm_contract_SRCS := $(filter-out %/vcpu_regs_frame.c,$(VMM_SRCS))
