/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's boot images: checked, then copied into its RAM, as Linux's boot protocol asks
 * (Documentation/arch/arm64/booting.rst). Users bring their own images: nothing in them is trusted.
 */
#pragma once

#include "vmm/core/guest_ram.h"
#include "vmm/core/vmm_config.h"

#include <stdbool.h>

/*
 * Loads kernel, initrd and device tree where the record says; what was there before is
 * overwritten, the rest of RAM stays as it is. On success *entry is the kernel's first
 * instruction (x0 must be config->dtb_gpa there). False: an image is wrong, or they do not fit;
 * one line on the log says which, why, and what to do; nothing was written then.
 */
bool image_load(const struct vmm_config *config, const struct guest_ram *ram, gpa_t *entry);
