/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot images: kernels and initial RAM disks, each file once, however many guests use it. */
#pragma once

#include "compose/diag.h"

#include <stdbool.h>
#include <sys/types.h>

struct image {
    struct image *next;
    const char *path;
    const char *name; /* of its region and of its link in the output folder: "kernel0" */
    uint64_t file_bytes;
    uint64_t ram_bytes;      /* that it takes in the guest: a kernel's image_size */
    uint64_t text_offset;    /* a kernel's, from a multiple of 2 MiB on */
    uint64_t unpacked_bytes; /* an initial RAM disk's, as far as one can tell */
    dev_t device;            /* two paths may name one file */
    ino_t inode;
    const struct region *region; /* where it lies in the system, once it is planned */
};

/* All images of one kind. */
struct images {
    const char *kind; /* "kernel" */
    struct image *first, **end;
    unsigned count;
};

/* Makes an empty set. */
void images_init(struct images *images, const char *kind);

/* Returns the kernel of a path, NULL with an error told at `at` if it is no arm64 Image. */
struct image *images_kernel(struct images *images, struct arena *arena, struct diag *diag,
                            struct mark at, const char *path);

/* Returns the initial RAM disk of a path, NULL with an error told if it cannot be read. */
struct image *images_initrd(struct images *images, struct arena *arena, struct diag *diag,
                            struct mark at, const char *path);
