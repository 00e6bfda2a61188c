/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot images: kernels and initial RAM disks, each file once, however many guests use it. */
#pragma once

#include "compose/diag.h"
#include "compose/initrd.h"

#include <stdbool.h>
#include <sys/types.h>

struct image {
    struct image *next;
    const char *path;
    const char *name; /* of its region and of its link in the output folder: "kernel0" */
    uint64_t file_bytes;
    uint64_t ram_bytes;              /* that it takes in the guest: a kernel's image_size */
    uint64_t text_offset;            /* a kernel's, from a multiple of 2 MiB on */
    bool has_cma;                    /* a kernel that keeps a part of RAM for devices */
    struct initrd_contents contents; /* of an initial RAM disk */
    dev_t device;                    /* two paths may name one file */
    ino_t inode;
    const struct region *region; /* where it lies in the system, once it is planned */
};

/* All images of one kind. */
struct images {
    const char *kind;    /* "kernel" */
    const char *option;  /* of the default: "linux" */
    const char *way_out; /* how else to do without a default */
    const char *no_such; /* of a file that is wrong: "is no arm64 Image" */
    uint64_t most_bytes; /* an initial RAM disk is unpacked up to here */
    /* Reads what a file's bytes tell of it; returns what is wrong with it, or NULL. */
    const char *(*inspect)(const struct images *images, struct arena *arena, struct image *image,
                           const uint8_t *bytes);
    struct image *first;
    unsigned count;
};

/* Empty sets. */
extern const struct images images_of_kernels, images_of_initrds;

/* Returns the image of a path; NULL, with an error told at `at`, if it is none of the kind. */
struct image *images_find(struct images *images, struct diag *diag, struct mark at,
                          const char *path);

/* Where a guest's boot images lie in its RAM. */
struct placement {
    uint64_t kernel_gpa; /* the Image's base, a multiple of 2 MiB: it lies text_offset above */
    uint64_t dtb_gpa;
    uint64_t initrd_gpa; /* 0: none */
    uint64_t end_gpa;    /* of the last of them */
};

/* Places kernel, device tree and initial RAM disk (or NULL) in RAM that begins at `ram_gpa`. */
struct placement place_images(uint64_t ram_gpa, const struct image *kernel,
                              const struct image *initrd);
