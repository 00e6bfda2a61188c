# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_vgic

VGIC_SRCS := vmm/arch/aarch64/vgic.c vmm/arch/aarch64/vgic_dist.c
test_vgic_SRCS := tests/unit/test_vgic.c $(VGIC_SRCS)
