/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux unpacks an initial RAM disk into its root file system. Without `root=` on the command line
 * that is a tmpfs (init/do_mounts.c, init_rootfs()), whose size is half of the pages that are
 * free when it is mounted (mm/shmem.c, shmem_default_max_blocks()): of the RAM
 * without the kernel, the images, the page descriptors and CMA. A file that does not fit ends the
 * unpacking: "Initramfs unpacking failed: write error". With
 * `root=` it is a ramfs, which may fill the RAM.
 *
 * The figures are of Debian's kernel 6.1 (its line "Memory: ... available"), in guests of 96 to
 * 256 MiB.
 */
#include "compose/fit.h"

#include "compose/limits.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the kernel and a shell use beside the images, which grows with the kernel's size. Measured
 * by booting Debian's kernel with less and less RAM, down to "System is deadlocked on memory".
 */
#define WORK_BYTES(kernel_bytes) ((kernel_bytes) / 3 + (4ul << 20))

#define DESCRIPTOR_SHARE         64           /* a page of 4 KiB has a descriptor of 64 bytes */
#define RESERVED_BYTES           (3ul << 20)  /* page tables, per-CPU areas, gaps */
#define CMA_BYTES                (64ul << 20) /* Debian's CONFIG_CMA_SIZE_MBYTES */

/* Returns the value of a kernel option, "cma=" say, on a command line, or NULL. */
static const char *option_of(const char *cmdline, const char *option)
{
    size_t length = strlen(option);
    for (const char *at = cmdline; at != NULL; at = strchr(at, ' ')) {
        at += strspn(at, " ");
        if (strncmp(at, option, length) == 0) {
            return at + length;
        }
    }
    return NULL;
}

/* As Linux's memparse() reads it. */
static uint64_t size_of(const char *text)
{
    char *end;
    uint64_t bytes = strtoull(text, &end, 0);
    unsigned shift = *end == 'G' || *end == 'g'   ? 30
                     : *end == 'M' || *end == 'm' ? 20
                     : *end == 'K' || *end == 'k' ? 10
                                                  : 0;
    return bytes << shift;
}

/* The size of the CMA area. A kernel that has no room for it in one piece reserves nothing. */
static uint64_t cma_bytes(const struct fit *fit, uint64_t free_bytes)
{
    const char *option = option_of(fit->cmdline, "cma=");
    uint64_t bytes = option != NULL ? size_of(option) : CMA_BYTES;
    return fit->kernel->has_cma && free_bytes >= bytes && bytes <= GUEST_MAX_RAM_BYTES ? bytes : 0;
}

/* The free RAM at the time when the kernel mounts its root file system. */
static uint64_t free_bytes(const struct fit *fit, uint64_t ram_bytes)
{
    uint64_t images = place_images(0, fit->kernel, fit->initrd).end_gpa;
    uint64_t taken = images + ram_bytes / DESCRIPTOR_SHARE + RESERVED_BYTES;
    uint64_t free = ram_bytes > taken ? ram_bytes - taken : 0;
    return free - cma_bytes(fit, free);
}

bool fit_boots(const struct fit *fit, uint64_t ram_bytes)
{
    uint64_t images = place_images(0, fit->kernel, fit->initrd).end_gpa;
    uint64_t unpacked = fit->initrd == NULL ? 0 : fit->initrd->contents.bytes;
    bool is_known = fit->initrd == NULL || !fit->initrd->contents.is_more;
    bool is_tmpfs = option_of(fit->cmdline, "root=") == NULL;
    return is_known && ram_bytes >= images + unpacked + WORK_BYTES(fit->kernel->ram_bytes) &&
           (!is_tmpfs || unpacked <= free_bytes(fit, ram_bytes) / 2);
}

uint64_t fit_least_bytes(const struct fit *fit)
{
    uint64_t images = place_images(0, fit->kernel, fit->initrd).end_gpa;
    uint64_t unpacked = 0;
    if (fit->initrd != NULL) {
        if (fit->initrd->contents.is_more) {
            return 0;
        }
        unpacked = fit->initrd->contents.bytes;
    }
    /* An upper bound, lowered for as long as the guest still boots. */
    uint64_t bytes = round_up(2 * (images + unpacked + cma_bytes(fit, UINT64_MAX)) +
                                  WORK_BYTES(fit->kernel->ram_bytes) + 2 * RESERVED_BYTES,
                              GUEST_PAGE_BYTES);
    while (fit_boots(fit, bytes - GUEST_PAGE_BYTES)) {
        bytes -= GUEST_PAGE_BYTES;
    }
    return bytes;
}
