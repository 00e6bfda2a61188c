/* SPDX-License-Identifier: BSD-2-Clause */
/* One guest: its images, its VMM with the virtual machine, its record and device tree. */
#pragma once

#include "compose/place.h"
#include "compose/system.h"

/* Where guests' images are looked for and kept. */
struct boot_files {
    struct images *kernels;
    struct images *initrds;
    const char *folder;
    const struct defaults *defaults;
};

/* What a guest boots from. */
struct guest_boot {
    const struct image *kernel;
    const struct image *initrd; /* or NULL */
    struct placement place;
};

/* Finds and places a guest's images. Returns false, with errors told, where they are missing or
 * its RAM is too small for them. */
bool guest_find_images(struct guest_boot *boot, struct arena *arena, struct diag *diag,
                       const struct guest *guest, const struct boot_files *files);

/* Adds the GIC's virtual CPU interface, which all guests map. */
const struct region *guest_plan_gicv(struct plan *plan, const struct board *board);

/* Adds a guest and its VMM to the plan; returns the VMM and its device tree. */
struct pd *guest_plan(struct plan *plan, const struct guest *guest, const struct guest_boot *boot,
                      const struct region *gicv, struct guest_tree *tree);
