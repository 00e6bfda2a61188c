/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole system: from what a person wrote and what the board is to the plan of what will run. */
#pragma once

#include "compose/board.h"
#include "compose/device_tree.h"
#include "compose/image.h"
#include "compose/model.h"
#include "compose/plan.h"

/* A guest's device tree and its file in the output folder. */
struct guest_tree {
    const char *file;
    struct device_tree tree;
};

struct system {
    struct plan plan;
    struct images kernels;
    struct images initrds;
    struct guest_tree *trees; /* one a guest */
    size_t num_trees;
};

/* What guests have that do not say otherwise; NULL: they must say. */
struct defaults {
    const char *kernel;
    const char *initrd;
};

/*
 * Plans the system of a checked model. `folder` is where paths in the YAML file begin. Returns
 * false if errors were told: images that are missing or do not fit, memory that the board lacks.
 */
bool system_plan(struct system *system, struct arena *arena, struct diag *diag,
                 const struct model *model, const struct board *board, const char *folder,
                 const struct defaults *defaults);
